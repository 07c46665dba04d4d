"""Variants of a scenario against it, war by war, with the same luck.

Replication k of every variant is fought with the draws of replication k of the base, so that
the two differ by what was changed and by what follows from it. What is compared is the
difference in each pair: chance that both share drops out of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import stdtrit

from escalate.ensemble import OUTCOMES, SERIES, Ensemble, extended, simulate_many
from escalate.errors import EscalateError, closest
from escalate.precision import Precision, mean_and_half_width
from escalate.randomness import Seed
from escalate.results import Run
from escalate.scenario import Scenario
from escalate.snapshot import changed, replayed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Pairing", "compare"]

Array = np.ndarray[Any, Any]
Progress = bool | Callable[[int, int], None] | None

_NAMED = ("weapon", "layer", "target", "region", "side")
"""Columns of the log that number things, which another scenario may number differently."""


@dataclass(frozen=True, eq=False)
class Pairing:
    """A base and its variants, fought with the same randomness."""

    base: Ensemble
    """What the variants are compared with."""
    variants: Mapping[str, Ensemble]
    """Name to the same number of wars of the same seed."""
    level: float = 0.95
    """Confidence of the intervals. [-]"""
    precision: Precision | None = None
    """What was asked for, if anything was."""

    def __post_init__(self) -> None:
        if not _is_share(self.level):
            raise EscalateError(f"`0 < level < 1` must hold, but got {self.level!r}")
        if not self.variants:
            raise EscalateError("at least one variant must be given")
        for name, variant in self.variants.items():
            for what in ("seed", "replications"):
                own, other = getattr(self.base, what), getattr(variant, what)
                if own != other:
                    raise EscalateError(
                        f"wars are paired only with the same {what}, but got {own!r} and "
                        f"{other!r} at {name}"
                    )
            sides = [list(wars.scenario.sides) for wars in (self.base, variant)]
            if sides[0] != sides[1]:
                raise EscalateError(
                    f"wars are paired only between the same sides, but got {sides[0]} and "
                    f"{sides[1]} at {name}"
                )

    @classmethod
    def of(
        cls,
        base: Ensemble,
        *variants: Ensemble,
        names: Iterable[str] | None = None,
        level: float = 0.95,
    ) -> Pairing:
        """Pair ensembles that have been fought already, such as those of `Ensemble.fork`.

        Parameters
        ----------
        base : Ensemble
            What the others are compared with.
        *variants : Ensemble
            Of the same seed and replications.
        names : iterable of str, optional
            Names of the variants.
        level : float, optional
            Confidence of the intervals. [-]

        Returns
        -------
        Pairing

        Raises
        ------
        EscalateError
            Ensembles that are not paired.

        Examples
        --------
        >>> import escalate as esc
        >>> wars = esc.simulate_many(esc.load_scenario("winter-2023-24"), replications=99, rng=1)
        >>> forked = wars.fork(48.0, {"sides.RU.retaliations.vow.rule": "never"})
        >>> pairing = Pairing.of(wars, forked, names=["no missiles"])
        >>> print(pairing.sentences("killed.UA")[0])
        no missiles: killed.UA 10.6 fewer (95% interval 9.1 to 12.1), 99 pairs; unpaired ...
        """
        given = []
        for wars in variants:
            name = _own_name(wars.scenario, base.scenario)
            later = len(wars.past) > len(base.past)
            given.append(f"from hour {wars.past[-1][0]:g} on" if later else name)
        return cls(base, dict(zip(_names(given, names), variants, strict=True)), level)

    @property
    def replications(self) -> int:
        """How many pairs."""
        return self.base.replications

    @cached_property
    def table(self) -> pd.DataFrame:
        """All outcomes of all variants, as `differences` gives them."""
        return self.differences()

    def differences(
        self,
        outcomes: str | Iterable[str] | None = None,
        *,
        variants: str | Iterable[str] | None = None,
        simultaneous: bool = False,
    ) -> pd.DataFrame:
        """Give the mean difference of every outcome with its confidence interval.

        Parameters
        ----------
        outcomes : str or iterable of str, optional
            Outcomes (``killed``) or columns of `Ensemble.summary` (``killed.UA``); all that are
            no daily series if not given.
        variants : str or iterable of str, optional
            Which; all if not given.
        simultaneous : bool, optional
            Widen the intervals so that with the chance `level` all of the table hold at once,
            by Bonferroni: each of k is of level ``1 - (1 - level) / k``.

        Returns
        -------
        DataFrame
            A row per variant and column that base and variant both have: ``variant``,
            ``outcome``, ``mean_base``, ``mean_variant``, ``difference`` (variant less base),
            ``low`` and ``high`` of its interval, ``half_width``, ``unpaired_half_width`` (that
            of as many wars without common luck), ``variance_reduction`` (by what pairing
            divides the variance, and so the replications for the same interval) and
            ``replications`` (pairs in which both have a value: the others, such as a delay
            where nothing was answered, are left out of all of the row).

        Raises
        ------
        EscalateError
            Unknown outcome or variant.

        Notes
        -----
        Student t on the differences of the pairs; unpaired by Welch. The reduction is
        ``(var a + var b) / var(b - a)``: infinite where all pairs differ by the same, and 1
        where neither varies. An interval of no width says that no pair differed by anything
        else, not that none could.

        References
        ----------
        A. M. Law, Simulation Modeling and Analysis, fifth edition, McGraw-Hill 2015, sections
        10.2 and 11.2.
        """
        import pandas as pd

        found = []
        for name in self._chosen(variants):
            own = self._columns[name]
            for column in _matching(own, outcomes):
                found.append((name, column))
        level = 1.0 - (1.0 - self.level) / max(len(found), 1) if simultaneous else self.level
        rows = [
            {"variant": name, "outcome": column, **_compared(*self._columns[name][column], level)}
            for name, column in found
        ]
        return pd.DataFrame(rows, columns=["variant", "outcome", *_NUMBERS])

    def difference_over_time(
        self, outcome: str, *, cumulative: bool = False, variants: str | Iterable[str] | None = None
    ) -> pd.DataFrame:
        """Give the mean difference of a daily series, day by day, with its interval.

        Parameters
        ----------
        outcome : str
            One of `escalate.ensemble.SERIES`, which must have been stored.
        cumulative : bool, optional
            Of what has come together since the start instead of what the day brings.
        variants : str or iterable of str, optional
            Which; all if not given.

        Returns
        -------
        DataFrame
            A row per variant, side and day, from 0: ``variant``, ``side``, ``day``,
            ``difference``, ``low``, ``high``. Days that base and variant both have; the
            intervals are each of the level, not all at once.

        Raises
        ------
        EscalateError
            A daily series that is unknown or was not stored.
        """
        import pandas as pd

        held = [name for name in self.base.data if name in SERIES]
        if outcome not in held:
            more = f"; to have it, give outcomes=[{outcome!r}]" if outcome in SERIES else ""
            raise EscalateError(
                f"unknown daily outcome {outcome!r}: {closest(outcome, held or SERIES)}{more}"
            )
        frames = []
        for name in self._chosen(variants):
            series = [w.data[outcome].astype(float) for w in (self.base, self.variants[name])]
            days = min(s.shape[1] for s in series)
            change = series[1][:, :days] - series[0][:, :days]
            if cumulative:
                change = change.cumsum(axis=1)
            for i, side in enumerate(self.base.scenario.sides):
                ends = [mean_and_half_width(change[:, day, i], self.level) for day in range(days)]
                mean, half = np.array(ends).T
                frames.append(
                    pd.DataFrame(
                        {
                            "variant": name, "side": side, "day": np.arange(days),
                            "difference": mean, "low": mean - half, "high": mean + half,
                        }
                    )
                )  # fmt: skip
        return pd.concat(frames, ignore_index=True)

    def divergence(self, variant: str | None = None, replications: int = 20) -> pd.Series[float]:
        """Give the hour at which the event logs of each pair first differ.

        Parameters
        ----------
        variant : str, optional
            Which; may be left out if there is one only.
        replications : int, optional
            How many pairs are fought again for it, from the first on.

        Returns
        -------
        Series of float
            By replication; NaN if the logs are the same to the last bit. [h since the start]

        Raises
        ------
        EscalateError
            Unknown variant, or more replications than there are.

        Notes
        -----
        Rows are compared to the bit, things by their names, in the order in which they were
        written; the hour is that of the earlier of the first two rows that differ.
        """
        import pandas as pd

        name = self._one(variant)
        whole = isinstance(replications, (int, np.integer)) and not isinstance(replications, bool)
        if not whole or not 1 <= replications <= self.replications:
            raise EscalateError(
                f"`1 <= replications <= {self.replications}` must hold, but got {replications!r}"
            )
        pair = (self.base, self.variants[name])
        hours = [_first_difference(*(_fought_again(w, k) for w in pair))
                 for k in range(int(replications))]  # fmt: skip
        index = pd.RangeIndex(int(replications), name="replication")
        return pd.Series(hours, index=index, name=name, dtype=float)

    @property
    def missed(self) -> dict[str, float]:
        """How many more replications each variant would need that was not precise enough.

        Empty if all were, or if no precision was asked for. An estimate from the spread so far;
        infinite where that says nothing, as where no pair differs.
        """
        if self.precision is None:
            return {}
        return {
            name: max(self.precision.needed(change) - self.replications, 1.0)
            for name, change in self._changes(self.precision.outcome).items()
            if not self.precision.reached(change)
        }

    def sentences(self, outcome: str | None = None) -> list[str]:
        """Say in a sentence a variant what it changes, to be put into a text.

        Parameters
        ----------
        outcome : str, optional
            Outcome or column; that of the precision asked for, or else the people killed.

        Returns
        -------
        list of str
            One per variant and column.

        Raises
        ------
        EscalateError
            Unknown outcome.
        """
        if outcome is None and self.precision is not None:
            outcome = self.precision.outcome
        if outcome is None:
            known = next(iter(self._columns.values()))
            outcome = "killed" if "killed" in self.base.data else next(iter(known), None)
        said, missed = [], self.missed
        for row in self.differences(outcome).to_dict("records"):
            line = _sentence(row, self.level)
            more = missed.get(str(row["variant"]))
            if self.precision is not None and more and row["outcome"] == self.precision.outcome:
                line += "; NOT as narrow as asked, " + (
                    f"for which about {more:,.0f} more pairs are needed" if more < math.inf
                    else "and how many more pairs it takes is not known"
                )  # fmt: skip
            said.append(line)
        return said

    def __str__(self) -> str:
        """Say what every variant changes, a line each."""
        return "\n".join(self.sentences())

    @cached_property
    def _columns(self) -> dict[str, dict[str, tuple[Array, Array]]]:
        """Values of every column in base and variant, by variant."""
        base = _numbers(self.base)
        found = {}
        for name, wars in self.variants.items():
            own = _numbers(wars)
            found[name] = {column: (base[column], own[column]) for column in base if column in own}
        return found

    def _changes(self, column: str) -> dict[str, Array]:
        """Give the difference of a column in each pair, by variant."""
        found = {}
        for name, columns in self._columns.items():
            _matching(columns, column)
            if column not in columns:
                raise EscalateError(
                    f"`outcome` must be one column, but got {column!r}: {closest(column, columns)}"
                )
            found[name] = columns[column][1] - columns[column][0]
        return found

    def _chosen(self, variants: str | Iterable[str] | None) -> list[str]:
        names = [variants] if isinstance(variants, str) else list(variants or self.variants)
        for name in names:
            if name not in self.variants:
                raise EscalateError(f"unknown variant {name!r}: {closest(name, self.variants)}")
        return names

    def _one(self, variant: str | None) -> str:
        if variant is None and len(self.variants) > 1:
            raise EscalateError(f"`variant` must be one of {list(self.variants)}, but got None")
        return self._chosen(variant)[0]


def compare(
    scenario: Scenario,
    *variants: Scenario | Mapping[str, Any],
    names: Iterable[str] | None = None,
    replications: int | Precision = 1000,
    rng: object = None,
    workers: int | None = None,
    outcomes: Iterable[str] | None = None,
    level: float | None = None,
    progress: Progress = None,
) -> Pairing:
    """Compare variants with a scenario, war by war, with common random numbers.

    Parameters
    ----------
    scenario : Scenario
        The base.
    *variants : Scenario or mapping
        What is compared with it: other scenarios, or changes to it as for `Scenario.replace`.
    names : iterable of str, optional
        Names of the variants; said from what is changed if not given.
    replications : int or Precision, optional
        How many pairs; or how narrow the interval of one outcome's difference is to be for each
        of the variants. All are then fought on until each is, or until `Precision.most`.
    rng : int, SeedSequence, Generator, BitGenerator or None, optional
        Randomness as in SPEC 7.
    workers : int, optional
        Threads, on which the result does not depend.
    outcomes : iterable of str, optional
        Which of `OUTCOMES` to store; all but the daily series if not given. That of the precision
        is always among them.
    level : float, optional
        Confidence of the intervals; that of the precision, or else 0.95, if not given. [-]
    progress : bool or callable, optional
        True for a bar on standard error, or a function called with (done, wars); `wars` is how
        many it takes up to the next look.

    Returns
    -------
    Pairing

    Raises
    ------
    EscalateError
        Unknown outcome, a number out of bounds, or other sides.
    ScenarioError
        Changes that give no scenario.

    Examples
    --------
    >>> import escalate as esc
    >>> pairing = compare(
    ...     esc.load_scenario("winter-2023-24"),
    ...     {"sides.RU.retaliations.vow.rule": "never"},
    ...     replications=200,
    ...     rng=1,
    ... )
    >>> print(pairing)
    vow.rule=never: killed.RU 8.1 fewer (95% interval 6.1 to 10.1), 200 pairs; unpaired ...
    vow.rule=never: killed.UA 10.2 fewer (95% interval 9.2 to 11.2), 200 pairs; unpaired ...
    """
    if not isinstance(scenario, Scenario):
        raise EscalateError(f"`scenario` must be a Scenario, but got {type(scenario).__name__}")
    labels = _names([_default_name(variant, scenario) for variant in variants], names)
    scenarios = [changed(scenario, variant) for variant in variants]
    seed = Seed.of(rng)
    asked = replications if isinstance(replications, Precision) else None
    looks = asked.looks() if asked else (_whole(replications),)
    if level is None:
        level = asked.level if asked else 0.95
    chosen = None if outcomes is None else [outcomes] if isinstance(outcomes, str) else [*outcomes]
    if asked:
        first = asked.outcome.partition(".")[0]
        if first not in OUTCOMES or first in SERIES:
            known = [name for name in OUTCOMES if name not in SERIES]
            raise EscalateError(f"unknown outcome {asked.outcome!r}: {closest(first, known)}")
        if chosen is not None and first not in chosen:
            chosen.append(first)
    # One war of each first: what cannot be compared is refused before long work.
    least = [
        simulate_many(s, replications=1, rng=seed, workers=workers, outcomes=chosen)
        for s in (scenario, *scenarios)
    ]
    pairing = Pairing(least[0], dict(zip(labels, least[1:], strict=True)), level, asked)
    if asked:
        pairing._changes(asked.outcome)
    with _Counted(progress, 1 + len(labels)) as counted:
        for look in looks:
            base, *others = (
                extended(wars, look, workers=workers, progress=counted.of(look, wars.replications))
                for wars in (pairing.base, *pairing.variants.values())
            )
            pairing = Pairing(base, dict(zip(labels, others, strict=True)), level, asked)
            if not pairing.missed:
                break
    return pairing


class _Counted:
    """Counts wars over several ensembles, for one bar or function."""

    def __init__(self, progress: Progress, ensembles: int) -> None:
        self._progress, self._ensembles = progress, ensembles
        self._done = ensembles  # each begins with one war
        self._bar: Any = None

    def __enter__(self) -> _Counted:
        if self._progress is True:
            from tqdm import tqdm

            self._bar = tqdm(unit="war")
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def of(self, look: int, begin: int) -> Callable[[int, int], None] | None:
        """Give what the next ensemble is to call, which goes on from `begin` to `look`."""
        if not self._progress:
            return None
        before, total = self._done, self._ensembles * look
        self._done += look - begin

        def said(done: int, _: int) -> None:
            if self._bar is not None:
                self._bar.total = total
                self._bar.update(before + done - self._bar.n)
            elif callable(self._progress):
                self._progress(before + done, total)

        return said


_NUMBERS = (
    "mean_base", "mean_variant", "difference", "low", "high", "half_width",
    "unpaired_half_width", "variance_reduction", "replications",
)  # fmt: skip


def _compared(base: Array, variant: Array, level: float) -> dict[str, float]:
    """Give the numbers of one row of the table."""
    both = ~(np.isnan(base) | np.isnan(variant))
    a, b = base[both], variant[both]
    n = len(a)
    if n == 0:
        return {**dict.fromkeys(_NUMBERS, math.nan), "replications": 0}
    mean, half = mean_and_half_width(b - a, level)
    row = {
        "mean_base": float(a.mean()), "mean_variant": float(b.mean()), "difference": mean,
        "low": mean - half, "high": mean + half, "half_width": half,
        "unpaired_half_width": math.inf, "variance_reduction": math.nan, "replications": n,
    }  # fmt: skip
    if n > 1:
        of_a, of_b, of_d = (_variance(x) for x in (a, b, b - a))
        apart = of_a + of_b
        # Welch and Satterthwaite, for two samples of the same size.
        freedom = (n - 1) * apart**2 / (of_a**2 + of_b**2) if apart > 0.0 else 2.0 * (n - 1)
        quantile = float(stdtrit(freedom, 0.5 * (1.0 + level)))
        row["unpaired_half_width"] = quantile * math.sqrt(apart / n)
        row["variance_reduction"] = apart / of_d if of_d > 0.0 else math.inf if apart > 0.0 else 1.0
    return row


def _variance(values: Array) -> float:
    """Give the variance; exactly 0 where nothing varies, whatever rounding makes of the mean."""
    return float(np.var(values, ddof=1)) if np.ptp(values) > 0.0 else 0.0


def _numbers(wars: Ensemble) -> dict[str, Array]:
    """Give the values of every outcome that is no series, by column."""
    table = wars.summary().drop(columns=["entropy", "spawn_key"])
    return {str(name): table[name].to_numpy(dtype=float) for name in table.columns}


def _matching(columns: Iterable[str], outcomes: str | Iterable[str] | None) -> list[str]:
    """Give the columns that are meant by outcomes or columns."""
    known = list(columns)
    if outcomes is None:
        return known
    found = []
    for outcome in [outcomes] if isinstance(outcomes, str) else outcomes:
        meant = [name for name in known if f"{name}.".startswith(f"{outcome}.")]
        if not meant:
            whole = dict.fromkeys(name.partition(".")[0] for name in known)
            raise EscalateError(
                f"unknown outcome {outcome!r}: "
                f"{closest(outcome, known if '.' in outcome else whole)}"
            )
        found += meant
    return list(dict.fromkeys(found))


def _names(given: list[str], names: Iterable[str] | None) -> list[str]:
    """Give the variants' names: those that were asked for, or else different ones."""
    if isinstance(names, str):
        names = [names]
    if names is not None:
        labels = list(names)
        if len(labels) != len(given) or len(set(labels)) != len(labels):
            raise EscalateError(
                f"`names` must be {len(given)} different names, one a variant, but got {labels}"
            )
        return labels
    labels = []
    for name in given:
        again = sum(label == name or label.startswith(f"{name} (") for label in labels)
        labels.append(f"{name} ({again + 1})" if again else name)
    return labels


