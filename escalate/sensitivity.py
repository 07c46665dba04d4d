"""Which parameters matter, how sure that is, and where in their space something happens.

Sobol indices and Morris' elementary effects by SALib [1]_, and scenario discovery by the
classification trees of scikit-learn [2]_; both come with ``escalate-sim[sensitivity]``. A number
that the runs do not bear out is not printed: it is NaN in `Indices.table`, with a note that says
why, and `Indices.verdict` says how many more runs it takes.

References
----------
.. [1] T. Iwanaga, W. Usher, J. Herman, "Toward SALib 2.0: Advancing the accessibility and
   interpretability of global sensitivity analyses", Socio-Environmental Systems Modelling
   4:18155, 2022.
.. [2] F. Pedregosa et al., "Scikit-learn: Machine Learning in Python", Journal of Machine
   Learning Research 12:2825-2830, 2011.
"""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.designs import Design, Parameter
from escalate.ensemble import SERIES
from escalate.errors import EscalateError, closest
from escalate.experiments import Sweep
from escalate.randomness import Seed

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = [
    "Box",
    "Discovery",
    "Indices",
    "discover",
    "morris",
    "morris_indices",
    "saltelli",
    "sobol_indices",
]

Array = np.ndarray[Any, Any]

_PARTS = 8  # scramblings of a Saltelli design; see benchmarks/sensitivity.txt
_LUCKS = 10  # into how many lots replications are put, at most
_NOISE = 0.5  # share of the variance between points up to which it can be taken out
_BEYOND = 0.999  # chance that an index without interactions is not said to have S1 above ST
_FOLDS, _CHECKED = 5, 1.0 / 3.0  # folds that choose a tree, share of points that check it


