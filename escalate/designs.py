"""Which scenarios to fight: parameters that vary, and the points at which they are tried.

A *lever* is a choice that somebody has, such as how many channels to buy; an *uncertainty* is
what nobody knows, such as how strongly the other side answers. They vary in the same way, but
mean different things: one looks for good levers over all uncertainties, not the other way round.

References
----------
.. [1] R. J. Lempert, S. W. Popper, S. C. Bankes, *Shaping the Next One Hundred Years*, RAND
   MR-1626, 2003: levers (L) and exogenous uncertainties (X) of an experiment.
"""

from __future__ import annotations

import ast
import itertools
import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.errors import EscalateError, Problem, ScenarioError, closest
from escalate.randomness import Seed
from escalate.rules import Rule, plain
from escalate.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ROLES",
    "Design",
    "Parameter",
    "grid",
    "latin_hypercube",
    "lever",
    "one_at_a_time",
    "sobol",
    "table",
    "uncertainty",
]

ROLES = ("lever", "uncertainty")
"""What a parameter may be."""

_PLURAL = {"lever": "levers", "uncertainty": "uncertainties"}

Constraint = str | Callable[[dict[str, Any]], bool]
"""What must hold at a point: words such as ``"channels <= 2 * launchers"``, or a function."""

RESERVED = frozenset((
    "point", "replication", "replications", "entropy", "spawn_key", "error", "seconds",
    "difference", "low", "high", "pairs", "side", "category", "target_category", "layer", "day",
))  # fmt: skip
"""Words that stand for something else in tables of sweeps; no parameter's name begins with one."""

TAKEN = RESERVED | frozenset((
    "strikes", "answers", "killed", "injured", "blackout_regions", "blackout_hours", "alert_hours",
    "cost_usd", "defence_cost_usd", "response_delay_hours", "reproduction_number", "false_alarms",
    "rung", "launched", "dud", "intercepted", "lost", "leaked", "strayed", "stock", "hits",
    "damage_sites", "stopped", "shots", "passed_unengaged", "strikes_per_day", "launched_per_day",
    "intercepted_per_day", "leaked_per_day", "killed_per_day", "injured_per_day", "damage_per_day",
    "unengaged_per_day",
))  # fmt: skip
"""These, and outcomes: a name that is made out of a path begins with none of them either."""

AS_IT_IS = "as it is"
"""How the value of a parameter is written that a point leaves alone."""