def _default_name(variant: Scenario | Mapping[str, Any], base: Scenario) -> str:
    """Say what is changed: the last words of the paths, and their values if they are short."""
    if isinstance(variant, Scenario):
        return _own_name(variant, base)
    if not isinstance(variant, Mapping) or not variant:
        return "no change"
    words = []
    for path, value in variant.items():
        tail = ".".join(str(path).split(".")[-2:])
        short = isinstance(value, (str, int, float, np.number))
        words.append(f"{tail}={value}" if short else f"{tail} changed")
    more = f" and {len(words) - 2} more" if len(words) > 2 else ""
    return ", ".join(words[:2]) + more


def _own_name(scenario: Scenario, base: Scenario) -> str:
    return scenario.name if scenario.name != base.name and scenario.name else "variant"


def _whole(replications: object) -> int:
    number = isinstance(replications, (int, np.integer)) and not isinstance(replications, bool)
    if not number or replications < 1:  # type: ignore[operator]
        raise EscalateError(
            "`replications` must be a whole number, 1 or more, or a Precision, but got "
            f"{replications!r}"
        )
    return int(replications)  # type: ignore[call-overload, no-any-return]


def _is_share(value: object) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0.0 < value < 1.0  # type: ignore[operator]


def _fought_again(wars: Ensemble, replication: int) -> Run:
    stages = (*wars.past, (math.inf, wars.scenario))
    return replayed(stages, wars.seed, replication, engine="compiled")