def _needed(module: str) -> Any:
    """Give a module of the extra, or say how to have it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise EscalateError(
            f"this needs {module.partition('.')[0]}: pip install 'escalate-sim[sensitivity]'"
        ) from error


def _whole(name: str, value: object, least: int) -> int:
    known = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not known or value < least:  # type: ignore[operator]
        raise EscalateError(f"`{name}` must be a whole number, {least} or more, but got {value!r}")
    return int(value)  # type: ignore[call-overload, no-any-return]


def _share(name: str, value: float) -> None:
    if not (isinstance(value, (float, np.floating)) and 0.0 < value < 1.0):
        raise EscalateError(f"`0 < {name} < 1` must hold, but got {value!r}")


def _generators(seed: Seed, number: int) -> list[np.random.Generator]:
    """Give generators that are independent; SALib would take the integer 0 for no seed at all."""
    sequence = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    return [np.random.default_rng(one) for one in sequence.spawn(number)]


def _seeded(seed: Seed) -> dict[str, Any]:
    return {"entropy": str(seed.entropy), "spawn_key": list(seed.spawn_key)}


# ---------------------------------------------------------------------------- designs
def saltelli(
    *parameters: Parameter,
    base: int = 1024,
    rng: object = None,
    second_order: bool = False,
    groups: str | Mapping[str, Iterable[str]] | None = None,
) -> Design:
    """Give the points from which `sobol_indices` works out Sobol indices.

    Parameters
    ----------
    *parameters : Parameter
        What varies, independently and evenly over the range or the choices of each. To study
        levers alone, or uncertainties alone, give only those; the others stay as the scenario
        has them.
    base : int, optional
        Blocks of points, a power of 2 and at least 16. A block has a point for each parameter
        and two more, or with `second_order` twice as many.
    rng : int, SeedSequence, Generator or None, optional
        Randomness of the points; it has nothing to do with that of the wars.
    second_order : bool, optional
        Whether pairs of parameters are to have indices as well.
    groups : str or mapping, optional
        Parameters to be moved together, and given one index: ``"role"`` for all levers against all
        uncertainties, or a mapping of the name of a group to those of its parameters, in which
        each is named once. This takes fewer points.

    Returns
    -------
    Design
        No constraint can be laid on it: the indices divide up the variance of an outcome over
        parameters that are independent, and points left out would make them dependent.

    Raises
    ------
    EscalateError
        A base that is no such power of 2, a parameter with neither range nor choices, groups that
        do not fit, or no SALib.

    Notes
    -----
    The base is made of 8 independent scramblings [1]_ of a Sobol sequence, each sampled by SALib as
    in [2]_. One scrambling of all blocks has smaller errors, but nothing in it says how small
    they are; the differences between eight do. See ``benchmarks/sensitivity.txt``.

    References
    ----------
    .. [1] A. B. Owen, "Scrambling Sobol' and Niederreiter-Xing points", Journal of Complexity
       14(4):466-489, 1998.
    .. [2] A. Saltelli et al., "Variance based sensitivity analysis of model output. Design and
       estimator for the total sensitivity index", Computer Physics Communications
       181(2):259-270, 2010.

    Examples
    --------
    >>> from escalate.designs import lever, uncertainty
    >>> belt = lever("sides.A.layers.point.channels", 4, 16, whole=True)
    >>> reply = uncertainty("sides.B.retaliations.answer.answers_mean", 0.5, 2.0)
    >>> len(saltelli(belt, reply, base=64, rng=1))
    256
    """
    base = _whole("base", base, 2 * _PARTS)
    if base & (base - 1):
        below = 1 << (base.bit_length() - 1)
        raise EscalateError(
            f"`base` must be a power of 2, such as {below} or {2 * below}, but got {base!r}"
        )
    named = Design("saltelli", parameters, ((None,) * len(parameters),)).parameters
    of = _groups(named, groups)
    problem: dict[str, Any] = {
        "num_vars": len(named), "names": [one.name for one in named],
        "bounds": [[0.0, 1.0]] * len(named),
    }  # fmt: skip
    if of is not None:
        problem["groups"] = [of[one.name] for one in named]
    sample = _needed("SALib.sample.sobol").sample
    seed = Seed.of(rng)
    parts = [
        sample(problem, base // _PARTS, calc_second_order=bool(second_order), seed=generator)
        for generator in _generators(seed, _PARTS)
    ]
    rows = tuple(
        tuple(one.at(float(u)) for one, u in zip(named, us, strict=True))
        for part in parts
        for us in part
    )
    settings = {"base": base, "second_order": bool(second_order), "parts": _PARTS, "groups": of}
    return Design("saltelli", named, rows, settings | _seeded(seed))


def _groups(
    named: Sequence[Parameter], groups: str | Mapping[str, Iterable[str]] | None
) -> dict[str, str] | None:
    """Give the group of each parameter."""
    if groups is None:
        return None
    if groups == "role":
        found = {one.name: one.role for one in named}
        if len(set(found.values())) < 2:
            raise EscalateError(
                "groups='role' needs both levers and uncertainties, but all parameters are "
                f"{named[0].role}s"
            )
        return found
    if not isinstance(groups, Mapping):
        raise EscalateError(
            f"`groups` must be 'role' or a mapping of group to parameters, but got {groups!r}"
        )
    known = [one.name for one in named]
    found = {}
    for group, members in groups.items():
        for name in [members] if isinstance(members, str) else members:
            if name not in known:
                raise EscalateError(f"unknown parameter {name!r}: {closest(str(name), known)}")
            if name in found:
                raise EscalateError(f"a parameter must be in one group, but {name!r} is in two")
            found[name] = str(group)
    for name in known:
        if name not in found:
            raise EscalateError(f"each parameter must be in a group, but {name!r} is in none")
    if len(set(found.values())) < 2:
        raise EscalateError(f"there must be two groups or more, but got {list(groups)}")
    return found


def morris(
    *parameters: Parameter,
    trajectories: int = 50,
    levels: int = 4,
    rng: object = None,
) -> Design:
    """Give the points from which `morris_indices` works out elementary effects.

    Parameters
    ----------
    *parameters : Parameter
        What varies, as for `saltelli`. Effects are of a step up, so choices must be in an order:
        numbers that rise, or two of any kind.
    trajectories : int, optional
        Walks through the space, each of which moves every parameter once.
    levels : int, optional
        Into how many values a range is cut, an even number; the nearest whole number or choice
        is taken where there is not one for each.
    rng : int, SeedSequence, Generator or None, optional
        Randomness of the walks.

    Returns
    -------
    Design
        Of ``trajectories * (parameters + 1)`` points, with no constraint, for a step must change
        one parameter and no other.

    Raises
    ------
    EscalateError
        A number that cannot be used, choices without an order, or no SALib.

    References
    ----------
    M. D. Morris, "Factorial sampling plans for preliminary computational experiments",
    Technometrics 33(2):161-174, 1991.

    Examples
    --------
    >>> from escalate.designs import lever
    >>> belts = [lever(f"sides.{s}.layers.point.channels", 4, 16, whole=True) for s in "AB"]
    >>> design = morris(*belts, trajectories=10, rng=1)
    >>> len(design), sorted({value for row in design.rows for value in row})
    (30, [4, 8, 12, 16])
    """
    trajectories = _whole("trajectories", trajectories, 2)
    if _whole("levels", levels, 2) % 2:
        raise EscalateError(f"`levels` must be even, but got {levels!r}")
    named = Design("morris", parameters, ((None,) * len(parameters),)).parameters
    for one in named:
        labels = [label for label, _ in one.choices]
        numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in labels)
        rising = numbers and all(a < b for a, b in itertools.pairwise(labels))
        if one.free or len(labels) == 1:
            raise EscalateError(f"`{one.name}` has neither a range nor choices to vary over")
        if len(labels) > 2 and not rising:
            raise EscalateError(
                f"choices must be numbers that rise, or two, for an effect to have a direction, "
                f"but `{one.name}` has {labels}; `saltelli` takes any"
            )
    problem = {
        "num_vars": len(named), "names": [one.name for one in named],
        "bounds": [[0.0, 1.0]] * len(named),
    }  # fmt: skip
    seed = Seed.of(rng)
    unit = _needed("SALib.sample.morris").sample(
        problem, trajectories, num_levels=int(levels), seed=_generators(seed, 1)[0]
    )
    rows = tuple(
        tuple(_level(one, float(u)) for one, u in zip(named, us, strict=True)) for us in unit
    )
    return Design(
        "morris", named, rows, {"trajectories": trajectories, "levels": int(levels)} | _seeded(seed)
    )


def _level(parameter: Parameter, u: float) -> Any:
    """Give the value nearest to a place, where `Parameter.at` gives all values the same room."""
    u = min(max(round(u, 12), 0.0), 1.0)  # sums of steps round
    if parameter.choices:
        return parameter.choices[math.floor(u * (len(parameter.choices) - 1) + 0.5)][0]
    if parameter.whole and parameter.low is not None and parameter.high is not None:
        return math.floor(parameter.low + u * (parameter.high - parameter.low) + 0.5)
    return parameter.at(u)


def _place(parameter: Parameter, value: Any) -> float:
    """Give where a value lies between the least, 0, and the largest, 1."""
    if parameter.choices:
        labels = [label for label, _ in parameter.choices]
        if len(labels) == 2:
            return float(labels.index(value))
        return float((value - labels[0]) / (labels[-1] - labels[0]))
    low, high = parameter.low, parameter.high
    assert low is not None and high is not None
    if parameter.log:
        return math.log(value / low) / math.log(high / low)
    return float((value - low) / (high - low))


# ---------------------------------------------------------------------------- indices
@dataclass(frozen=True, eq=False)
class Indices:
    """Sensitivity indices of outcomes of a sweep, with intervals, and what they are worth."""

    sweep: Sweep
    """What they were worked out from."""
    kind: str
    """``sobol`` or ``morris``."""
    level: float
    """Chance that an interval holds the index, for each by itself. [-]"""
    half_width: float
    """Widest half interval that counts as sure; for ``morris`` as a share of the largest mu*."""
    raw: pd.DataFrame
    """All numbers as they were worked out, whether or not they are to be trusted.

    Columns ``outcome``, ``parameter``, ``role``, ``index``, ``value``, ``low``, ``high``,
    ``trusted`` and ``note``.
    """
    verdicts: pd.DataFrame
    """A row an outcome: what is still missing.

    Columns ``converged``; ``base_times`` and ``replications_times``, so many times the blocks (or
    trajectories) and the replications it takes; ``noise_share``, the part of the variance between
    points that is Monte Carlo noise of their means; ``unusable``, blocks that lack a value; and
    ``words``.
    """

    @cached_property
    def table(self) -> pd.DataFrame:
        """The indices that are to be trusted; NaN, with a ``note`` why, where one is not.

        Columns as in `raw`, without ``trusted``. A value or an end beyond what an index can be is
        put at the bound.
        """
        return _printed(self.raw)

    @property
    def converged(self) -> bool:
        """Whether every index of every outcome that varies is sure enough."""
        return bool(self.verdicts["converged"].all())

    @property
    def verdict(self) -> str:
        """What the indices are worth, in plain words: a line an outcome."""
        many = len(self.verdicts)
        sure = int(self.verdicts["converged"].sum())
        head = "converged" if self.converged else f"not converged: {many - sure} of {many} outcomes"
        return "\n".join([head, *(f"{n}: {w}" for n, w in self.verdicts["words"].items())])

    def __str__(self) -> str:
        """Give the table and the verdict."""
        return f"{self.table.to_string(index=False)}\n{self.verdict}"

    def over_time(self, outcome: str, *, cumulative: bool = False) -> xr.Dataset:
        """Give the indices of a daily series, day by day.

        Parameters
        ----------
        outcome : str
            A series that the sweep kept, and its side, such as ``killed_per_day.UA``.
        cumulative : bool, optional
            Of what has come together since the start, instead of what each day brings.

        Returns
        -------
        Dataset
            ``value``, ``low`` and ``high``, NaN where not to be trusted; ``trusted``; and ``raw``,
            the values as they were worked out; all by ``index``, ``parameter`` and ``day``, with
            the role of each parameter.

        Raises
        ------
        EscalateError
            An outcome that is no daily series of the sweep.
        """
        import pandas as pd
        import xarray as xr

        if outcome.partition(".")[0] not in SERIES:
            known = [name for name in self.sweep.record["outcomes"] if name in SERIES]
            raise EscalateError(
                f"`outcome` must be a daily series that the sweep kept, but got {outcome!r}: "
                f"{closest(outcome, known)}"
            )
        scheme = _scheme(self.sweep.design)
        values = self.sweep._values(outcome)
        days = list(self.sweep.record["coordinates"]["day"])
        if cumulative:
            values = values.cumsum(axis=1, dtype=float)
        found = _judged(self.sweep, scheme, values, self.level, self.half_width)
        kept = [i for i, row in enumerate(scheme.rows) if row[2] != "S2"]
        names = list(dict.fromkeys(scheme.rows[i][0] for i in kept))
        kinds = list(dict.fromkeys(scheme.rows[i][2] for i in kept))
        frames = [
            _printed(pd.DataFrame({"index": [scheme.rows[i][2] for i in kept], **{
                name: [getattr(found, name)[i, day] for i in kept]
                for name in ("value", "low", "high", "trusted", "note")}}))
            for day in range(len(days))
        ]  # fmt: skip
        shape = (len(kinds), len(names), len(days))
        columns = {n: np.array([f[n] for f in frames], float).T for n in ("value", "low", "high")}
        columns |= {"trusted": found.trusted[kept], "raw": found.value[kept]}
        dims = ("index", "parameter", "day")
        return xr.Dataset(
            {name: (dims, block.reshape(shape)) for name, block in columns.items()},
            {
                "index": kinds, "parameter": names, "day": days,
                "role": ("parameter", [scheme.rows[i][1] for i in kept[: len(names)]]),
            },
            {"outcome": outcome, "cumulative": int(cumulative), "level": self.level},
        )  # fmt: skip


def _printed(raw: pd.DataFrame) -> pd.DataFrame:
    """Give what may be printed of a table."""
    table = raw.drop(columns="trusted")
    ends = ["value", "low", "high"]
    # A first-order or total index is a share, a mean of absolute values or a spread not below 0.
    shares = raw["index"].isin(["S1", "ST"])
    table.loc[shares, ends] = table.loc[shares, ends].clip(0.0, 1.0)
    positive = raw["index"].isin(["mu_star", "sigma"])
    table.loc[positive, ends] = table.loc[positive, ends].clip(lower=0.0)
    table.loc[~raw["trusted"], ends] = np.nan
    return table


def sobol_indices(
    sweep: Sweep,
    outcomes: str | Iterable[str] | None = None,
    *,
    level: float = 0.95,
    half_width: float = 0.05,
) -> Indices:
    """Divide the variance of outcomes up among the parameters.

    S1 is the share of the variance that would go if one knew the parameter, ST the share that
    would stay if one knew all the others; their difference is what it does together with others.
    S2, of a pair, is what these two do together beyond what each does alone.

    Parameters
    ----------
    sweep : Sweep
        Of a design of `saltelli`. Outcomes are means over the replications of each point.
    outcomes : str or iterable of str, optional
        Which of the sweep's columns; all if not given. For series see `Indices.over_time`.
    level : float, optional
        Chance that an interval holds its index. [-]
    half_width : float, optional
        Indices with a wider half interval are not trusted. [-]

    Returns
    -------
    Indices

    Raises
    ------
    EscalateError
        Another design, an unknown outcome or a series, or no SALib.

    Notes
    -----
    The estimators are those of SALib: Saltelli et al. 2010 for S1, Jansen for ST, Saltelli 2002 for
    S2. The interval is Student's, with the jackknife over the scramblings of the design for its
    variance. A bootstrap of the blocks, as SALib has it, takes them for independent, and its
    intervals come out too wide, often several times: ``benchmarks/sensitivity.txt``.

    Noise in the means makes S1 too small and ST too large by about its share of the variance,
    which falls with one over the replications; a jackknife over (at most ten lots of) them takes
    that out of the variances before they are divided. Where the points share their luck
    (``common=True`` of `sweep`), noise does not average out over them, and the variance by that
    same jackknife is added to that of the points.
    With ``common=False`` it is in that of the points already, and fewer wars do.

    An index is not trusted if its interval is wider than asked; if it lies below 0, or that of
    S1 above ST, as none can; if more than half of the variance is noise; or if a larger share of
    the blocks than `half_width` lacks a value.

    References
    ----------
    A. B. Owen, *Practical Quasi-Monte Carlo Integration*, 2023, chapter 17: randomised replicates.

    Examples
    --------
    >>> import escalate as esc
    >>> war = esc.load_scenario("two-equal-sides")
    >>> drone = esc.uncertainty("sides.A.weapons.drone.unit_cost_usd", 2e4, 5e4)
    >>> cruise = esc.uncertainty("sides.A.weapons.cruise.unit_cost_usd", 1e6, 1.1e6)
    >>> design = saltelli(drone, cruise, base=64, rng=1)
    >>> found = sobol_indices(esc.sweep(war, design, replications=3, rng=1), "cost_usd.A")
    >>> found.raw.set_index(["index", "parameter"])["value"].round(1).loc["S1"].to_dict()
    {'drone.unit_cost_usd': 0.7, 'cruise.unit_cost_usd': 0.3}
    """
    return _indices(sweep, "sobol", outcomes, level, half_width)


def morris_indices(
    sweep: Sweep,
    outcomes: str | Iterable[str] | None = None,
    *,
    level: float = 0.95,
    half_width: float = 0.2,
) -> Indices:
    """Screen parameters by what a step in each does, from all over the space.

    mu* is the mean size of the effect, in the outcome's unit over the parameter's whole range; mu
    its mean with the sign; sigma its spread, which is 0 for an effect that is the same everywhere
    and large for one that bends or depends on others.

    Parameters
    ----------
    sweep : Sweep
        Of a design of `morris`.
    outcomes, level
        As for `sobol_indices`.
    half_width : float, optional
        Indices with a wider half interval are not trusted, as a share of the largest mu* of the
        outcome. [-]

    Returns
    -------
    Indices

    Raises
    ------
    EscalateError
        As for `sobol_indices`.

    Notes
    -----
    An effect is the change of the outcome over that of the parameter's place in its range, as it
    was after rounding to whole numbers or choices, so that a straight line has the same effect
    everywhere. Intervals are made as for `sobol_indices`, from trajectories instead of
    scramblings; of mu* it is the Student interval of a mean.

    References
    ----------
    F. Campolongo, J. Cariboni, A. Saltelli, "An effective screening design for sensitivity
    analysis of large models", Environmental Modelling & Software 22(10):1509-1518, 2007.

    Examples
    --------
    >>> import escalate as esc
    >>> war = esc.load_scenario("two-equal-sides")
    >>> cruise = esc.uncertainty("sides.A.weapons.cruise.unit_cost_usd", 1e6, 2e6)
    >>> belt = esc.lever("sides.A.layers.point.channels", 8, 10, whole=True)
    >>> design = morris(cruise, belt, trajectories=10, rng=1)
    >>> found = morris_indices(esc.sweep(war, design, replications=4, rng=1), "cost_usd.A")
    >>> found.table.set_index(["index", "parameter"]).loc["mu_star", "note"].to_list()
    ['', '']
    """
    return _indices(sweep, "morris", outcomes, level, half_width)


_KINDS = {"sobol": "saltelli", "morris": "morris"}


def _indices(
    sweep: Sweep,
    kind: str,
    outcomes: str | Iterable[str] | None,
    level: float,
    half_width: float,
) -> Indices:
    import pandas as pd

    if not isinstance(sweep, Sweep):
        raise EscalateError(f"`sweep` must be a Sweep, but got {type(sweep).__name__}")
    _share("level", level)
    _share("half_width", half_width)
    design = sweep.design
    if design.kind != _KINDS[kind]:
        raise EscalateError(
            f"`{kind}_indices` needs a design of `{_KINDS[kind]}`, but the sweep's is {design.kind}"
        )
    given = [outcomes] if isinstance(outcomes, str) else list(outcomes or sweep.columns)
    for name in given:
        if name not in sweep.columns:
            series = str(name).partition(".")[0] in SERIES
            hint = "; for a series see `Indices.over_time`" if series else ""
            raise EscalateError(
                f"unknown outcome {name!r}: {closest(str(name), sweep.columns)}{hint}"
            )
    scheme = _scheme(design)
    frames, verdicts = [], []
    for name in dict.fromkeys(given):
        found = _judged(sweep, scheme, sweep._values(name)[:, None], level, half_width)
        frame = pd.DataFrame(scheme.rows, columns=["parameter", "role", "index"])
        frame.insert(0, "outcome", name)
        for column in ("value", "low", "high", "trusted", "note"):
            frame[column] = getattr(found, column)[:, 0]
        frames.append(frame)
        verdicts.append(_verdict(name, found, scheme, half_width))
    return Indices(
        sweep, kind, float(level), float(half_width), pd.concat(frames, ignore_index=True),
        pd.DataFrame(verdicts).set_index("outcome"),
    )  # fmt: skip


@dataclass(frozen=True)
class _Scheme:
    """How indices are worked out from the values at the points of a design."""

    rows: tuple[tuple[str, str, str], ...]
    """Parameter, role and index of each number."""
    step: int
    """Points in a block."""
    part: Array
    """Which independent part each block belongs to."""
    moments: Callable[[Array, Array], Array]
    """Gives what the numbers are made of, from values by (block, point, ...) and which blocks these
    are."""
    numbers: Callable[[Array], Array]
    """Gives the numbers from their moments."""
    word: str
    """What a block is called."""


def _scheme(design: Design) -> _Scheme:
    settings = design.settings
    if design.kind == "morris":
        names = [(one.name, one.role) for one in design.parameters]
        step = len(names) + 1
        places = np.array(
            [
                [_place(one, v) for one, v in zip(design.parameters, row, strict=True)]
                for row in design.rows
            ]
        ).reshape(-1, step, len(names))
        moved = np.diff(places, axis=1)
        which = np.abs(moved).argmax(axis=2)
        order = np.argsort(which, axis=1)  # the step at which each parameter moves
        size = np.take_along_axis(moved.sum(axis=2), order, axis=1)

        def effects(y: Array, blocks: Array) -> Array:
            change = np.diff(y, axis=1)
            shape = (*order[blocks].shape, *(1,) * (y.ndim - 2))
            own = np.take_along_axis(change, order[blocks].reshape(shape), axis=1)
            return _morris(own / size[blocks].reshape(shape))

        rows = tuple((*name, index) for index in ("mu_star", "mu", "sigma") for name in names)
        spreads = 2 * len(names)  # where sigma squared begins

        def rooted(moments: Array) -> Array:
            roots = np.sqrt(np.maximum(moments[spreads:], 0.0))
            return np.concatenate([moments[:spreads], roots])

        return _Scheme(rows, step, np.arange(len(places)), effects, rooted, "trajectories")
    groups = settings["groups"]
    names = [(one.name, one.role) for one in design.parameters]
    if groups:
        roles = {one.name: one.role for one in design.parameters}
        names = []
        for group in dict.fromkeys(groups[one.name] for one in design.parameters):
            own = {roles[name] for name, its in groups.items() if its == group}
            names.append((group, own.pop() if len(own) == 1 else "both"))
    second = bool(settings["second_order"])
    step = (2 if second else 1) * len(names) + 2
    rows = tuple((*name, index) for index in ("S1", "ST") for name in names)
    if second:
        rows += tuple(
            (f"{a[0]} and {b[0]}", a[1] if a[1] == b[1] else "both", "S2")
            for a, b in itertools.combinations(names, 2)
        )
    base, parts = int(settings["base"]), int(settings["parts"])
    _needed("SALib.analyze.sobol")
    return _Scheme(
        rows, step, np.arange(base) // (base // parts),
        lambda y, blocks: _sobol(y, len(names), second), _ratios, "base samples",
    )  # fmt: skip


def _sobol(y: Array, number: int, second: bool) -> Array:
    """Give the variance S1 of each parameter stands for, then ST, then S2 of each pair, then all.

    The estimators are SALib's; times the variance, for noise to be taken out of both.

    Parameters
    ----------
    y : ndarray, shape (blocks, points of a block, ...)
        Outcomes.
    number : int
        Parameters.
    second : bool
        Whether a block has the points for pairs.
    """
    salib = _needed("SALib.analyze.sobol")
    spread = y.std(axis=(0, 1))
    y = (y - y.mean(axis=(0, 1))) / np.where(spread > 0.0, spread, 1.0)
    a, b = y[:, 0], y[:, -1]
    variance = np.concatenate([a, b]).var(axis=0)
    if not variance.max() > 1e-15:  # SALib would warn
        return np.zeros((2 * number + second * math.comb(number, 2) + 1, *y.shape[2:]))
    ab = [y[:, 1 + j] for j in range(number)]
    found = [salib.first_order(a, one, b) for one in ab]
    found += [salib.total_order(a, one, b) for one in ab]
    if second:
        ba = [y[:, 1 + number + j] for j in range(number)]
        for j, k in itertools.combinations(range(number), 2):
            found.append(salib.second_order(a, ab[j], ab[k], ba[j], b))
    moments: Array = np.array([*found, np.ones_like(variance)]) * variance * spread**2
    return moments


def _ratios(moments: Array) -> Array:
    """Give shares of the variance, which comes last."""
    whole = moments[-1]
    return np.where(whole > 0.0, moments[:-1] / np.where(whole > 0.0, whole, 1.0), 0.0)


def _morris(effects: Array) -> Array:
    """Give mu* of each parameter, then mu, then sigma squared, from effects by trajectory."""
    spread = effects.var(axis=0, ddof=1) if len(effects) > 1 else np.full_like(effects[0], np.nan)
    return np.concatenate([np.abs(effects).mean(axis=0), effects.mean(axis=0), spread])


@dataclass(frozen=True)
class _Judged:
    """Numbers with intervals, of each index (rows) and day, or whatever else columns are."""

    value: Array
    low: Array
    high: Array
    trusted: Array
    note: Array
    design: Array
    """Half width that comes of the choice of points."""
    luck: Array
    """Half width that comes of luck the points share."""
    asked: Array
    """Half width asked for, of each column."""
    noise: Array
    """Share of noise, of each column; NaN if it is not known."""
    constant: Array
    """Whether nothing varies, of each column."""
    unusable: Array
    """Blocks that lack a value, of each column."""
    usable: Array
    """Blocks with a value, of each column."""


def _judged(
    sweep: Sweep, scheme: _Scheme, values: Array, level: float, half_width: float
) -> _Judged:
    """Work indices out from values by (row of the sweep, day), and say what they are worth."""
    rows = sweep._rows
    lots = _lots(rows["point"], rows["replication"], values, len(sweep.design))
    shared = bool(sweep.record["common"])
    wanting = np.isnan(_mean(lots)).reshape(-1, scheme.step, values.shape[1]).any(axis=1)
    shape = (len(scheme.rows), values.shape[1])
    found: dict[str, Array] = {
        name: np.full(shape, np.nan) for name in ("value", "design", "luck", "crossed")
    }
    noise, constant = np.full(shape[1], np.nan), np.zeros(shape[1], bool)
    # Columns that lack the same blocks are worked out together.
    patterns, which = np.unique(wanting, axis=1, return_inverse=True)
    for i, lacking in enumerate(patterns.T):
        columns, blocks = np.flatnonzero(which == i), np.flatnonzero(~lacking)
        if len(np.unique(scheme.part[blocks])) < 2:
            continue
        own = (lots[0][..., columns], lots[1][..., columns])
        for name, block in _spread(scheme, own, blocks, level, shared).items():
            found[name][:, columns] = block
        points = (scheme.step * blocks[:, None] + np.arange(scheme.step)).ravel()
        means = _mean(own)[points]
        constant[columns] = np.ptp(means, axis=0) <= 1e-12 * np.abs(means).max(axis=0)
        noise[columns] = _noise((own[0][points], own[1][points]), shared)
    value, half = found["value"], np.hypot(found["design"], found["luck"])
    largest = np.nanmax(np.abs(value), axis=0, initial=0.0)
    asked = half_width * (largest if scheme.word == "trajectories" else np.ones(shape[1]))
    unusable: Array = wanting.sum(axis=0)
    blocks_in_all = len(scheme.part)
    lost: Array = unusable / blocks_in_all
    reasons = [
        (np.isnan(value), "too few blocks have a value"),
        (constant[None, :], "the outcome is the same at all points"),
        ((lost > half_width)[None, :], "too many blocks lack a value"),
        (np.isnan(noise)[None, :], "noise is not known from one replication"),
        ((noise > _NOISE)[None, :], "more noise than signal"),
        (_capped(scheme, value + half < 0.0), "below 0, beyond chance"),
        (found["crossed"] > 0.0, "S1 above ST, beyond chance"),
        (half > asked * (1.0 + 1e-9), "interval too wide"),
    ]
    note = np.full(shape, "", dtype=object)
    trusted = np.ones(shape, bool)
    for wrong, words in reasons[::-1]:
        note[np.broadcast_to(wrong, shape)] = words
        trusted &= ~np.broadcast_to(wrong, shape)
    note[trusted & _capped(scheme, value < 0.0)] = "estimate below 0, taken for 0"
    return _Judged(
        value, value - half, value + half, trusted, note, found["design"], found["luck"], asked,
        noise, constant, unusable, blocks_in_all - unusable,
    )  # fmt: skip


def _capped(scheme: _Scheme, holds: Array) -> Array:
    """Keep what holds of indices that cannot be below 0."""
    positive = [index in ("S1", "ST", "mu_star", "sigma") for _, _, index in scheme.rows]
    kept: Array = holds & np.array(positive)[:, None]
    return kept


def _lots(point: Array, replication: Array, values: Array, points: int) -> tuple[Array, Array]:
    """Give sums and numbers of values by (point, lot of replications, column)."""
    most = int(np.bincount(point, minlength=points)[np.unique(point)].min())
    number = max(min(most, _LUCKS), 1)
    place = point.astype(np.int64) * number + replication % number
    sums = np.zeros((points * number, values.shape[1]))
    counts = np.zeros_like(sums)
    known = ~np.isnan(values)
    np.add.at(sums, place, np.where(known, values, 0.0))
    np.add.at(counts, place, known)
    shape = (points, number, values.shape[1])
    return sums.reshape(shape), counts.reshape(shape)


def _mean(lots: tuple[Array, Array], without: int | None = None) -> Array:
    """Give the mean at each point, perhaps without one lot of replications."""
    sums, counts = (block.sum(axis=1) for block in lots)
    if without is not None:
        sums, counts = sums - lots[0][:, without], counts - lots[1][:, without]
    with np.errstate(invalid="ignore"):
        mean: Array = sums / counts
    return mean


def _noise(lots: tuple[Array, Array], shared: bool) -> Array:
    """Give the share of the variance between points that is noise of their means."""
    number = lots[0].shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        own = lots[0] / lots[1]
        if number < 2:
            return np.full(own.shape[2], np.nan)
        apart = own - np.nanmean(own, axis=1, keepdims=True)
        if shared:  # what all points gain alike by the luck they share moves no index
            apart -= np.nanmean(apart, axis=0, keepdims=True)
        free = np.maximum((~np.isnan(apart)).sum(axis=(0, 1)) * (1.0 - 1.0 / number), 1.0)
        variance = np.nansum(apart**2, axis=(0, 1)) / free / number
        total = np.var(_mean(lots), axis=0, ddof=1)
        share = np.where(total > 0.0, variance / np.where(total > 0.0, total, 1.0), 0.0)
    return np.minimum(share, 1.0)


def _spread(
    scheme: _Scheme, lots: tuple[Array, Array], blocks: Array, level: float, shared: bool
) -> dict[str, Array]:
    """Give values, half widths from points and from luck, and by how far S1 is above ST."""
    number = lots[0].shape[1]
    means = [_mean(lots), *(_mean(lots, k) for k in range(number if number > 1 else 0))]
    whole, *fewer = (mean.reshape(-1, scheme.step, mean.shape[1]) for mean in means)

    def estimate(kept: Array) -> Array:
        """Give the numbers without the noise in their moments, which goes with one over r."""
        found = scheme.moments(whole[kept], kept)
        if fewer:
            less = np.mean([scheme.moments(y[kept], kept) for y in fewer], axis=0)
            # Where a lot is all that a point has, nobody knows what the others would have given.
            bias = (number - 1) * np.nan_to_num(less - found)
            found = found - np.where(np.abs(bias) > 1e-9 * np.abs(found), bias, 0.0)
        return scheme.numbers(found)

    value = estimate(blocks)
    part = scheme.part[blocks]
    thetas = [np.array([estimate(blocks[part != k]) for k in np.unique(part)])]
    if shared and fewer:
        thetas.append(np.array([scheme.numbers(scheme.moments(y[blocks], blocks)) for y in fewer]))
    halves = [_jackknife(theta, level) for theta in thetas]
    luck = np.nan_to_num(halves[1], nan=np.inf) if len(halves) > 1 else np.zeros_like(value)
    crossed = np.zeros_like(value)
    names = [(parameter, index) for parameter, _, index in scheme.rows]
    for i, (parameter, index) in enumerate(names):
        if index == "S1":
            j = names.index((parameter, "ST"))
            over = [_jackknife(theta[:, i] - theta[:, j], _BEYOND) for theta in thetas]
            crossed[[i, j]] = value[i] - value[j] - np.sqrt(sum(one**2 for one in over))
    return {"value": value, "design": halves[0], "luck": luck, "crossed": crossed}


def _jackknife(theta: Array, level: float) -> Array:
    """Give the half width of Student's interval from estimates that each leave one part out."""
    from scipy import special

    number = len(theta)
    apart = theta - theta.mean(axis=0)
    deviation = np.sqrt((number - 1) / number * (apart**2).sum(axis=0))
    half: Array = float(special.stdtrit(number - 1, (1.0 + level) / 2.0)) * deviation
    return half