@dataclass(frozen=True)
class Parameter:
    """Something about a scenario that varies in a design."""

    name: str
    """What it is called in tables; unique in a design."""
    role: str
    """One of `ROLES`."""
    path: str = ""
    """Where it stands in the scenario; none if each choice says itself what it changes."""
    low: float | None = None
    """Least value of a range."""
    high: float | None = None
    """Largest value of a range."""
    choices: tuple[tuple[Any, Any], ...] = ()
    """Label and value of each choice, if it has no range."""
    whole: bool = False
    """Whether a range holds whole numbers only."""
    log: bool = False
    """Whether a range is spread evenly in the logarithm."""
    levels: int | None = None
    """Into how many values grids and one-at-a-time designs cut a range; whole numbers are the
    nearest ones, and so may be fewer and not quite evenly spread."""
    also: tuple[tuple[str, float | None], ...] = ()
    """Paths that take the same value, or so many times it."""

    @property
    def free(self) -> bool:
        """Whether it has neither range nor choices, and takes what a table gives."""
        return self.low is None and not self.choices

    def at(self, u: float) -> Any:
        """Give the value, or label, at a place between the least and the largest.

        Parameters
        ----------
        u : float
            In [0, 1]. [-]
        """
        if self.choices:
            return self.choices[min(int(u * len(self.choices)), len(self.choices) - 1)][0]
        if self.low is None or self.high is None:
            raise EscalateError(f"`{self.name}` has neither a range nor choices to vary over")
        if self.whole:
            low, high = int(self.low), int(self.high)
            return min(low + int(u * (high - low + 1)), high)
        if self.log:
            value = math.exp(math.log(self.low) + u * (math.log(self.high) - math.log(self.low)))
            return min(max(value, self.low), self.high)  # the logarithm rounds
        return self.low + u * (self.high - self.low)

    def values(self, levels: int | None = None) -> list[Any]:
        """Give the values, or labels, that a grid tries.

        Parameters
        ----------
        levels : int, optional
            For a range without `levels` of its own.
        """
        if self.choices:
            return [label for label, _ in self.choices]
        levels = self.levels or levels
        if levels is None:
            raise EscalateError(
                f"`{self.name}` needs `levels`, how many values of its range to try"
            )
        if self.whole and self.low is not None and self.high is not None:
            low, high = int(self.low), int(self.high)
            return sorted({low + round(i * (high - low) / (levels - 1)) for i in range(levels)})
        return [self.at(i / (levels - 1)) for i in range(levels)]

    def changes(self, value: Any) -> dict[str, Any]:
        """Give what a value, or label, changes in a scenario, by path.

        Parameters
        ----------
        value : object
            As in the rows of a design; None leaves the scenario as it is.
        """
        if value is None:
            return {}
        if self.choices:
            value = dict(self.choices)[value]
        if isinstance(value, Mapping) and not self.path:
            return dict(value)
        found = {self.path: value}
        for path, factor in self.also:
            times = value if factor is None else value * factor
            # Twice a whole number is a whole number, even if it is 2.0 times.
            whole = isinstance(value, int) and not isinstance(value, bool) and times % 1 == 0
            found[path] = int(times) if whole else times
        return found


def lever(
    path: str,
    low: float | None = None,
    high: float | None = None,
    *,
    choices: Iterable[Any] | Mapping[str, Any] | None = None,
    whole: bool = False,
    log: bool = False,
    levels: int | None = None,
    also: str | Iterable[str] | Mapping[str, float] = (),
    name: str = "",
) -> Parameter:
    """Declare a parameter that somebody chooses.

    Parameters
    ----------
    path : str
        Where it stands in the scenario, such as ``sides.UA.layers.long_range.channels``; a mere
        name, if each choice is a mapping of paths to values.
    low, high : float, optional
        Ends of a range.
    choices : iterable or mapping, optional
        Values to choose from, instead of a range: numbers, words, names of rules or `Rule`; or
        label to value.
    whole : bool, optional
        Whole numbers only.
    log : bool, optional
        Spread the range evenly in the logarithm.
    levels : int, optional
        Into how many values grids and one-at-a-time designs cut the range.
    also : str, iterable of str, or mapping of str to float, optional
        Further paths that take the same value, or so many times it.
    name : str, optional
        What to call it in tables; the shortest end of the path that is unique if not given.

    Returns
    -------
    Parameter

    Raises
    ------
    EscalateError
        Neither or both of range and choices that do not fit together.

    Examples
    --------
    >>> lever("sides.A.layers.point.channels", 4, 16, whole=True, levels=4).values()
    [4, 8, 12, 16]
    """
    return _parameter("lever", path, low, high, choices, whole, log, levels, also, name)


def uncertainty(
    path: str,
    low: float | None = None,
    high: float | None = None,
    *,
    choices: Iterable[Any] | Mapping[str, Any] | None = None,
    whole: bool = False,
    log: bool = False,
    levels: int | None = None,
    also: str | Iterable[str] | Mapping[str, float] = (),
    name: str = "",
) -> Parameter:
    """Declare a parameter that nobody knows; arguments and errors are those of `lever`.

    Parameters
    ----------
    path, low, high, choices, whole, log, levels, also, name : optional
        As for `lever`.

    Returns
    -------
    Parameter

    Examples
    --------
    >>> rule = "sides.A.retaliations.answer.rule"
    >>> uncertainty(rule, choices=["never", "tit_for_tat"]).values()
    ['never', 'tit_for_tat']
    """
    return _parameter("uncertainty", path, low, high, choices, whole, log, levels, also, name)


