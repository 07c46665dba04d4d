"""How reports come from what happened: bias, gaps, revision, rounding and vague words.

A report is a number that somebody named, read as the interval that its words leave open. Given
what happened, this module says how likely such a report was, and draws reports like it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from escalate.errors import EscalateError, Problem, ScenarioError, closest
from escalate.figures import Figure, disagreements
from escalate.randomness import Seed

__all__ = [
    "NOISE_SD_LOG",
    "Observation",
    "exchanges",
    "superseded",
    "three_way_log_likelihood",
]

Array = np.ndarray[Any, Any]

NOISE_SD_LOG: Mapping[str, float] = {
    "launched": 0.1, "intercepted": 0.1, "intercepted_fraction": 0.1, "hits": 0.2,
    "strikes": 0.15, "killed": 0.1, "injured": 0.15, "cost": 0.3, "duration": 0.1,
    "response_delay": 0.2, "blackout_regions": 0.1, "regions_hit": 0.15, "spillover": 0.2,
}  # fmt: skip
"""Standard deviation of the log of reported over true, by quantity. [-]

Assumptions of ours: counts that a staff keeps are good to a tenth, those of the injured and of
hits to a fifth, sums of money to a third.
"""

_MEASURES = ("USD", "hours", "fraction")
_REVISED = ("killed", "injured")
_ROUNDED = 0.005
"""Share by which an exactly named measure may be off: it has three digits."""
_FEW = 40
"""Cases up to which it is counted out how many of them are known."""
_WILD = {"USD": (1e5, 1e11), "hours": (0.1, 1e3), "": (0.25, 1e4)}
"""Range over which a report that has nothing to do with the war is log-uniform, by unit."""
_DAY = 86_400.0


@dataclass(frozen=True)
class Observation:
    """How reports come from what happened.

    A number may be an array: it is then broadcast against all axes of the truths but the last.

    Notes
    -----
    Of a true count x the claimant knows K, each case with chance F, names them with a bias b and
    a noise e, and rounds to a whole number,

    ``R = round(K exp(b + e))``,  ``K ~ binomial(x, F)``,  ``e ~ normal(0, sd^2 + bias_sd^2)``.

    None known is reported as 0. Large counts, of more than 40 cases and (1 - F)/(F x) below 0.01,
    are taken to be log-normal, ``R = round(F x exp(b + e))`` with (1 - F)/(F x) added to the
    variance. Money, hours and fractions have noise alone. The report says that R lies in an
    interval; with chance `lapse_prob` it has nothing to do with the war.

    An interval counts by the chance that R lies within it: that it was these words and no others,
    of those that admit R, is taken to say nothing more.

    Examples
    --------
    >>> from escalate.figures import shipped_figures
    >>> figure = shipped_figures()[7]
    >>> figure.id, figure.quantity, figure.describe()
    ('F08', 'killed', 'at least 39')
    >>> Observation().log_likelihood([[20.0], [39.0], [60.0]], [figure]).round(2)
    array([[-5.25],
           [-0.87],
           [-0.02]])
    """

    noise_sd_log: Mapping[str, Any] = field(default_factory=lambda: NOISE_SD_LOG)
    """Scatter of the log of reported over true, by quantity. [-]"""
    bias_log: Mapping[str, Any] = field(default_factory=dict)
    """Log of reported over true of a claimant's counts, above 0 for one who exaggerates. [-]"""
    bias_sd_log: Any = 0.1
    """How uncertain the bias of each claimant is who is not in `bias_log`, around 0. [-]"""
    reported_share: Mapping[str, Any] = field(default_factory=dict)
    """Part of what happens that ever comes to be known, by quantity; 1 if not given. [-]"""
    first_share: Any = 0.85
    """Part of the killed and injured that is known on the last day of the event itself. [-]

    F12 and F14: 21, then 24 killed.
    """
    revision_days: Any = 1.5
    """Mean time until one of the others becomes known. [days]"""
    heaping: Mapping[int, float] = field(default_factory=lambda: {1: 1.0})
    """Share of reporters who round an exact count to a multiple of each number. [-]

    Without rounding by default: none of the shipped counts above 10 that are given as exact is a
    multiple of 5, and those that look rounded are given as "about".
    """
    lapse_prob: Any = 0.02
    """Chance that a report has nothing to do with the war, or is missing without a reason. [-]"""

    def __post_init__(self) -> None:
        """Refuse numbers that are out of bounds."""
        for name, low, high in (
            ("noise_sd_log", 0.0, math.inf), ("bias_log", -math.inf, math.inf),
            ("bias_sd_log", 0.0, math.inf), ("reported_share", 0.0, 1.0),
            ("first_share", 0.0, 1.0), ("revision_days", 0.0, math.inf),
            ("lapse_prob", 0.0, 1.0),
        ):  # fmt: skip
            value = getattr(self, name)
            for key, one in value.items() if isinstance(value, Mapping) else [("", value)]:
                numbers = np.asarray(one, dtype=float)
                if not ((numbers >= low) & (numbers <= high) & np.isfinite(numbers)).all():
                    place = f"observation.{name}" + f".{key}" * bool(key)
                    worst = numbers[~((numbers >= low) & (numbers <= high))]
                    claim = f"`{low:g} <= {name} <= {high:g}` must hold"
                    got = f"{worst.flat[0]:g}" if worst.size else "infinity"
                    raise ScenarioError([Problem(place, f"{claim}, but got {got}")])
        for quantity in (*self.noise_sd_log, *self.reported_share):
            if quantity not in NOISE_SD_LOG:
                message = f"unknown quantity {quantity!r}: {closest(quantity, NOISE_SD_LOG)},"
                raise ScenarioError([Problem("observation", message)])
        weights = list(self.heaping.values())
        if any(h != int(h) or h < 1 for h in self.heaping) or any(w < 0.0 for w in weights):
            raise EscalateError("`heaping` must give shares to whole numbers of 1 or more")
        if abs(sum(weights) - 1.0) > 1e-9:
            raise EscalateError(f"shares of `heaping` must add up to 1, but got {sum(weights):g}")

    def replace(self, changes: Mapping[str, Any]) -> Observation:
        """Give an observation model with some numbers changed.

        Parameters
        ----------
        changes : mapping of str to number
            New values by path, such as ``{"observation.bias_log.UA military": 0.1}`` or
            ``{"observation.lapse_prob": 0.05}``.

        Returns
        -------
        Observation

        Raises
        ------
        ScenarioError
            An unknown path, or a number out of bounds.
        """
        names = [f.name for f in fields(self)]
        new: dict[str, Any] = {}
        for path, value in changes.items():
            head, _, rest = path.partition(".")
            name, _, key = rest.partition(".")
            known = head == "observation" and name in names and name != "heaping"
            mapped = known and isinstance(getattr(self, name), Mapping)
            if not known or mapped != bool(key):
                paths = [
                    f"observation.{n}" + ".NAME" * isinstance(getattr(self, n), Mapping)
                    for n in names
                    if n != "heaping"
                ]
                raise ScenarioError([Problem(path, f"unknown path: {closest(path, paths)},")])
            if mapped:
                new[name] = {**new.get(name, getattr(self, name)), key: value}
            else:
                new[name] = value
        return replace(self, **new)

    def known_share(self, figure: Figure) -> Any:
        """Give the part of what happened that a figure's claimant can know of.

        Parameters
        ----------
        figure : Figure
            A figure; without the day of its claim it is taken to be final.

        Returns
        -------
        float or ndarray
            [-]
        """
        share = self.reported_share.get(figure.quantity, 1.0)
        if figure.quantity in _REVISED and figure.claimed_on is not None:
            days = max((figure.claimed_on - figure.date_end).total_seconds() / _DAY, 0.0)
            # The days are parted by a mean time, which may be nothing.
            left = np.exp(-days / np.maximum(self.revision_days, 1e-9))
            share = share * (1.0 - (1.0 - np.asarray(self.first_share)) * left)
        return share

    def log_likelihood(
        self, truths: ArrayLike, figures: Iterable[Figure], reports: ArrayLike | None = None
    ) -> Array:
        """Give the log chance of each report, given what happened.

        Parameters
        ----------
        truths : array_like, shape (..., figures)
            What happened, in the figures' units; NaN for nothing of the kind.
        figures : iterable of Figure
            What was reported.
        reports : array_like, shape (figures, 2), optional
            Lowest and highest number that each report admits, NaN for a report that is missing;
            the figures' own bounds if not given.

        Returns
        -------
        ndarray of float64, shape (..., figures)
            To be summed over reports of one war before wars are averaged: they share its truth.

        Raises
        ------
        EscalateError
            Shapes that do not match.
        """
        chosen = tuple(figures)
        x = np.asarray(truths, dtype=float)
        if x.ndim == 0 or x.shape[-1] != len(chosen):
            raise EscalateError(
                f"`truths` must have shape (..., {len(chosen)}), a column a figure, but it has "
                f"{x.shape}"
            )
        cells = (
            np.array([_cell(figure) for figure in chosen]).reshape(-1, 2)
            if reports is None
            else np.asarray(reports, dtype=float)
        )
        if cells.shape != (len(chosen), 2):
            raise EscalateError(
                f"`reports` must have shape ({len(chosen)}, 2), but it has {cells.shape}"
            )
        lapse = np.asarray(self.lapse_prob, dtype=float)
        out = np.empty(x.shape)
        for i, (figure, (low, high)) in enumerate(zip(chosen, cells, strict=True)):
            there = ~np.isnan(x[..., i])
            if math.isnan(low):
                chance = (1.0 - lapse) * ~there + 0.5 * lapse
            else:
                told, wild = np.zeros(x.shape[:-1]), 0.0
                for weight, first, last in self._rounded_from(figure, low, high):
                    told = told + weight * self._within(x[..., i], figure, first, last)
                    wild += weight * _wild(figure, first, last)
                chance = (1.0 - lapse) * np.where(there, told, 0.0) + 0.5 * lapse * wild
            with np.errstate(divide="ignore"):
                out[..., i] = np.log(chance)
        return out

    def simulate(
        self, truths: ArrayLike, figures: Iterable[Figure], *, rng: object = None
    ) -> Array:
        """Draw reports of what happened, worded like some figures.

        Parameters
        ----------
        truths : array_like, shape (n, figures)
            What happened in each of n wars.
        figures : iterable of Figure
            How it is worded: with "exactly", "about" and "nearly" the number is drawn; an open or
            vague interval stays where it is, and what lies beside it is reported as such.
        rng : int, SeedSequence, Generator or None, optional
            Randomness as in SPEC 7.

        Returns
        -------
        ndarray of float64, shape (n, figures, 2)
            As `reports` in `log_likelihood`.
        """
        chosen = tuple(figures)
        x = np.asarray(truths, dtype=float)
        if x.ndim != 2 or x.shape[1] != len(chosen):
            raise EscalateError(
                f"`truths` must have shape (n, {len(chosen)}), but it has {x.shape}"
            )
        random = _generator(rng)
        out = np.empty((*x.shape, 2))
        for i, figure in enumerate(chosen):
            said = self._said(x[:, i], figure, random)
            low, high = _WILD.get(figure.unit, _WILD[""])
            u = random.random(len(x))
            wild = u if figure.unit == "fraction" else low * (high / low) ** u
            wild = wild if figure.unit in _MEASURES else np.floor(wild + 0.5)
            lapsed = random.random(len(x)) < np.asarray(self.lapse_prob)
            said = np.where(lapsed, np.where(random.random(len(x)) < 0.5, wild, math.nan), said)
            out[:, i] = [_worded(figure, value, self.heaping, random) for value in said]
        return out

    def said(self, truths: ArrayLike, figures: Iterable[Figure], *, rng: object = None) -> Array:
        """Draw the numbers that truthful claimants have in mind, before they put them into words.

        Parameters
        ----------
        truths : array_like, shape (..., figures)
            What happened; NaN for nothing of the kind.
        figures : iterable of Figure
            Whose quantities and claimants they are.
        rng : int, SeedSequence, Generator or None, optional
            Randomness as in SPEC 7.

        Returns
        -------
        ndarray of float64, shape (..., figures)
            In the figures' units.

        Examples
        --------
        >>> from escalate.figures import shipped_figures
        >>> figure = shipped_figures()[7]
        >>> Observation().said([[40.0], [40.0], [40.0]], [figure], rng=1)
        array([[32.],
               [41.],
               [43.]])
        """
        x = np.asarray(truths, dtype=float)
        random = _generator(rng)
        columns = [self._said(x[..., i], figure, random) for i, figure in enumerate(figures)]
        return np.stack(columns, axis=-1)

    def _words(self, figure: Figure) -> tuple[Any, Any]:
        """Give the bias and the standard deviation of the log of named over known."""
        sd = np.asarray(self.noise_sd_log.get(figure.quantity, NOISE_SD_LOG[figure.quantity]))
        if figure.unit in _MEASURES:
            return np.zeros(()), sd
        bias = self.bias_log.get(figure.claimant)
        doubt = np.asarray(self.bias_sd_log) if bias is None else 0.0
        return np.asarray(0.0 if bias is None else bias), np.hypot(sd, doubt)

    def _rounded_from(
        self, figure: Figure, low: float, high: float
    ) -> list[tuple[float, float, float]]:
        """Give the shares of reporters, and what each of them would report so."""
        if figure.relation != "exactly" or figure.unit in _MEASURES or low != high:
            return [(1.0, low, high)]
        return [
            (weight, math.ceil(low - heap / 2), math.ceil(low + heap / 2) - 1)
            for heap, weight in self.heaping.items()
            if weight > 0.0 and low % heap == 0.0
        ]

    def _within(self, x: Array, figure: Figure, low: float, high: float) -> Array:
        """Give the chance that a truthful claimant's number lies from `low` to `high`."""
        bias, sd = self._words(figure)
        if figure.unit in _MEASURES:
            return _named(x, bias, sd, low, high)
        # A count is named in whole numbers, a half more or less of which it may have been.
        low, high = low - 0.5, high + 0.5
        share = np.asarray(self.known_share(figure), dtype=float)
        if (share == 1.0).all():
            return _named(x, bias, sd, low, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            scatter = (1.0 - share) / (share * np.maximum(x, 1.0))
            few = (x <= _FEW) | (scatter > 0.01)
            # The others are so many that what is known of them scatters like a log-normal.
            many = _named(share * x, bias, np.sqrt(sd * sd + scatter), low, high)
            exact = _binomial(high - 0.5, np.floor(x), share)
            exact = exact - _binomial(low - 0.5, np.floor(x), share)
        out = np.where((sd == 0.0) & (bias == 0.0), exact, many)
        counted_out = _named_of_known(np.where(few, x, 0.0), share, bias, sd, low, high)
        return np.where(few, counted_out, out)

    def _said(self, x: Array, figure: Figure, random: np.random.Generator) -> Array:
        """Draw the number that a truthful claimant has in mind."""
        bias, sd = self._words(figure)
        counted = figure.unit not in _MEASURES
        if counted:
            share = np.broadcast_to(np.asarray(self.known_share(figure), dtype=float), x.shape)
            if (share < 1.0).any():
                known = random.binomial(np.nan_to_num(x).astype(np.int64), share)
                x = np.where(np.isnan(x), math.nan, known)
        value = x * np.exp(bias + sd * random.standard_normal(x.shape))
        return np.asarray(np.floor(value + 0.5) if counted else value)


def _named(known: Any, bias: Any, sd: Any, low: float, high: float) -> Array:
    """Give the chance that a number is named from `low` to below `high`; 0 is named 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.log(known) + bias
        below = (math.log(low) if low > 0.0 else -math.inf) - middle
        above = (math.log(high) if high > 0.0 else -math.inf) - middle
        smooth = special.ndtr(above / sd) - special.ndtr(below / sd)
        sharp = (above > 0.0) & (below <= 0.0)
    told = np.where(sd > 0.0, smooth, sharp)
    return np.where(known > 0.0, told, float(low <= 0.0 <= high))


def _named_of_known(x: Array, share: Array, bias: Any, sd: Any, low: float, high: float) -> Array:
    """Give the chance that so many are named, summed over how many of them are known."""
    if share.ndim == np.ndim(bias) == np.ndim(sd) == 0:  # each count needs to be looked at once
        counts, place = np.unique(x, return_inverse=True)
        return _summed(counts, _ways(counts, share), bias, sd, low, high)[place].reshape(x.shape)
    if share.ndim > 0:
        return _summed(x, _ways(x, share), bias, sd, low, high)
    counts, place = np.unique(x, return_inverse=True)
    ways = (one[place].reshape(x.shape) for one in _ways(counts, share))
    return _summed(x, ways, bias, sd, low, high)


def _ways(x: Array, share: Array) -> Iterator[Array]:
    """Give the chances that 0, 1, 2 and so on of x are known, as far as they matter."""
    mean = x * share
    most = np.minimum(x, mean + 8.0 * np.sqrt(mean) + 20.0).max(initial=0.0)
    for k in range(int(most) + 1):
        left = np.maximum(x - k, 0.0)
        log = special.gammaln(x + 1.0) - special.gammaln(left + 1.0) - special.gammaln(k + 1.0)
        log = log + special.xlogy(k, share) + special.xlog1py(left, -share)
        yield np.where(k <= x, np.exp(log), 0.0)


def _summed(x: Array, ways: Iterable[Array], bias: Any, sd: Any, low: float, high: float) -> Array:
    """Add up the chance that so many are named over how many are known."""
    total: Array = np.zeros(x.shape)
    for k, chance in enumerate(ways):
        total = total + chance * _named(float(k), bias, sd, low, high)
    return total


def _generator(rng: object) -> np.random.Generator:
    if isinstance(rng, np.random.Generator):
        return rng
    seed = Seed.of(rng)
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key))


def _binomial(k: float, n: Array, share: Array) -> Array:
    """Give the distribution function of the binomial, 1 for an infinite `k`."""
    if k < 0.0:
        return np.zeros(np.broadcast(n, share).shape)
    inside = np.clip(k, 0.0, np.maximum(n - 1.0, 0.0))
    left = np.maximum(n, 1.0) - inside
    return np.where(k >= n, 1.0, special.betainc(left, inside + 1.0, 1.0 - share))


def _cell(figure: Figure) -> tuple[float, float]:
    """Give the numbers that a report stands for."""
    low, high = figure.bounds
    if low == high and figure.unit in _MEASURES:
        return low * (1.0 - _ROUNDED), high * (1.0 + _ROUNDED)
    return low, high


def _wild(figure: Figure, low: float, high: float) -> float:
    """Give the chance that a report which has nothing to do with the war lies in an interval."""
    if figure.unit == "fraction":
        return max(min(high, 1.0) - max(low, 0.0), 0.0)
    least, most = _WILD.get(figure.unit, _WILD[""])
    if figure.unit not in _MEASURES:
        low, high = low - 0.5, high + 0.5
    low, high = max(low, least), min(high, most)
    return max(math.log(high / low), 0.0) / math.log(most / least) if high > low else 0.0


def _worded(
    figure: Figure, value: float, heaping: Mapping[int, float], random: np.random.Generator
) -> tuple[float, float]:
    """Give the interval by which a number is reported."""
    if math.isnan(value):
        return math.nan, math.nan
    counted = figure.unit not in _MEASURES
    if figure.relation == "exactly":
        if counted:
            heap = random.choice(list(heaping), p=list(heaping.values()))
            value = heap * math.floor(value / heap + 0.5)
        elif figure.unit == "hours":
            value = math.floor(value + 0.5)
        return _cell(replace(figure, low=value, high=value))
    if figure.relation in ("about", "nearly"):
        # All numbers by which the value could have been named so are equally likely to be.
        if counted:
            span = range(math.floor(value / 1.2), math.ceil(value / 0.8) + 2)
            named = [replace(figure, low=float(v), high=float(v)) for v in span]
            named = [one for one in named if one.admits(value)]
            return named[random.integers(len(named))].bounds
        top = 1.0 / 0.9
        bottom = 1.0 / 1.1 if figure.relation == "about" else 1.0
        value *= random.uniform(bottom, top)
        if figure.unit == "fraction":
            value = min(value, 1.0)
        return replace(figure, low=value, high=value).bounds
    low, high = figure.bounds
    if low <= value <= high:
        return low, high
    step = 1.0 if counted else 0.0
    most = 1.0 if figure.unit == "fraction" else math.inf
    return (0.0, low - step) if value < low else (high + step, most)


def _rising(a: Array, n: Array) -> Array:
    """Give the log of a (a + 1) ... (a + n - 1); a large `a` costs no digits."""
    some = np.maximum(n, 1.0)
    return np.where(n > 0.0, special.gammaln(some) - special.betaln(a, some), 0.0)


def superseded(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    """Find the figures that their own claimant has revised later.

    Parameters
    ----------
    figures : iterable of Figure
        What was reported.

    Returns
    -------
    tuple of Figure
        Those that say nothing beyond the later figure of the same claimant about the same event,
        and are therefore not to be counted beside it.

    Examples
    --------
    >>> from escalate.figures import shipped_figures
    >>> [figure.id for figure in superseded(shipped_figures())]
    ['F12', 'F14']
    """
    return tuple(
        found.earlier
        for found in disagreements(figures)
        if found.kind == "revises" and found.earlier.claimant == found.later.claimant
    )


def exchanges(figures: Iterable[Figure]) -> dict[str, tuple[Figure, ...]]:
    """Part figures by exchange: what one side did, up to one last day.

    Parameters
    ----------
    figures : iterable of Figure
        What was reported.

    Returns
    -------
    dict of str to tuple of Figure
        In order of the last day, under names such as ``RU 2023-12-29``. Two claims about one
        event always are of one exchange.

    Examples
    --------
    >>> from escalate.figures import shipped_figures
    >>> list(exchanges(shipped_figures()[:6]))
    ['RU 2023-02-15', 'RU 2023-02-16', 'RU 2023-12-29']
    """
    found: dict[str, list[Figure]] = {}
    for figure in sorted(figures, key=lambda f: (f.date_end, f.attacker)):
        found.setdefault(f"{figure.attacker} {figure.date_end}", []).append(figure)
    return {name: tuple(members) for name, members in found.items()}


def three_way_log_likelihood(
    counts: ArrayLike, shares: ArrayLike, concentration: ArrayLike = math.inf
) -> Array:
    """Give the log chance that raids end as they are said to: shot down, lost, or through.

    Parameters
    ----------
    counts : array_like of int, shape (..., 3)
        Weapons shot down, lost (to electronic warfare or by themselves), and through. [weapons]
    shares : array_like, shape (..., 3)
        Chance of each for one weapon, adding up to 1. [-]
    concentration : array_like, optional
        How alike the chances of one raid are to those of the next, above 0: the smaller, the more
        scattered; infinite for independent weapons. [-]

    Returns
    -------
    ndarray of float64
        One term a raid.

    Raises
    ------
    EscalateError
        If counts are not whole or negative, or shares are no chances.

    Notes
    -----
    Dirichlet-multinomial with parameters ``concentration * shares``; multinomial in the limit.

    References
    ----------
    J. E. Mosimann, On the compound multinomial distribution, the multivariate
    beta-distribution, and correlations among proportions, Biometrika 49:65-82, 1962.

    Examples
    --------
    >>> float(three_way_log_likelihood([87, 4, 9], [0.85, 0.05, 0.1]))
    -3.7727
    >>> float(three_way_log_likelihood([87, 4, 9], [0.85, 0.05, 0.1], 30.0))
    -5.0466
    """
    n, p = np.broadcast_arrays(np.asarray(counts, dtype=float), np.asarray(shares, dtype=float))
    if n.ndim == 0 or n.shape[-1] != 3:
        raise EscalateError(f"`counts` must have shape (..., 3), but they have {n.shape}")
    if not ((n >= 0.0) & (n == np.floor(n)) & np.isfinite(n)).all():
        raise EscalateError("`counts` must be whole numbers of 0 or more")
    if not ((p >= 0.0) & (p <= 1.0)).all() or (np.abs(p.sum(axis=-1) - 1.0) > 1e-9).any():
        raise EscalateError("`shares` must be chances that add up to 1")
    c = np.asarray(concentration, dtype=float)
    if not (c > 0.0).all():
        raise EscalateError(f"`0 < concentration` must hold, but got {c.min():g}")
    total = n.sum(axis=-1)
    ways = special.gammaln(total + 1.0) - special.gammaln(n + 1.0).sum(axis=-1)
    finite = np.where(np.isfinite(c), c, 1.0)
    a = finite[..., None] * p
    with np.errstate(divide="ignore", invalid="ignore"):
        scattered = _rising(a, n).sum(axis=-1) - _rising(finite, total)
        plain = special.xlogy(n, p).sum(axis=-1)
    return np.asarray(ways + np.where(np.isfinite(c), scattered, plain))[()]