def _verdict(name: str, found: _Judged, scheme: _Scheme, half_width: float) -> dict[str, Any]:
    """Say of one outcome whether it has converged, and what is missing."""
    noise, usable, unusable = (
        float(found.noise[0]), int(found.usable[0]), int(found.unusable[0])
    )  # fmt: skip
    row: dict[str, Any] = {
        "outcome": name, "converged": False, "base_times": math.nan,
        "replications_times": math.nan, "noise_share": noise, "unusable": unusable,
    }  # fmt: skip
    blocks = len(scheme.part)
    lost = ""
    if unusable:
        lost = (
            f"; {unusable} of {blocks} blocks are unusable, as a point failed or has no value: the "
            "indices are those of the rest"
        )
    if found.constant[0]:
        return row | {"converged": True, "words": "the same at all points, so nothing matters"}
    if np.isnan(found.value).all():
        return row | {"words": f"unusable: {unusable} of {blocks} blocks lack a value"}
    asked, said = float(found.asked[0]), []
    luck = np.minimum(found.luck[:, 0] / asked, 1e6)
    # Either kind of width may take up what the other leaves, but luck no more than half of it.
    lucks = float(np.max(luck**2)) * 2.0 if np.max(luck) > math.sqrt(0.5) else 1.0
    left = 1.0 - np.minimum(luck**2, 0.5)
    base = float(np.max(np.minimum(found.design[:, 0] / asked, 1e6) ** 2 / left))
    total = np.hypot(found.design[:, 0], found.luck[:, 0])
    widest = int(np.argmax(total))
    if noise > _NOISE:
        lucks = max(lucks, noise / max(1.0 - noise, 1e-6) * (1.0 - _NOISE) / _NOISE)
    too_wide = bool(total[widest] > asked * (1.0 + 1e-9))
    row["base_times"] = max(base, 1.0) if too_wide else 1.0
    if noise > _NOISE:
        row["base_times"] = math.nan
    row["replications_times"] = lucks if too_wide or noise > _NOISE else 1.0
    if too_wide:
        parameter, _, index = scheme.rows[widest]
        words = f"{index} of {parameter} is known to within {_figure(total[widest])}"
        words += f" and not {_figure(asked)}"
        if base > 1.0 and not noise > _NOISE:  # what noise drowns says nothing of the points
            more = blocks * base
            if scheme.word == "base samples":  # which come in powers of 2
                more = 2.0 ** math.ceil(math.log2(more) - 1e-9)
            words += (
                f"; it takes about {math.ceil(more - blocks):,} more {scheme.word} "
                f"({math.ceil(more):,} in all, {_times(more / blocks)} times as many)"
            )
        said.append(words)
    if math.isnan(noise):
        said.append("with one replication at some point nobody knows how much is noise; fight two")
    elif row["replications_times"] > 1.0:
        cause = f"{noise:.0%} of the variance between points is noise"
        said.append(f"{cause}; it takes about {math.ceil(lucks):,} times the replications")
    below = [f"{i} of {p}" for (p, _, i), n in zip(scheme.rows, found.note[:, 0], strict=True)
             if n == "below 0, beyond chance"]  # fmt: skip
    if below:
        said.append(f"below 0, which none can be: {', '.join(below)}")
    over = [p for (p, _, i), n in zip(scheme.rows, found.note[:, 0], strict=True)
            if n == "S1 above ST, beyond chance" and i == "S1"]  # fmt: skip
    if over:
        said.append(f"S1 above ST, which it cannot be: {', '.join(over)}")
    if unusable > half_width * blocks:
        said.append("too many blocks lack a value")
    row["converged"] = not said
    if said:
        return row | {"words": f"not converged: {'; '.join(said)}{lost}"}
    words = f"converged: every index is known to within {_figure(total[widest])}"
    return row | {"words": f"{words}, from {usable:,} {scheme.word}{lost}"}