def _parameter(
    role: str,
    path: str,
    low: float | None,
    high: float | None,
    choices: Iterable[Any] | Mapping[str, Any] | None,
    whole: bool,
    log: bool,
    levels: int | None,
    also: str | Iterable[str] | Mapping[str, float],
    name: str,
) -> Parameter:
    place = f"{_PLURAL[role]}.{name or path}"
    if not isinstance(path, str) or not path:
        raise _wrong(place, f"`path` must be a path into a scenario, but got {path!r}")
    low, high = plain(low), plain(high)
    if (low is None) != (high is None):
        raise _wrong(place, f"`low` and `high` go together, but got {low!r} and {high!r}")
    if low is not None and choices is not None:
        raise _wrong(place, "either a range or `choices`, but not both, must be given")
    if low is not None and high is not None:
        for end in (low, high):
            if not _is_number(end) or not math.isfinite(end):
                raise _wrong(place, f"ends of a range must be finite numbers, but got {end!r}")
            if whole and end != int(end):
                raise _wrong(place, f"ends must be whole as the values are, but got {end!r}")
        if low >= high:
            raise _wrong(place, f"`low < high` must hold, but got {low!r} and {high!r}")
        if log and low <= 0:
            raise _wrong(place, f"`0 < low` must hold for a logarithm, but got {low!r}")
        low, high = (int(low), int(high)) if whole else (float(low), float(high))
    if low is None and (whole or log or levels is not None):
        raise _wrong(place, "`whole`, `log` and `levels` are about a range, but none is given")
    if whole and log:
        raise _wrong(place, "a range of whole numbers cannot be spread in the logarithm")
    if levels is not None and (not _is_whole(levels) or levels < 2):
        raise _wrong(place, f"`levels` must be a whole number, 2 or more, but got {levels!r}")
    labelled = _labelled(choices, place)
    if name.partition(".")[0] in RESERVED:
        raise _wrong(place, f"the name {name!r} stands for something else in tables")
    levels = None if levels is None else int(levels)
    bundles = [isinstance(value, Mapping) for _, value in labelled]
    if any(bundles) and not all(bundles):
        raise _wrong(place, "either all choices are mappings of paths to values, or none")
    if not isinstance(also, (str, Iterable)):
        raise _wrong(place, f"`also` must be a path, or several, but got {also!r}")
    if isinstance(also, Mapping):
        linked = tuple((str(p), plain(factor)) for p, factor in also.items())
    else:
        linked = tuple((p, None) for p in ([also] if isinstance(also, str) else also))
    for other, factor in linked:
        if factor is not None and not _is_number(factor):
            raise _wrong(place, f"`also` gives {other} {factor!r} times the value, no number")
        words = [v for _, v in labelled if not _is_number(v)]
        if factor is not None and words:
            raise _wrong(place, f"{other} cannot be {factor!r} times {words[0]!r}")
    if linked and any(bundles):
        raise _wrong(place, "choices that say what they change can have no `also`")
    return Parameter(
        name or path, role, "" if any(bundles) else path, low, high, labelled, bool(whole),
        bool(log), levels, linked,
    )  # fmt: skip


def _wrong(place: str, message: str) -> ScenarioError:
    return ScenarioError([Problem(place, message)])


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))


def _labelled(choices: Any, place: str) -> tuple[tuple[Any, Any], ...]:
    if choices is None:
        return ()
    if isinstance(choices, (str, bytes)) or not isinstance(choices, Iterable):
        raise _wrong(place, f"`choices` must be a list of values, but got {choices!r}")
    if isinstance(choices, Mapping):
        found = [(str(label), plain(value)) for label, value in choices.items()]
    else:
        found = [(_label(plain(value), place), plain(value)) for value in choices]
    labels = [label for label, _ in found]
    if not found:
        raise _wrong(place, "`choices` must hold at least one value")
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise _wrong(place, f"choices must differ, but {twice!r} is there twice")
    return tuple(found)


