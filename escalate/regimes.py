"""Does an exchange run away? Reproduction numbers, regimes, and where they change.

The reproduction number R is the growth of an exchange from one round of answers to the next.
Strikes of one side provoke strikes of the other only, so the next-generation matrix of the two
sides [1]_ has nothing on its diagonal, and its spectral radius is
``R = sqrt(m_A * m_B)``, with m the answers that a strike of each side provokes.

References
----------
.. [1] O. Diekmann, J. A. P. Heesterbeek, J. A. J. Metz, "On the definition and the computation
   of the basic reproduction ratio R0 in models for infectious diseases in heterogeneous
   populations", Journal of Mathematical Biology 28:365-382, 1990.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from escalate.engines._fork import Stages, forks, packed
from escalate.ensemble import OUTCOMES, SERIES, Ensemble, simulate_many
from escalate.errors import EscalateError, closest
from escalate.events import CAUSES, KINDS
from escalate.meanfield import UNITS, check_unit, mean_field, response_hours
from escalate.randomness import RunKey, Seed
from escalate.results import Run
from escalate.scenario import Scenario

__all__ = [
    "REGIMES",
    "PhaseDiagram",
    "Regime",
    "Reproduction",
    "change_points",
    "phase_diagram",
    "regime",
    "reproduction",
    "reproduction_over_time",
]

Array = np.ndarray[Any, Any]

REGIMES: dict[str, str] = {
    "exhausted by stocks": "a side lacked half of what it last wanted, and some weapon is used up",
    "runs away": "the interval of R, in strikes or in weapons, lies above 1",
    "dies out": "it is over; or R is below 1 and nobody strikes of their own accord any more",
    "smoulders": "R is at most 1, but strikes keep coming, of their own accord or at R = 1",
    "undecided": "the interval of R reaches from below 1 to above it, and it is not over",
}
"""Regimes and when an exchange is in them; the first that holds. See `regime`."""

_SHORT, _USED = 0.5, 0.9  # lacking, used up
_CEASED_PROB = 0.05  # chance to take strikes that go on for such as have ceased
_CLUSTERS = 20  # replications, and answers of each side, that make an interval of themselves
_LEAST, _PLACES, _SHUFFLES = 10, 200, 999  # strikes in a segment, places tried, shuffles


@dataclass(frozen=True, eq=False)
class Reproduction:
    """A reproduction number read from the causal links, with its interval."""

    number: float
    """R, the spectral radius of `matrix`; NaN where no strike is old enough. [-]"""
    low: float
    """Lower end of its interval. [-]"""
    high: float
    """Upper end; infinite where nothing is known. [-]"""
    matrix: Array
    """``matrix[i][j]``: answers of side i that a strike of side j provoked, on average. [-]"""
    strikes: Array
    """Strikes, or weapons, of each side that were counted, shape (2,)."""
    provoked: Array
    """Answers, or weapons launched in answer, that these provoked, shape (2,)."""
    unit: str
    """One of `UNITS`."""
    interval: str
    """What the interval rests on: ``binomial``, ``Poisson``, ``strikes`` or ``replications``."""
    level: float
    """Chance that it holds R. [-]"""
    from_hours: float
    """Strikes decided on before this time were not counted. [h]"""
    until_hours: tuple[float, float]
    """Nor were those of each side decided on after this one. [h]"""


@dataclass(frozen=True, eq=False)
class Regime:
    """What an exchange does, and why it is said to."""

    name: str
    """One of `REGIMES`."""
    reproduction: Reproduction
    """R in strikes."""
    weapons: Reproduction
    """R in weapons."""
    changes: tuple[float, ...]
    """When R changed. [h]"""
    segments: tuple[Reproduction, ...]
    """R, in strikes, between the changes."""
    windows: tuple[Reproduction, ...]
    """R, in strikes, in windows of equal length."""
    short_share: Array
    """What each side lacked of the weapons wanted in the last quarter of its orders. [-]"""
    used_share: Array
    """What each side launched of the weapon that it used up most. [-]"""
    per_day: tuple[float, float]
    """Strikes of both sides per day in the first third and in the last; mean of wars. [1/day]"""
    shares: Mapping[str, float]
    """Regime to the part of the wars in it; of a single run, 1 for its own. [-]"""
    scenario: Scenario
    """What was at war."""


@dataclass(frozen=True, eq=False)
class PhaseDiagram:
    """An outcome over two parameters, and where the mean-field R is 1."""

    x_path: str
    """Parameter along x."""
    x: Array
    """Its values, shape (columns,)."""
    y_path: str
    """Parameter along y."""
    y: Array
    """Its values, shape (rows,)."""
    outcome: str
    """What `values` are."""
    values: Array
    """R or the mean outcome, shape (rows, columns)."""
    low: Array
    """Lower end of its interval, of that shape."""
    high: Array
    """Upper end, of that shape."""
    mean_field: Array
    """The mean-field R, of that shape. [-]"""
    unit: str
    """What R counts, one of `UNITS`."""
    replications: int
    """Wars in each cell."""


# ---------------------------------------------------------------------- wars and their links
class _War(NamedTuple):
    """What of a war R and its regime are read from; one number a strike, or an order."""

    side: Array
    at: Array
    answers: Array  # strikes that each provoked
    launched: Array
    returned: Array  # weapons launched in these
    own: Array  # of its side's own accord, and not by the calendar
    order_side: Array
    wanted: Array
    lacked: Array
    used: Array


def _stages(war: Run | Ensemble) -> Stages:
    if not isinstance(war, (Run, Ensemble)):
        raise EscalateError(
            f"`war` must be a Run or an Ensemble, such as simulate(...) and simulate_many(...) "
            f"give, but got {type(war).__name__}"
        )
    return (*war.past, (math.inf, war.scenario))


def _wars(war: Run | Ensemble) -> list[_War]:
    """Give what is read from a run, or from each war of an ensemble."""
    if isinstance(war, Run):
        tables = war.tables
        return [_read(war.scenario, tables["strikes"], tables["log"], tables["weapons"])]
    return list(_fought(_stages(war), war.seed, war.replications, war.first))


def _fought(stages: Stages, seed: Seed, replications: int, first: int = 0) -> Iterator[_War]:
    """Fight wars for their causal links, which an ensemble does not keep."""
    from escalate.engines.compiled import Field

    worlds = packed(stages, RunKey(0, 0))
    fields = [Field(world) for world in worlds]
    links, stops = forks(stages, worlds), [hours for hours, _ in stages]
    for replication in range(first, first + replications):
        arrays = fields[0].fight(seed.run_key(replication), until=stops[0])
        for link, field, stop in zip(links, fields[1:], stops[1:], strict=True):
            arrays = field.go_on(link(arrays), until=stop)
        used = arrays.used[0]
        yield _read(
            stages[-1][1], arrays.strikes[: used["strikes"]], arrays.log[: used["log"]],
            arrays.weapons,
        )  # fmt: skip


def _read(scenario: Scenario, strikes: Any, log: Any, weapons: Any) -> _War:
    parents, launched = strikes["provoked_by"], strikes["launched"].copy()
    answers, many = parents >= 0, len(parents)
    kinds = list(KINDS)
    ordered = np.isin(log["kind"], [kinds.index("strike"), kinds.index("unmet")])
    wanted, count = log["value"][ordered], log["count"][ordered]
    reserve = [w.reserve for side in scenario.sides.values() for w in side.weapons.values()]
    had = weapons["initial"] + weapons["made"] + weapons["delivered"] - np.array(reserve, int)
    share = np.where(had > 0, weapons["launched"] / np.maximum(had, 1), 1.0)
    used = [float(share[weapons["side"] == i].max(initial=0.0)) for i in (0, 1)]
    return _War(
        strikes["side"].copy(), strikes["decided_hours"].copy(),
        np.bincount(parents[answers], minlength=many), launched,
        np.bincount(parents[answers], launched[answers], minlength=many),
        ~answers & (strikes["cause"] != CAUSES.index("ordered")), log["side"][ordered].copy(),
        wanted.copy(), np.maximum(wanted - count, 0.0), np.array(used),
    )  # fmt: skip


# ---------------------------------------------------------------------- R from the links
def reproduction(
    war: Run | Ensemble,
    *,
    unit: str = "strikes",
    from_hours: float = 0.0,
    until_hours: float | None = None,
    level: float = 0.95,
) -> Reproduction:
    r"""Give the reproduction number that the causal links show, with its interval.

    Parameters
    ----------
    war : Run or Ensemble
        What came out. The wars of an ensemble, which keeps no links, are fought again.
    unit : str, optional
        One of `UNITS`. In strikes an answer is an answer; in weapons a larger one counts for
        more, so that an exchange of ever larger strikes has an R above 1.
    from_hours, until_hours : float, optional
        Count only strikes decided on after the one and up to the other. By default they are
        counted up to `response_hours` before the horizon, so that the last to be counted have
        had the time to be answered. [h]
    level : float, optional
        Chance that the interval holds R. [-]

    Returns
    -------
    Reproduction

    Raises
    ------
    EscalateError
        An argument outside its domain.

    Notes
    -----
    With :math:`c_j` answers to :math:`n_j` strikes of side j, :math:`m_j = c_j / n_j` and
    :math:`R = \sqrt{m_0 m_1}`. The interval is one of three.

    - In strikes, of a run: exact intervals of the two means, melded [1]_. The number that a
      strike provokes is taken to be binomial where the other side has one retaliation of one
      answer, and else Poisson, which is conservative for several retaliations, and too narrow
      where a Poisson number is given only now and then.
    - Of an ensemble with 20 replications and 20 answers of each side: log-normal, with the
      linearised variance of the ratios over replications, whatever the law.
    - In weapons, of a run: the same over strikes, which is rough where they are few.

    It treats the strikes counted as fixed in number. In a run of few chains that all ended,
    R is too low for that: one chain of n strikes has n - 1 answers, whatever R.

    References
    ----------
    .. [1] M. P. Fay, M. A. Proschan, E. Brittain, "Combining one-sample confidence procedures
       for inference in the two-sample case", Biometrics 71:146-156, 2015.

    Examples
    --------
    >>> import escalate as esc
    >>> ensemble = esc.simulate_many(esc.load_scenario("two-equal-sides"), replications=50, rng=1)
    >>> r = reproduction(ensemble)
    >>> bool(r.low < r.number < r.high < 1.0)
    True
    """
    stages = _stages(war)
    _check(unit, level)
    return _reproduction(_wars(war), stages, unit, _until(stages, until_hours), from_hours, level)


def _check(unit: str, level: float) -> None:
    check_unit(unit)
    if not 0.0 < level < 1.0:
        raise EscalateError(f"`0 < level < 1` must hold, but got {level!r}")


def _check_whole(name: str, value: Any) -> None:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise EscalateError(f"`{name}` must be a whole number, 1 or more, but got {value!r}")


def _until(stages: Stages, until_hours: float | None = None) -> tuple[float, float]:
    """Give when strikes of each side were decided on late enough to be left out."""
    if until_hours is not None:
        return float(until_hours), float(until_hours)
    waits = np.max([response_hours(scenario) for _, scenario in stages], axis=0)
    left = stages[-1][1].horizon_hours - waits
    return float(left[0]), float(left[1])


def _reproduction(
    wars: Sequence[_War],
    stages: Stages,
    unit: str,
    until: tuple[float, float],
    from_hours: float,
    level: float,
) -> Reproduction:
    # One row a cluster, one column a side: strikes counted, and answers to them.
    rows = [_counted(war, unit, until, from_hours, alone=unit == "weapons" and len(wars) == 1)
            for war in wars]  # fmt: skip
    counted, provoked = (np.concatenate([row[i] for row in rows]) for i in (0, 1))
    n, c = counted.sum(axis=0), provoked.sum(axis=0)
    means = np.divide(c, n, out=np.full(2, math.nan), where=n > 0)
    matrix = np.array([[0.0, means[1]], [means[0], 0.0]])
    if np.isnan(means).any():
        number = 0.0 if 0.0 in means else math.nan
    else:
        from escalate.theory.branching import reproduction_number

        number = reproduction_number(matrix)
    if unit == "strikes" and (len(wars) < _CLUSTERS or c.min() < _CLUSTERS):
        single = [_at_most_one(stages, 1 - j) for j in (0, 1)]
        low, high = _melded(c, n, single, level)
        rests = "binomial" if all(single) else "Poisson"
    else:
        low, high = _linearised(counted, provoked, number, level)
        rests = "replications" if len(wars) > 1 else "strikes"
    return Reproduction(number, low, high, matrix, n, c, unit, rests, level, from_hours, until)


def _counted(
    war: _War, unit: str, until: tuple[float, float], from_hours: float, alone: bool
) -> tuple[Array, Array]:
    """Count strikes and answers of each side, in one row, or in one a strike."""
    chosen = (war.at <= np.where(war.side == 0, *until)) & (
        (war.at > from_hours) | (from_hours <= 0.0)
    )
    made, back = (
        (np.ones(len(war.at)), war.answers) if unit == "strikes" else (war.launched, war.returned)
    )
    own = chosen[:, None] & (war.side[:, None] == np.arange(2))
    rows = (own * made[:, None]).astype(float), (own * back[:, None]).astype(float)
    if alone:
        return rows[0][chosen], rows[1][chosen]
    return rows[0].sum(axis=0, keepdims=True), rows[1].sum(axis=0, keepdims=True)


def _at_most_one(stages: Stages, side: int) -> bool:
    """Say whether a side answers a strike at most once."""
    held = [tuple(s.sides.values())[side].retaliations.values() for _, s in stages]
    return all(len(r) <= 1 and all(q.answers_mean is None for q in r) for r in held)


def _melded(c: Array, n: Array, single: Sequence[bool], level: float) -> tuple[float, float]:
    """Give the melded interval of the square root of a product of two means.

    Below stand beta(c, n - c + 1) or gamma(c) / n, above beta(c + 1, n - c) or gamma(c + 1) / n:
    the distributions whose quantiles are the ends of the exact intervals of one mean.
    """
    tail = (1.0 - level) / 2.0
    ends = []
    for more, prob in ((0, tail), (1, 1.0 - tail)):
        a, b = c + more, n - c + 1 - more
        fixed, laws = 1.0, []
        for j in (0, 1):
            if a[j] == 0:  # nothing to be seen from below
                fixed = 0.0
            elif single[j] and b[j] == 0:  # at most one answer a strike
                continue
            elif not single[j] and n[j] == 0:
                fixed = math.inf
            else:
                laws.append((single[j], a[j], b[j], n[j]))
        if fixed != 1.0:
            ends.append(fixed)
        elif not laws:
            ends.append(1.0)
        elif len(laws) == 1:
            ends.append(math.sqrt(_quantile(prob, *laws[0])))
        else:
            ends.append(math.sqrt(_product_quantile(prob, *laws)))
    return ends[0], ends[1]


def _quantile(prob: Any, single: bool, a: float, b: float, n: float) -> Any:
    from scipy import special

    return special.betaincinv(a, b, prob) if single else special.gammaincinv(a, prob) / n


def _product_quantile(prob: float, first: Any, second: Any) -> float:
    """Give a quantile of the product of two independent numbers."""
    from scipy import optimize, special

    nodes, weights = np.polynomial.legendre.leggauss(64)
    x = _quantile((nodes + 1.0) / 2.0, *first)
    single, a, b, n = second

    def below(log: float) -> float:
        y = np.exp(log) / x
        chance = special.betainc(a, b, np.minimum(y, 1.0)) if single else special.gammainc(a, n * y)
        return float(weights @ chance / 2.0 - prob)

    # By Bonferroni the quantile lies between the products of these.
    edge = min(prob, 1.0 - prob) / 4.0
    at = [math.log(_quantile(p, *first) * _quantile(p, *second)) for p in (edge, 1.0 - edge)]
    return math.exp(optimize.brentq(below, at[0], at[1], xtol=1e-7))


def _linearised(
    counted: Array, provoked: Array, number: float, level: float
) -> tuple[float, float]:
    """Give the log-normal interval of the root of a product of ratios of sums over clusters."""
    from scipy import special

    many, c, n = len(counted), provoked.sum(axis=0), counted.sum(axis=0)
    if many < 2 or c.min() <= 0.0:
        return 0.0, math.inf
    off = ((provoked - c / n * counted) / c).sum(axis=1) / 2.0
    spread = math.sqrt(many / (many - 1) * float(off @ off))
    width = float(special.stdtrit(many - 1, (1.0 + level) / 2.0)) * spread
    return number * math.exp(-width), number * math.exp(min(width, 700.0))


def reproduction_over_time(
    war: Run | Ensemble, *, windows: int = 8, unit: str = "strikes", level: float = 0.95
) -> tuple[Reproduction, ...]:
    """Give the reproduction number of the strikes decided on in each of some windows.

    Parameters
    ----------
    war : Run or Ensemble
        What came out.
    windows : int, optional
        Windows of equal length, from the start to the last strikes that had time to be answered.
    unit, level : optional
        As for `reproduction`.

    Returns
    -------
    tuple of Reproduction
        In order of time; R is that of the cohort, NaN where nothing is known of it.

    Raises
    ------
    EscalateError
        An argument outside its domain, or a horizon too short for any answer to be waited for.

    Examples
    --------
    >>> import escalate as esc
    >>> run = esc.simulate(esc.load_scenario("two-equal-sides"), rng=1)
    >>> [round(r.number, 1) for r in reproduction_over_time(run, windows=3)]
    [0.6, 0.7, 0.7]
    """
    stages = _stages(war)
    _check(unit, level)
    _check_whole("windows", windows)
    until = _until(stages)
    if min(until) <= 0.0:
        horizon = stages[-1][1].horizon_hours
        raise EscalateError(
            f"`horizon_hours > {horizon - min(until):g}` must hold, for so long answers may take, "
            f"but it is {horizon:g}"
        )
    return _between(_wars(war), stages, unit, _edges(until, windows), level)


def _edges(until: tuple[float, float], windows: int) -> Array:
    return np.linspace(0.0, max(until), windows + 1)


def _between(
    wars: Sequence[_War], stages: Stages, unit: str, edges: Sequence[float] | Array, level: float
) -> tuple[Reproduction, ...]:
    last = _until(stages)
    return tuple(
        _reproduction(
            wars, stages, unit, (min(float(end), last[0]), min(float(end), last[1])), float(begin),
            level,
        )
        for begin, end in pairwise(edges)
    )  # fmt: skip


# ---------------------------------------------------------------------- where R changed
def change_points(
    war: Run | Ensemble, *, false_alarm_prob: float = 0.05, rng: object = None
) -> tuple[float, ...]:
    r"""Find when the reproduction number changed along the horizon.

    Parameters
    ----------
    war : Run or Ensemble
        What came out; of an ensemble, all its strikes together.
    false_alarm_prob : float, optional
        Chance to find any change where there is none, 0.001 or more. [-]
    rng : int, SeedSequence, Generator or None, optional
        For the shuffles that the test is made of.

    Returns
    -------
    tuple of float
        When, in order: the decision on the first strike after each change. [h]

    Raises
    ------
    EscalateError
        Another chance.

    Notes
    -----
    Binary segmentation [1]_. The strikes that had time to be answered are taken in order of
    time. A change between two of them is judged by the likelihood ratio of Poisson numbers of
    answers, with a mean of each side before and another after, against one of each side
    throughout, with at least 10 strikes and one time of response on both sides of it:

    .. math:: \Lambda = \sum_j c_j' \log\frac{m_j'}{m_j} + c_j'' \log\frac{m_j''}{m_j}

    The largest :math:`\Lambda` is held against those of 999 shuffles of the answers among the
    strikes of each side. Where all strikes of a side are alike, every order is as likely, so the
    chance of a false alarm is that stated, whatever the law of the number provoked. If a change
    is found, each part is searched in turn; the chance holds for each such search. Up to 200
    places are tried in each.

    A single chain that ended is not such a case, for its last strikes are those without answers.

    References
    ----------
    .. [1] L. Yu. Vostrikova, "Detecting disorder in multidimensional random processes", Soviet
       Mathematics Doklady 24:55-59, 1981.

    Examples
    --------
    >>> import escalate as esc
    >>> ensemble = esc.simulate_many(esc.load_scenario("two-equal-sides"), replications=50, rng=1)
    >>> quiet = ensemble.fork(480.0, {"sides.A.retaliations.answer.rule": "never"})
    >>> [round(hours / 24.0) for hours in change_points(quiet, false_alarm_prob=0.001, rng=1)]
    [19]
    """
    stages = _stages(war)
    return _changes(_wars(war), stages, false_alarm_prob, rng)


def _changes(
    wars: Sequence[_War], stages: Stages, false_alarm_prob: float, rng: object
) -> tuple[float, ...]:
    if not 1.0 / (_SHUFFLES + 1) <= false_alarm_prob < 1.0:
        raise EscalateError(
            f"`{1.0 / (_SHUFFLES + 1):g} <= false_alarm_prob < 1` must hold, but got "
            f"{false_alarm_prob!r}"
        )
    side, at, answers = (
        np.concatenate([getattr(war, name) for war in wars]) for name in ("side", "at", "answers")
    )
    until = _until(stages)
    shortest = stages[-1][1].horizon_hours - min(until)
    old = at <= np.where(side == 0, *until)
    order = np.argsort(at[old], kind="stable")
    side, at, answers = (column[old][order] for column in (side, at, answers))
    generator = np.random.default_rng(rng)  # type: ignore[arg-type]
    found: list[float] = []
    parts = [(0, len(at))]
    while parts:
        begin, end = parts.pop()
        part = slice(begin, end)
        split = _split(side[part], at[part], answers[part], shortest, false_alarm_prob, generator)
        if split:
            found.append(float(at[begin + split]))
            parts += [(begin, begin + split), (begin + split, end)]
    return tuple(sorted(found))


def _split(
    side: Array,
    at: Array,
    answers: Array,
    shortest: float,
    prob: float,
    generator: np.random.Generator,
) -> int:
    """Give where the mean changes most, as the number of strikes before; 0 if it does not."""
    if len(side) < 2 * _LEAST:
        return 0
    places = np.arange(_LEAST, len(side) - _LEAST + 1)
    apart = at[places] > at[places - 1]
    long = (at[places] - at[0] >= shortest) & (at[-1] - at[places - 1] >= shortest)
    places = places[apart & long]
    if not len(places):
        return 0
    places = places[np.unique(np.linspace(0, len(places) - 1, _PLACES).astype(int))]
    owned = [np.flatnonzero(side == i) for i in (0, 1)]
    before = [np.searchsorted(own, places) for own in owned]

    def gain(values: Sequence[Array]) -> Array:
        """Give the likelihood ratio at each place."""
        out = np.zeros(len(places))
        for x, n in zip(values, before, strict=True):
            sums = np.concatenate([[0.0], np.cumsum(x)])
            part, total = sums[n], sums[-1]
            out += _term(part, n) + _term(total - part, len(x) - n) - _term(total, len(x))
        return out

    seen = [answers[own] for own in owned]
    ratios = gain(seen)
    least = 0
    for _ in range(_SHUFFLES):  # rounding must not tell equals apart
        shuffled = gain([generator.permutation(x) for x in seen]).max()
        least += bool(shuffled >= ratios.max() - 1e-9)
        if (least + 1) / (_SHUFFLES + 1) > prob:
            return 0
    return int(places[ratios.argmax()])


def _term(total: Any, many: Any) -> Any:
    """Give c log(c / n), 0 without any."""
    from scipy import special

    return special.xlogy(total, total / np.maximum(many, 1))


# ---------------------------------------------------------------------- the regime
def regime(
    war: Run | Ensemble,
    *,
    level: float = 0.95,
    windows: int = 8,
    false_alarm_prob: float = 0.05,
    rng: object = None,
) -> Regime:
    """Say whether an exchange dies out, smoulders, runs away or was exhausted by stocks.

    Parameters
    ----------
    war : Run or Ensemble
        What came out. The wars of an ensemble, which keeps no links, are fought again.
    level : float, optional
        Chance that the intervals of R hold it. [-]
    windows : int, optional
        Windows that R is given in along the horizon.
    false_alarm_prob, rng : optional
        As for `change_points`.

    Returns
    -------
    Regime
        Of an ensemble, by all its strikes together; and the shares of its wars by regime.

    Raises
    ------
    EscalateError
        An argument outside its domain.

    Notes
    -----
    The first of these that holds.

    1. *Exhausted by stocks*: in the last quarter of its orders a side lacked half or more of
       the weapons it wanted, and has launched nine tenths or more of some weapon, reserves left
       out. Both, for launchers and permissions hold strikes back as well.
    2. *Over*, so that it *dies out*: no strike was decided on in the last `response_hours`, so
       that none is still to be answered, and the sides have ceased to strike of their own accord.
       Those n strikes that neither a rule nor the calendar ordered came in the first part s of
       the horizon, which would happen by chance with ``s**n`` if they went on; they have ceased
       if that is below 0.05.
    3. *Runs away*: the interval of R lies above 1, in strikes or in weapons.
    4. The interval of R in strikes lies below 1: *dies out* if the sides have ceased to strike of
       their own accord, and else *smoulders*, at the pace of those strikes over ``1 - R``. It
       also smoulders where the interval ends at 1, as where each strike is answered once.
    5. *Undecided*.

    Examples
    --------
    >>> import escalate as esc
    >>> ensemble = esc.simulate_many(esc.load_scenario("two-equal-sides"), replications=50, rng=1)
    >>> regime(ensemble, rng=1).name
    'smoulders'
    """
    stages = _stages(war)
    _check("strikes", level)
    _check_whole("windows", windows)
    wars = _wars(war)
    until, horizon = _until(stages), stages[-1][1].horizon_hours
    changes = _changes(wars, stages, false_alarm_prob, rng)
    whole = _judged(wars, stages, until, level)
    if len(wars) > 1:
        names = [_judged([one], stages, until, level)[0] for one in wars]
        shares = {name: names.count(name) / len(wars) for name in REGIMES if name in names}
    else:
        shares = {whole[0]: 1.0}
    at = np.concatenate([one.at for one in wars])
    thirds = (at < horizon / 3.0).sum(), (at >= horizon * 2.0 / 3.0).sum()
    per_day = [float(many) / len(wars) / (horizon / 72.0) for many in thirds]
    edges = [0.0, *(float(np.nextafter(when, 0.0)) for when in changes), max(until)]
    return Regime(
        whole[0], whole[1], whole[2], changes,
        _between(wars, stages, "strikes", edges, level),
        _between(wars, stages, "strikes", _edges(until, windows), level)
        if min(until) > 0.0 else (),
        whole[3], whole[4], (per_day[0], per_day[1]), shares, stages[-1][1],
    )  # fmt: skip


def _judged(
    wars: Sequence[_War], stages: Stages, until: tuple[float, float], level: float
) -> tuple[str, Reproduction, Reproduction, Array, Array]:
    """Give the regime of some wars and what it rests on."""
    horizon = stages[-1][1].horizon_hours
    strikes, weapons = (_reproduction(wars, stages, u, until, 0.0, level) for u in UNITS)
    wanted, lacked = (sum(column) for column in zip(*map(_late_orders, wars), strict=True))
    asked = np.maximum(wanted, 1e-300)
    short = lacked / asked
    # Wars are weighed by what was wanted, lest those that ended early hide that others ran dry.
    used = sum(war.used * _late_orders(war)[0] for war in wars) / asked
    own = np.concatenate([war.at[war.own] for war in wars])
    ceased = not len(own) or (own.max() / horizon) ** len(own) < _CEASED_PROB
    quiet = all(war.at.max(initial=0.0) < min(until) for war in wars)
    if np.any((short >= _SHORT) & (used >= _USED)):
        name = "exhausted by stocks"
    elif quiet and ceased:
        name = "dies out"
    elif strikes.low > 1.0 or weapons.low > 1.0:
        name = "runs away"
    elif strikes.high <= 1.0:
        name = "dies out" if ceased and strikes.high < 1.0 else "smoulders"
    else:
        name = "undecided"
    return name, strikes, weapons, short, used


def _late_orders(war: _War) -> tuple[Array, Array]:
    """Give what each side wanted, and lacked, in the last quarter of its orders."""
    wanted, lacked = np.zeros(2), np.zeros(2)
    for i in (0, 1):
        own = np.flatnonzero(war.order_side == i)
        late = own[len(own) - math.ceil(len(own) / 4) :]
        wanted[i], lacked[i] = war.wanted[late].sum(), war.lacked[late].sum()
    return wanted, lacked


# ---------------------------------------------------------------------- over two parameters
def phase_diagram(
    scenario: Scenario,
    x: tuple[str, Iterable[float]],
    y: tuple[str, Iterable[float]],
    *,
    outcome: str | Callable[[Ensemble], Any] = "reproduction_number",
    unit: str = "strikes",
    until_hours: float | None = None,
    replications: int = 100,
    rng: object = None,
    workers: int | None = None,
    level: float = 0.95,
) -> PhaseDiagram:
    """Give R, or any outcome of ensembles, over two parameters, and the mean-field R beside it.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    x, y : tuple of str and iterable of float
        A path as for `Scenario.replace`, and the values that it takes, rising.
    outcome : str or callable, optional
        ``reproduction_number`` for R from the causal links, as `reproduction` gives it; a column
        of `Ensemble.summary`, such as ``killed.UA``; or a function of an ensemble that gives a
        number for each replication.
    unit : str, optional
        What R counts, one of `UNITS`.
    until_hours : float, optional
        For R, as for `reproduction`: count only strikes decided on up to then, such as before
        stocks bind. [h]
    replications : int, optional
        Wars in each cell.
    rng : int, SeedSequence, Generator or None, optional
        The same randomness for all cells, so that cells differ by their parameters alone.
    workers : int, optional
        Threads; as many as there are processors if not given.
    level : float, optional
        Chance that the interval of a cell holds its R or mean. [-]

    Returns
    -------
    PhaseDiagram
        To be drawn with `escalate.plots.phase_diagram`.

    Raises
    ------
    EscalateError
        An argument outside its domain, or an unknown outcome.
    ScenarioError
        A path or a value that gives no scenario.

    Examples
    --------
    >>> import escalate as esc
    >>> diagram = phase_diagram(
    ...     esc.load_scenario("two-equal-sides"),
    ...     ("sides.A.retaliations.answer.slip_prob", [0.0, 0.2]),
    ...     ("sides.B.assessment.miss_prob", [0.0, 0.5]),
    ...     outcome="killed.A",
    ...     replications=20,
    ...     rng=1,
    ... )
    >>> diagram.values.shape, diagram.mean_field.round(2).tolist()
    ((2, 2), [[0.68, 0.64], [0.48, 0.45]])
    """
    _check(unit, level)
    axes = [_axis(name, given) for name, given in (("x", x), ("y", y))]
    (x_path, xs), (y_path, ys) = axes
    if x_path == y_path:
        raise EscalateError(f"`x` and `y` must be two parameters, but both are {x_path!r}")
    _known_outcome(outcome)
    _check_whole("replications", replications)
    seed = Seed.of(rng)
    # All scenarios first: what is wrong with one is said before anything is fought.
    cells = [scenario.replace({x_path: a, y_path: b}) for b in ys for a in xs]

    def cell(one: Scenario) -> tuple[float, float, float, float]:
        implied = mean_field(one, unit=unit, rng=seed).number
        if outcome == "reproduction_number":
            stages: Stages = ((math.inf, one),)
            wars = list(_fought(stages, seed, int(replications)))
            r = _reproduction(wars, stages, unit, _until(stages, until_hours), 0.0, level)
            return r.number, r.low, r.high, implied
        return *_mean(one, outcome, int(replications), seed, level), implied

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        values = np.array(list(pool.map(cell, cells))).reshape(len(ys), len(xs), 4)
    label = outcome if isinstance(outcome, str) else getattr(outcome, "__name__", "outcome")
    return PhaseDiagram(
        x_path, np.array(xs, float), y_path, np.array(ys, float), label,
        values[..., 0], values[..., 1], values[..., 2], values[..., 3], unit, int(replications),
    )  # fmt: skip


def _axis(name: str, given: Any) -> tuple[str, list[Any]]:
    try:
        path, values = given
        numbers = [v.item() if isinstance(v, np.generic) else v for v in values]
        rising = all(a < b for a, b in pairwise(numbers))
        fine = isinstance(path, str) and len(numbers) >= 2 and rising
        fine = fine and all(math.isfinite(v) for v in numbers)
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise EscalateError(
            f"`{name}` must be a path and two or more rising numbers, but got {given!r}"
        )
    return path, numbers


def _known_outcome(outcome: Any) -> None:
    if callable(outcome):
        return
    known = [name for name in OUTCOMES if name not in SERIES]
    head = outcome.partition(".")[0] if isinstance(outcome, str) else repr(outcome)
    if head not in known:
        raise EscalateError(f"unknown outcome {outcome!r}: {closest(head, known)}")


def _mean(
    scenario: Scenario, outcome: Any, replications: int, seed: Seed, level: float
) -> tuple[float, float, float]:
    """Give the mean of an outcome over an ensemble, with its interval."""
    from scipy import special

    if callable(outcome):
        ensemble = simulate_many(scenario, replications=replications, rng=seed, workers=1)
        numbers = np.asarray(outcome(ensemble), dtype=float)
        if numbers.shape != (replications,):
            raise EscalateError(
                f"`outcome` must give an array of shape ({replications},), a number for each "
                f"replication, but it has {numbers.shape}"
            )
    else:
        head = outcome.partition(".")[0]
        table = simulate_many(
            scenario, replications=replications, rng=seed, workers=1, outcomes=(head,)
        ).summary()
        if outcome not in table:
            known = [str(name) for name in table if str(name).startswith(f"{head}.")]
            raise EscalateError(f"unknown outcome {outcome!r}: {closest(outcome, known)}")
        numbers = table[outcome].to_numpy(dtype=float)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        return math.nan, math.nan, math.nan
    mean = float(numbers.mean())
    if len(numbers) < 2:
        return mean, -math.inf, math.inf
    t = float(special.stdtrit(len(numbers) - 1, (1.0 + level) / 2.0))
    width = t * float(numbers.std(ddof=1)) / math.sqrt(len(numbers))
    return mean, mean - width, mean + width