def _times(value: float) -> str:
    return f"{value:,.0f}" if value >= 10.0 else f"{value:.2g}"


def _figure(value: float) -> str:
    return f"{value:,.2f}" if 0.1 <= abs(value) < 1e6 else f"{value:.2g}"


# ---------------------------------------------------------------------------- discovery
@dataclass(frozen=True)
class Box:
    """A part of the space in which something mostly happens."""

    ranges: Mapping[str, tuple[float, float]]
    """Least and largest value of the parameters that are bounded; infinite where open."""
    choices: Mapping[str, tuple[Any, ...]]
    """Labels that are left of the parameters whose choices have no order."""
    coverage: float
    """Share of all cases that lie in the box, among the points kept for the check. [-]"""
    density: float
    """Share of its points that are cases, among the same. [-]"""
    low: float
    """Lower end of the interval of the density (Clopper and Pearson). [-]"""
    high: float
    """Upper end. [-]"""
    size: float
    """Share of the points that lie in it, among the same. [-]"""
    made_density: float
    """Density among the points that the box was made from, which flatters it. [-]"""
    whole: tuple[str, ...] = ()
    """Parameters that take whole numbers only."""

    def holds(self, design: Design) -> Array:
        """Say which points of a design lie in the box.

        Parameters
        ----------
        design : Design
            With the parameters that are bounded.

        Returns
        -------
        ndarray of bool, shape (points,)
        """
        inside = np.ones(len(design), bool)
        for name, (low, high) in self.ranges.items():
            values = np.array([row[design.names.index(name)] for row in design.rows], float)
            inside &= (low < values) & (values <= high)
        for name, labels in self.choices.items():
            place = design.names.index(name)
            inside &= np.array([row[place] in labels for row in design.rows])
        return inside

    def __str__(self) -> str:
        """Give the bounds, as in ``answers_mean > 1.8 and channels <= 9``."""
        words = []
        for name, (low, high) in self.ranges.items():
            if name in self.whole:
                low, high = math.floor(low) if low > -math.inf else low, high
                high = math.floor(high) if high < math.inf else high
            if low == -math.inf:
                words.append(f"{name} <= {_short(high)}")
            elif high == math.inf:
                words.append(f"{name} > {_short(low)}")
            else:
                words.append(f"{_short(low)} < {name} <= {_short(high)}")
        for name, labels in self.choices.items():
            words.append(f"{name} is {' or '.join(map(str, labels))}")
        return " and ".join(words) or "everywhere"