def _label(value: Any, place: str) -> Any:
    """Give what stands for a choice in tables."""
    if isinstance(value, (str, bool)) or _is_number(value):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Rule):
        inner = [_label(rule, place) for rule in value.of]
        inner += [f"{name}={given}" for name, given in value.params.items()]
        return f"{value.name}({', '.join(map(str, inner))})" if inner else value.name
    raise _wrong(place, f"give such choices by label, as in choices={{'first': ...}}: {value!r}")


@dataclass(frozen=True)
class Design:
    """Points at which parameters of a scenario are tried."""

    kind: str
    """How the points were found, such as ``grid``."""
    parameters: tuple[Parameter, ...]
    """What varies."""
    rows: tuple[tuple[Any, ...], ...]
    """A row a point, with a value or label for each parameter; None leaves it as it is."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Further what the points were found with."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", _named(self.parameters))
        if not self.rows:
            raise EscalateError("a design must have at least one point, but has none")

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        return tuple(parameter.name for parameter in self.parameters)

    def changes(self, point: int) -> dict[str, Any]:
        """Give what a point changes in a scenario, by path.

        Parameters
        ----------
        point : int
            Number of the point.
        """
        found: dict[str, Any] = {}
        for parameter, value in zip(self.parameters, self.rows[point], strict=True):
            for path, new in parameter.changes(value).items():
                if path in found and found[path] != new:
                    message = f"point {point} changes it twice, to {found[path]!r} and to {new!r},"
                    raise _wrong(path, message)
                found[path] = new
        return found

    def scenario(self, base: Scenario, point: int) -> Scenario:
        """Give the scenario of a point.

        Parameters
        ----------
        base : Scenario
            What the points change.
        point : int
            Number of the point.

        Raises
        ------
        ScenarioError
            Changes that give no scenario.
        """
        return base.replace(self.changes(point))

    def check(self, base: Scenario) -> None:
        """Refuse a design with a parameter, or a choice, that works at no point.

        A misspelt path works nowhere. A point that is impossible by itself is let through: it
        shows up as failed in what a sweep gives.

        Parameters
        ----------
        base : Scenario
            What the points change.

        Raises
        ------
        ScenarioError
            With the path and the known one closest to it.
        """
        good: dict[int, ScenarioError | None] = {}

        def problem(point: int) -> ScenarioError | None:
            if point not in good:
                try:
                    self.scenario(base, point)
                    good[point] = None
                except ScenarioError as error:
                    good[point] = error
            return good[point]

        each = self.kind != "one_at_a_time"  # where a choice has one point, which may fail
        for column, parameter in enumerate(self.parameters):
            # A range is taken as one; of choices each must be possible somewhere.
            seen: dict[Any, list[int]] = {}
            for point, row in enumerate(self.rows):
                value = row[column]
                if value is not None:
                    seen.setdefault(value if parameter.choices and each else "", []).append(point)
            for points in seen.values():
                some = points[:: max(len(points) // 50, 1)]
                wrong = problem(some[0])
                if wrong is not None and all(problem(point) for point in some[1:]):
                    if "whole number" in str(wrong) and not parameter.whole and not parameter.free:
                        hint = f"{parameter.name} may need whole=True: {wrong}"
                        raise ScenarioError([Problem("", hint)]) from wrong
                    raise wrong

    def to_dataframe(self) -> pd.DataFrame:
        """Give a table: a row a point, a column a parameter."""
        import pandas as pd

        base = self.settings.get("base", {})
        columns = {
            name: [base.get(name, AS_IT_IS) if row[i] is None else row[i] for row in self.rows]
            for i, name in enumerate(self.names)
        }
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self), name="point"))

    def record(self) -> dict[str, Any]:
        """Give all of it as plain data, for a file.

        Raises
        ------
        ScenarioError
            A choice that is a whole part of a scenario, or holds a function of the user's own.
        """
        return {
            "kind": self.kind,
            "parameters": [_recorded(parameter) for parameter in self.parameters],
            "rows": [list(row) for row in self.rows],
            "settings": dict(self.settings),
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Design:
        """Give the design of a record.

        Parameters
        ----------
        record : mapping
            What `record` gave, perhaps by way of JSON.
        """
        return cls(
            record["kind"],
            tuple(_unrecorded(one) for one in record["parameters"]),
            tuple(tuple(row) for row in record["rows"]),
            record["settings"],
        )


def _named(parameters: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Give parameters names that differ, and refuse a path that two of them change."""
    given = tuple(parameters)
    if not given:
        raise EscalateError("a design must have at least one parameter, but has none")
    for one in given:
        if not isinstance(one, Parameter):
            raise EscalateError(
                f"parameters must be given by `lever` or `uncertainty`, but got {one!r}"
            )
    paths = [path for one in given for path in (one.path, *(p for p, _ in one.also)) if path]
    for path in paths:
        if paths.count(path) > 1:
            raise _wrong(path, "is changed by two parameters of the design,")
    tails = {one.path: _tails(one.path) for one in given if one.name == one.path}
    found = []
    for one in given:
        if one.path in tails:
            others = {tail for path in tails if path != one.path for tail in tails[path]}
            others |= {other.name for other in given if other is not one}
            name = next(
                (
                    tail
                    for tail in tails[one.path]
                    if tail not in others and tail.partition(".")[0] not in TAKEN
                ),
                one.path,
            )
            one = replace(one, name=name)
        found.append(one)
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise EscalateError(f"names of parameters must differ, but {name!r} is there twice")
    return tuple(found)