def _first_difference(first: Run, second: Run) -> float:
    """Give the hour at which two logs first differ; NaN if they do not."""
    logs = [_bits(run) for run in (first, second)]
    times = [run.tables["log"]["time_hours"] for run in (first, second)]
    length = min(len(time) for time in times)
    apart = np.zeros(length, dtype=bool)
    for column in logs[0]:
        apart |= logs[0][column][:length] != logs[1][column][:length]
    at = int(apart.argmax()) if apart.any() else length
    later = [float(time[at]) for time in times if at < len(time)]
    return min(later) if later else math.nan


def _bits(run: Run) -> dict[str, Array]:
    """Give the log's columns so that equal means equal to the bit, and things by their names."""
    found: dict[str, Array] = {}
    for column, values in run.tables["log"].items():
        if column in _NAMED:
            found[column] = np.array([*run.names[column], ""])[values]  # -1, for none, is the last
        else:
            found[column] = values.view(np.int64)
    return found


def _sentence(row: Mapping[Any, Any], level: float) -> str:
    """Say one row of the table."""
    more, less = ("higher", "lower") if _is_measure(str(row["outcome"])) else ("more", "fewer")
    head = f"{row['variant']}: {row['outcome']} "
    n, low, high, half = row["replications"], row["low"], row["high"], row["half_width"]
    pairs = f"{n:,} pair{'' if n == 1 else 's'}"
    if n < 2:
        return f"{head}cannot be compared: {pairs} with a value in both"
    if half == 0.0 and row["difference"] == 0.0:
        return f"{head}the same in all of {pairs}"
    # Two digits of the half width, or four of what has none.
    digits = (1 if half else 3) - math.floor(math.log10(half or abs(row["difference"])))

    def said(value: float) -> str:
        return f"{round(value, digits):,.{max(digits, 0)}f}"

    def signed(value: float) -> str:
        if round(value, digits) == 0.0:
            return said(0.0)
        return f"{said(abs(value))} {more if value > 0.0 else less}"

    if low > 0.0 or high < 0.0:
        ends = sorted((abs(low), abs(high)))
        interval = f"{said(ends[0])} to {said(ends[1])}"
    else:
        interval = f"{signed(low)} to {signed(high)}"
    factor = row["variance_reduction"]
    line = f"{head}{signed(row['difference'])} ({100.0 * level:g}% interval {interval}), {pairs}"
    if factor < math.inf:
        times = f"{factor:,.0f}" if factor >= 100.0 else f"{factor:.3g}"
        line += f"; unpaired would need {times} times as many"
    return line


def _is_measure(column: str) -> bool:
    """Say whether an outcome is measured rather than counted."""
    name = column.partition(".")[0]
    return name.endswith(("_usd", "_hours", "_sites")) or name in ("reproduction_number", "rung")