def _short(value: float) -> str:
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e6 else f"{value:.3g}"


@dataclass(frozen=True, eq=False)
class Discovery:
    """In which part of the space something happens."""

    event: str
    """What is looked for."""
    happens: Array
    """Whether it does at each point; NaN where the outcome has no value."""
    boxes: tuple[Box, ...]
    """Where it mostly does, the box with the largest coverage first."""
    coverage: float
    """Share of all cases in any of the boxes, among the points kept for the check. [-]"""
    density: float
    """Share of points in any of the boxes that are cases, among the same. [-]"""
    checked: Array
    """Which points were kept for the check, and had no part in making the boxes."""

    @property
    def cases(self) -> int:
        """At how many points it happens."""
        return int(np.nansum(self.happens))

    @property
    def table(self) -> pd.DataFrame:
        """A row a box: ``box`` in words and its numbers."""
        import pandas as pd

        names = ("coverage", "density", "low", "high", "size", "made_density")
        return pd.DataFrame(
            [{"box": str(box), **{name: getattr(box, name) for name in names}}
             for box in self.boxes],
            columns=["box", *names],
        )  # fmt: skip

    def __str__(self) -> str:
        """Say it in a sentence a box."""
        known = int((~np.isnan(self.happens)).sum())
        lines = [f"{self.event} at {self.cases:,} of {known:,} points"]
        if len(self.happens) > known:
            lines[0] += f" ({len(self.happens) - known:,} more have no value)"
        for box in self.boxes:
            lines.append(
                f"where {box}: {box.coverage:.0%} of the cases, density {box.density:.2f} "
                f"({box.low:.2f} to {box.high:.2f}), {box.size:.0%} of the points"
            )
        if not self.boxes:
            always, never = self.cases == known, self.cases == 0
            words = "everywhere" if always else "nowhere" if never else "in no box that was found"
            lines.append(f"it happens {words}")
        elif len(self.boxes) > 1:
            lines.append(f"together: {self.coverage:.0%} of the cases, density {self.density:.2f}")
        if self.boxes:
            lines.append(
                f"checked on {int(self.checked.sum()):,} points that had no part in making the "
                "boxes"
            )
        return "\n".join(lines)