def _tails(path: str) -> list[str]:
    """Give the ends of a path, shortest first."""
    steps = path.split(".")
    return [".".join(steps[i:]) for i in range(len(steps) - 1, -1, -1)]


def _recorded(parameter: Parameter) -> dict[str, Any]:
    place = f"{_PLURAL[parameter.role]}.{parameter.name}"
    choices = [[label, _data(value, place)] for label, value in parameter.choices]
    return {
        "name": parameter.name, "role": parameter.role, "path": parameter.path,
        "low": parameter.low, "high": parameter.high, "choices": choices,
        "whole": parameter.whole, "log": parameter.log, "levels": parameter.levels,
        "also": [list(pair) for pair in parameter.also],
    }  # fmt: skip


def _unrecorded(record: Mapping[str, Any]) -> Parameter:
    choices = tuple((label, _value(data)) for label, data in record["choices"])
    also = tuple((path, factor) for path, factor in record["also"])
    return Parameter(**{**record, "choices": choices, "also": also})


def _data(value: Any, place: str) -> Any:
    """Give a choice as plain data."""
    if isinstance(value, Rule) and value.function is None:
        return {"rule": value.name, "of": [_data(one, place) for one in value.of],
                "params": dict(value.params)}  # fmt: skip
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    value = plain(value)
    if isinstance(value, Mapping):
        return {"changes": {path: _data(one, place) for path, one in value.items()}}
    if isinstance(value, (list, tuple)):
        return [_data(one, place) for one in value]
    if value is None or isinstance(value, (str, bool)) or _is_number(value):
        return value
    raise _wrong(place, f"no file can keep the choice {value!r}; give it as changes by path,")


def _value(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_value(one) for one in data)
    if isinstance(data, dict) and "rule" in data:
        return Rule(data["rule"], *(_value(one) for one in data["of"]), **data["params"])
    if isinstance(data, dict) and "datetime" in data:
        return datetime.fromisoformat(data["datetime"])
    if isinstance(data, dict):
        return {path: _value(one) for path, one in data["changes"].items()}
    return data