def discover(
    sweep: Sweep,
    outcome: str | Callable[[Sweep], Any],
    *,
    above: float | None = None,
    below: float | None = None,
    max_boxes: int = 4,
    least_size: float = 0.03,
    least_density: float = 0.5,
    rng: object = None,
) -> Discovery:
    """Find in which part of the space something happens, as boxes of parameters.

    Parameters
    ----------
    sweep : Sweep
        Of any design with points all over the space, best of `designs.latin_hypercube` or
        `designs.sobol` with some hundreds of them.
    outcome : str or callable
        One of the sweep's columns, taken as its mean at each point; or a function of the sweep
        that gives a number, or yes and no, for each point.
    above, below : float, optional
        It happens where the outcome is above the one and below the other; a function that says
        yes and no needs neither.
    max_boxes : int, optional
        The tree has at most twice as many leaves.
    least_size : float, optional
        Share of the points that a leaf of the tree holds at least. [-]
    least_density : float, optional
        Share of the points in a box at which it happens at least, among those that it was made
        from. [-]
    rng : int, SeedSequence, Generator or None, optional
        Which points make the boxes and which check them.

    Returns
    -------
    Discovery

    Raises
    ------
    EscalateError
        An unknown outcome or none that varies over the points by yes and no, a number that cannot
        be used, a design that leaves parameters as they are, too few points, or no scikit-learn.

    Notes
    -----
    CART [1]_ in the role that [2]_ and [3]_ compare with PRIM. Two thirds of the points grow a
    classification tree; its number of leaves is the smallest whose squared error, in five-fold
    cross-validation, is within a standard error of the best. Leaves dense enough are boxes, and
    two that share a parent are one. The remaining third gives coverage and density, so that these
    are not flattered by the search. Points of one block of a Saltelli or Morris design, which
    share most of their values, stay together.

    References
    ----------
    .. [1] L. Breiman, J. H. Friedman, R. A. Olshen, C. J. Stone, *Classification and Regression
       Trees*, Wadsworth 1984.
    .. [2] R. J. Lempert, B. P. Bryant, S. C. Bankes, "Comparing algorithms for scenario discovery",
       RAND WR-557-NSF, 2008.
    .. [3] B. P. Bryant, R. J. Lempert, "Thinking inside the box: a participatory,
       computer-assisted approach to scenario discovery", Technological Forecasting and Social
       Change 77(1):34-49, 2010.

    Examples
    --------
    >>> import escalate as esc
    >>> answers = "sides.{}.retaliations.answer.answers_mean"
    >>> a, b = (esc.uncertainty(answers.format(s), 0.2, 3.0, name=s) for s in "AB")
    >>> design = esc.designs.sobol(a, b, points=64, rng=1)
    >>> table = esc.sweep(
    ...     esc.load_scenario("two-equal-sides"), design, replications=5, rng=1, outcomes="answers"
    ... )
    >>> len(discover(table, "answers.A", above=20.0, rng=1).boxes) > 0
    True
    """
    if not isinstance(sweep, Sweep):
        raise EscalateError(f"`sweep` must be a Sweep, but got {type(sweep).__name__}")
    max_boxes = _whole("max_boxes", max_boxes, 1)
    _share("least_size", least_size)
    _share("least_density", least_density)
    happens, event = _happens(sweep, outcome, above, below)
    design = sweep.design
    if any(value is None for row in design.rows for value in row):
        raise EscalateError(
            f"`discover` needs a value of every parameter at every point, but a design of "
            f"{design.kind} leaves some as they are"
        )
    tree = _needed("sklearn.tree").DecisionTreeClassifier
    block = np.arange(len(design))
    if design.kind in ("saltelli", "morris"):
        block //= _scheme(design).step
    known: Array = ~np.isnan(happens)
    draw = _generators(Seed.of(rng), 1)[0]
    blocks = draw.permutation(np.unique(block[known]))
    cut = round(_CHECKED * len(blocks))
    checked = known & np.isin(block, blocks[:cut])
    made = known & ~checked
    none = Discovery(event, happens, (), math.nan, math.nan, checked)
    if known.any() and len(np.unique(happens[known])) < 2:
        return none
    if len(blocks) < 9 * _FOLDS:
        raise EscalateError(
            f"there must be {9 * _FOLDS} points (or blocks of a Saltelli or Morris design) with a "
            f"value, but there are {len(blocks)}"
        )
    features = _features(design)
    x = np.column_stack([feature.values for feature in features])
    y = happens == 1.0
    place = np.zeros(block.max() + 1, int)
    place[blocks] = np.arange(len(blocks))  # in the order in which they were drawn
    fold = place[block] % _FOLDS

    def grown(rows: Array, leaves: int) -> Any:
        least = max(math.ceil(least_size * rows.sum()), 1)
        how = {"max_leaf_nodes": leaves, "min_samples_leaf": least, "random_state": 0}
        return tree(**how).fit(x[rows], y[rows].astype(float))

    errors: list[tuple[float, float, int]] = []
    number = np.bincount(block[made])
    for leaves in range(2, 2 * max_boxes + 1):
        wrong = np.zeros(len(design))
        for k in range(_FOLDS):
            own, out = grown(made & (fold != k), leaves), made & (fold == k)
            chances = own.predict_proba(x[out]) @ (own.classes_ == 1.0)
            wrong[out] = (chances - y[out]) ** 2
        mean = float(wrong[made].mean())
        of_block = np.bincount(block[made], wrong[made] - mean)[number > 0]
        sem = math.sqrt(len(of_block) * of_block.var(ddof=1)) / made.sum()
        errors.append((mean, sem, leaves))
    best = min(errors)
    leaves = next(n for error, _, n in errors if error <= best[0] + best[1])
    found = _boxes(grown(made, leaves), features, x[made], y[made], least_density)
    boxes = [_measured(one, features, x, y, made, checked) for one in found]
    boxes = sorted(boxes, key=lambda one: -one.coverage)
    inside = np.zeros(len(design), bool)
    for box in boxes:
        inside |= box.holds(design)
    return Discovery(
        event, happens, tuple(boxes), _ratio(y & inside & checked, y & checked),
        _ratio(y & inside & checked, inside & checked), checked,
    )  # fmt: skip