# ---------------------------------------------------------------------------- kinds of designs
def grid(
    *parameters: Parameter,
    levels: int | None = None,
    constraints: Iterable[Constraint] = (),
) -> Design:
    """Give every combination of the parameters' values; the last one varies fastest.

    Parameters
    ----------
    *parameters : Parameter
        What varies.
    levels : int, optional
        Into how many values to cut a range that does not say so itself.
    constraints : iterable of str or callable, optional
        What must hold; points where it does not are left out. Words compare the parameters'
        names and numbers, as in ``"channels <= 2 * launchers"``; a function gets the values by
        name.

    Returns
    -------
    Design

    Raises
    ------
    EscalateError
        A range without levels, or constraints that leave no point.

    Examples
    --------
    >>> here = lever("sides.A.layers.point.channels", choices=[4, 8], name="here")
    >>> there = uncertainty("sides.B.layers.point.channels", choices=[4, 8], name="there")
    >>> grid(here, there, constraints=["here <= there"]).rows
    ((4, 4), (4, 8), (8, 8))
    """
    named = _named(parameters)
    rows = itertools.product(*(one.values(levels) for one in named))
    return _constrained("grid", named, rows, constraints, {"levels": plain(levels)})


def latin_hypercube(
    *parameters: Parameter,
    points: int,
    rng: object = None,
    constraints: Iterable[Constraint] = (),
) -> Design:
    """Spread points so that each parameter is covered evenly, whatever the others do.

    Parameters
    ----------
    *parameters : Parameter
        What varies.
    points : int
        How many, before constraints.
    rng : int, SeedSequence, Generator or None, optional
        Randomness of the points; it has nothing to do with that of the wars.
    constraints : iterable of str or callable, optional
        As for `grid`.

    Returns
    -------
    Design

    Raises
    ------
    EscalateError
        As for `grid`.

    References
    ----------
    M. D. McKay, R. J. Beckman, W. J. Conover, "A comparison of three methods for selecting
    values of input variables", Technometrics 21(2):239-245, 1979.

    Examples
    --------
    >>> belt = lever("sides.A.layers.point.channels", 4, 7, whole=True)
    >>> sorted(value for (value,) in latin_hypercube(belt, points=4, rng=1).rows)
    [4, 5, 6, 7]
    """
    return _sampled("latin_hypercube", "LatinHypercube", parameters, points, rng, constraints)


def sobol(
    *parameters: Parameter,
    points: int,
    rng: object = None,
    constraints: Iterable[Constraint] = (),
) -> Design:
    """Spread points by a scrambled Sobol sequence, which leaves the smallest gaps.

    Parameters
    ----------
    *parameters : Parameter
        What varies.
    points : int
        How many, before constraints; a power of 2, without which the sequence loses its balance.
    rng : int, SeedSequence, Generator or None, optional
        Randomness of the scrambling.
    constraints : iterable of str or callable, optional
        As for `grid`.

    Returns
    -------
    Design

    Raises
    ------
    EscalateError
        As for `grid`, or a number of points that is no power of 2.

    References
    ----------
    A. B. Owen, "On dropping the first Sobol' point", arXiv:2008.08051, 2020.

    Examples
    --------
    >>> len(sobol(lever("sides.A.layers.point.channels", 4, 7, whole=True), points=8, rng=1))
    8
    """
    if _is_whole(points) and points > 0 and points & (points - 1):
        below = 1 << (int(points).bit_length() - 1)
        raise EscalateError(
            f"`points` of a Sobol sequence must be a power of 2, such as {below} or "
            f"{2 * below}, but got {points!r}"
        )
    return _sampled("sobol", "Sobol", parameters, points, rng, constraints)


def _sampled(
    kind: str,
    engine: str,
    parameters: Sequence[Parameter],
    points: int,
    rng: object,
    constraints: Iterable[Constraint],
) -> Design:
    if not _is_whole(points) or points < 1:
        raise EscalateError(f"`points` must be a whole number, 1 or more, but got {points!r}")
    named = _named(parameters)
    from scipy.stats import qmc

    seed = Seed.of(rng)
    generator = np.random.default_rng(
        np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    )
    unit = getattr(qmc, engine)(len(named), rng=generator).random(int(points))
    rows = (tuple(one.at(float(u)) for one, u in zip(named, us, strict=True)) for us in unit)
    settings = {
        "points": int(points), "entropy": str(seed.entropy), "spawn_key": list(seed.spawn_key)
    }  # fmt: skip
    return _constrained(kind, named, rows, constraints, settings)