def _ratio(part: Array, whole: Array) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else math.nan


def _happens(
    sweep: Sweep,
    outcome: str | Callable[[Sweep], Any],
    above: float | None,
    below: float | None,
) -> tuple[Array, str]:
    """Give whether it happens at each point, NaN where nobody knows, and what it is called."""
    if callable(outcome):
        name = getattr(outcome, "__name__", "outcome")
        given = np.asarray(outcome(sweep))
        if given.shape != (len(sweep.design),):
            raise EscalateError(
                f"`outcome` must give an array of shape ({len(sweep.design)},), a number or yes "
                f"and no for each point, but it has {given.shape}"
            )
        values = given.astype(float)
        plain = given.dtype == bool
    else:
        if outcome not in sweep.columns:
            raise EscalateError(
                f"unknown outcome {outcome!r}: {closest(str(outcome), sweep.columns)}"
            )
        name, values, plain = outcome, sweep.mean(outcome), False
    for limit in (above, below):
        if limit is not None and not (isinstance(limit, (int, float)) and math.isfinite(limit)):
            raise EscalateError(f"`above` and `below` must be finite numbers, but got {limit!r}")
    if plain:
        if above is not None or below is not None:
            raise EscalateError("an outcome that says yes and no takes no `above` and `below`")
        return values, name
    if above is None and below is None:
        raise EscalateError("`above`, `below` or both must be given")
    if above is not None and below is not None and above >= below:
        raise EscalateError(f"`above < below` must hold, but got {above!r} and {below!r}")
    holds = np.ones(len(values), bool)
    if above is not None:
        holds &= values > above
    if below is not None:
        holds &= values < below
    words = [f"> {above:g}"] if above is not None else []
    words += [f"< {below:g}"] if below is not None else []
    return np.where(np.isnan(values), np.nan, holds), f"{name} {' and '.join(words)}"