def one_at_a_time(scenario: Scenario, *parameters: Parameter, levels: int | None = None) -> Design:
    """Change one parameter at a time, and leave the others as the scenario has them.

    Parameters
    ----------
    scenario : Scenario
        Whose values the others keep; point 0 is the scenario itself.
    *parameters : Parameter
        What varies.
    levels : int, optional
        Into how many values to cut a range that does not say so itself; 2, which are its ends,
        if not given.

    Returns
    -------
    Design
        To be drawn with `escalate.plots.tornado`. It cannot show how parameters work together.

    Raises
    ------
    EscalateError
        A parameter without range or choices.
    ScenarioError
        A path that leads nowhere.

    Examples
    --------
    >>> import escalate as esc
    >>> war = esc.load_scenario("two-equal-sides")
    >>> belts = [lever(f"sides.{side}.layers.point.channels", 4, 16, whole=True) for side in "AB"]
    >>> one_at_a_time(war, *belts).rows
    ((None, None), (4, None), (16, None), (None, 4), (None, 16))
    """
    named = _named(parameters)
    base = {one.name: scenario.value(one.path) for one in named if one.path}
    rows: list[tuple[Any, ...]] = [(None,) * len(named)]
    for i, one in enumerate(named):
        for value in one.values(2 if levels is None else levels):
            rows.append(tuple(value if i == j else None for j in range(len(named))))
    shown = {
        name: _label(value, name)
        for name, value in base.items()
        if isinstance(value, (str, bool, Rule)) or _is_number(value)
    }
    return Design("one_at_a_time", named, tuple(rows), {"base": shown})


def table(rows: Any, *parameters: Parameter, constraints: Iterable[Constraint] = ()) -> Design:
    """Take points from a table of one's own.

    Parameters
    ----------
    rows : DataFrame, iterable of mapping, or mapping of columns
        A row a point; its columns are names or paths of the parameters.
    *parameters : Parameter
        What varies; a range is not needed, but values must keep to one that is given.
    constraints : iterable of str or callable, optional
        As for `grid`.

    Returns
    -------
    Design

    Raises
    ------
    EscalateError
        A column too many or too few, a gap, or a value that is none of a parameter's.

    Examples
    --------
    >>> belt = lever("sides.A.layers.point.channels")
    >>> table([{"channels": 4}, {"channels": 16}], belt).rows
    ((4,), (16,))
    """
    import pandas as pd

    named = _named(parameters)
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    known = {label: one.name for one in named for label in (one.path or one.name, one.name)}
    for column in frame.columns:
        if column not in known and column != "point":
            raise EscalateError(f"unknown column {column!r}: {closest(str(column), known)}")
    frame = frame.rename(columns=known)
    # A store's own points.csv numbers them.
    frame = frame.drop(columns=["point"], errors="ignore")
    for one in named:
        if list(frame.columns).count(one.name) != 1:
            raise EscalateError(f"the table must have one column {one.name!r} for {one.path}")
    found = []
    for number, row in enumerate(frame[[one.name for one in named]].itertuples(index=False)):
        found.append(tuple(_fitting(v, one, number) for v, one in zip(row, named, strict=True)))
    return _constrained("table", named, found, constraints, {})