@dataclass(frozen=True)
class _Feature:
    """A column that a tree splits: a parameter, or whether it takes one of its choices."""

    parameter: Parameter
    label: Any
    """The choice; None of a parameter with an order."""
    values: Array


def _features(design: Design) -> list[_Feature]:
    found = []
    for i, one in enumerate(design.parameters):
        values = [row[i] for row in design.rows]
        labels = [label for label, _ in one.choices] or sorted(set(map(str, values)))
        numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
        if numbers:
            column = np.array(values, float)
            # Half-way in the logarithm is the better place to cut a range that is spread so.
            found.append(_Feature(one, None, np.log(column) if one.log else column))
        elif one.choices:
            found += [_Feature(one, label, np.array([v == label for v in values], float))
                      for label in labels]  # fmt: skip
        else:
            raise EscalateError(f"`{one.name}` takes values of which some are no numbers")
    return found


def _boxes(
    tree: Any, features: Sequence[_Feature], x: Array, y: Array, least_density: float
) -> list[dict[int, tuple[float, float]]]:
    """Give the leaves that are dense enough, by feature; two that share a parent are one."""
    t = tree.tree_

    def walk(node: int, rows: Array, limits: dict[int, tuple[float, float]]) -> Any:
        """Give whether all below is dense, and the boxes below."""
        if t.children_left[node] < 0:
            dense = bool(rows.any() and y[rows].mean() >= least_density)
            return dense, [limits] if dense else []
        place, at = int(t.feature[node]), float(t.threshold[node])
        low, high = limits.get(place, (-math.inf, math.inf))
        left = x[:, place].astype(np.float32) <= at
        below = walk(t.children_left[node], rows & left, limits | {place: (low, min(high, at))})
        over = walk(t.children_right[node], rows & ~left, limits | {place: (max(low, at), high)})
        if below[0] and over[0]:
            return True, [limits]
        return False, below[1] + over[1]

    found: list[dict[int, tuple[float, float]]] = walk(0, np.ones(len(x), bool), {})[1]
    return found


def _measured(
    limits: Mapping[int, tuple[float, float]], features: Sequence[_Feature], x: Array, y: Array,
    made: Array, checked: Array,
) -> Box:  # fmt: skip
    """Give a box with its numbers."""
    from scipy import special

    inside = np.ones(len(x), bool)
    ranges: dict[str, tuple[float, float]] = {}
    left: dict[str, set[Any]] = {}
    for place, (low, high) in limits.items():
        feature = features[place]
        inside &= (low < x[:, place]) & (x[:, place] <= high)
        one = feature.parameter
        if feature.label is None:
            ranges[one.name] = (math.exp(low), math.exp(high)) if one.log else (low, high)
        else:
            labels = left.setdefault(one.name, {label for label, _ in one.choices})
            left[one.name] = labels & {feature.label} if low > 0.0 else labels - {feature.label}
    cases, number = int((y & inside & checked).sum()), int((inside & checked).sum())
    low = float(special.betaincinv(cases, number - cases + 1, 0.025)) if cases else 0.0
    high = float(special.betaincinv(cases + 1, number - cases, 0.975)) if cases < number else 1.0
    parameters = {feature.parameter.name: feature.parameter for feature in features}
    choices = {
        name: tuple(label for label, _ in parameters[name].choices if label in labels)
        for name, labels in left.items()
    }
    whole = tuple(
        name for name in ranges
        if parameters[name].whole or (all(isinstance(v, int) for v, _ in parameters[name].choices)
        and parameters[name].choices)
    )  # fmt: skip
    return Box(
        ranges, choices, _ratio(y & inside & checked, y & checked),
        _ratio(y & inside & checked, inside & checked), low, high,
        _ratio(inside & checked, checked), _ratio(y & inside & made, inside & made), whole,
    )  # fmt: skip