def _fitting(value: Any, parameter: Parameter, row: int) -> Any:
    """Give a table's value, if the parameter can take it."""
    import pandas as pd

    value = plain(value)
    place = f"row {row}, column {parameter.name}"
    if pd.api.types.is_scalar(value) and pd.isna(value):
        raise _wrong(place, "must have a value, but is empty,")
    if not isinstance(value, (str, bool)) and not _is_number(value):
        raise _wrong(place, f"must be a number or a word, but got {value!r}; give it by `choices`,")
    if _is_number(value) and not math.isfinite(value):
        raise _wrong(place, f"must be finite, but got {value!r}")
    if parameter.choices and value not in dict(parameter.choices):
        known = [label for label, _ in parameter.choices]
        raise _wrong(place, f"must be one of {known}, but got {value!r}")
    if parameter.free:
        # A table of floats turns whole numbers into floats, which a count does not take.
        return int(value) if isinstance(value, float) and value == int(value) else value
    if parameter.low is not None and parameter.high is not None:
        if not _is_number(value) or not parameter.low <= value <= parameter.high:
            claim = f"`{parameter.low!r} <= value <= {parameter.high!r}` must hold"
            raise _wrong(place, f"{claim}, but got {value!r}")
        if parameter.whole:
            if value != int(value):
                raise _wrong(place, f"must be a whole number, but got {value!r}")
            return int(value)
    return value


def _constrained(
    kind: str,
    parameters: tuple[Parameter, ...],
    rows: Iterable[tuple[Any, ...]],
    constraints: Iterable[Constraint],
    settings: dict[str, Any],
) -> Design:
    """Give the design of those rows at which all constraints hold."""
    single = isinstance(constraints, str) or callable(constraints)
    given: list[Any] = [constraints] if single else list(constraints)
    names = [one.name for one in parameters]
    checks = [_condition(one, names) for one in given]
    kept, dropped = [], 0
    for row in rows:
        values = dict(zip(names, row, strict=True))
        if all(check(values) for check in checks):
            kept.append(tuple(row))
        else:
            dropped += 1
    if checks:
        said = [c if isinstance(c, str) else getattr(c, "__name__", "function") for c in given]
        settings = {**settings, "constraints": said, "dropped": dropped}
        if not kept:
            raise EscalateError(f"none of {dropped} points meets the constraints {said}")
    return Design(kind, parameters, tuple(kept), settings)


_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Compare, ast.Eq, ast.NotEq, ast.Lt,
    ast.LtE, ast.Gt, ast.GtE, ast.Constant, ast.Name, ast.Load,
)  # fmt: skip


def _condition(constraint: Constraint, names: Sequence[str]) -> Callable[[dict[str, Any]], bool]:
    """Give a constraint as a function of the values by name."""
    if callable(constraint):
        return constraint

    class Numbered(ast.NodeTransformer):
        """Put a plain name for each parameter's, which may have dots in it."""

        def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
            return self.visit_Name(node)

        def visit_Name(self, node: Any) -> ast.AST:
            name = ast.unparse(node)
            if name not in names:
                raise EscalateError(
                    f"unknown parameter {name!r} in the constraint {constraint!r}: "
                    f"{closest(name, names)}"
                )
            return ast.Name(f"p{list(names).index(name)}", ast.Load())

    try:
        tree = ast.parse(constraint, mode="eval")
    except (SyntaxError, TypeError, ValueError, RecursionError) as error:
        raise EscalateError(
            f"a constraint must be a comparison of names without spaces, but got {constraint!r}"
        ) from error
    # A file may come from somebody else: nothing but comparisons and arithmetic is let through.
    tree = ast.fix_missing_locations(Numbered().visit(tree))
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise EscalateError(
                "a constraint may hold names, numbers, + - * / and comparisons, but got "
                f"{constraint!r}"
            )
    code = compile(tree, constraint, "eval")

    def holds(values: dict[str, Any]) -> bool:
        numbered = {f"p{i}": values[name] for i, name in enumerate(names)}
        try:
            found = eval(code, {"__builtins__": {}}, numbered)
        except (TypeError, ArithmeticError) as error:
            raise EscalateError(f"the constraint {constraint!r} fails: {error}") from error
        if not isinstance(found, bool):
            raise EscalateError(f"a constraint must hold or not, but {constraint!r} is {found!r}")
        return found

    return holds
