"""Tournaments of retaliation rules, fought as wars: every rule meets every other and itself.

In the manner of Axelrod [1]_, but a move is a strike of the compiled engine, and what comes of it
is not one payoff: harm suffered, harm done, cost and duration are kept apart until the user says
how much each of them weighs. All matches use the same random numbers, so what differs between two
of them differs because of the rules.

References
----------
.. [1] R. Axelrod, *The Evolution of Cooperation*, Basic Books, 1984.
.. [2] J. Wu, R. Axelrod, "How to cope with noise in the iterated prisoner's dilemma", Journal of
   Conflict Resolution 39(1):183-189, 1995.
.. [3] D. Ashlock, E.-Y. Kim, "Fingerprinting: visualization and automatic analysis of prisoner's
   dilemma strategies", IEEE Transactions on Evolutionary Computation 12(5):647-659, 2008.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from escalate.ensemble import simulate_many
from escalate.errors import EscalateError, closest
from escalate.evolution import MOST, RestPoint, replicator, rest_points
from escalate.randomness import Seed
from escalate.results import Run, versions
from escalate.rules import Rule
from escalate.scenario import (
    Layer,
    OrderedStrike,
    Plan,
    Region,
    Retaliation,
    Scenario,
    Side,
    Target,
    Weapon,
)
from escalate.simulation import simulate
from escalate.theory._check import Floats, vector, within

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = [
    "NOISE",
    "OUTCOMES",
    "Evolution",
    "Tournament",
    "arena",
    "fingerprint",
    "tournament",
]

Noise: TypeAlias = "float | Sequence[float] | Mapping[str, float | Sequence[float]] | None"
Weights: TypeAlias = "str | Mapping[str, float]"

OUTCOMES: dict[str, str] = {
    "killed_suffered": "people", "killed_done": "people",
    "injured_suffered": "people", "injured_done": "people",
    "damage_sites_suffered": "sites", "damage_sites_done": "sites",
    "blackout_hours_suffered": "region-hours", "blackout_hours_done": "region-hours",
    "strikes": "strikes", "launched": "weapons",
    "cost_usd": "USD", "defence_cost_usd": "USD",
    "duration_days": "days", "striking_days": "days",
}  # fmt: skip
"""What is measured of a rule in a match, and its unit. `_suffered` is harm to the side that follows
the rule and `_done` harm to the other; strikes, weapons and costs are the rule's own. The duration
runs from the first day with a strike by either side to the last, both included; striking days are
those with one. Both are whole days and end at the horizon."""

NOISE = (
    "slip_prob", "misperceive_prob", "miss_prob", "false_alarms_per_day", "false_alarm_size",
    "noise_sd_log", "exaggeration",
)  # fmt: skip
"""What noise may be: a slip of the hand, which turns a decision round [2]_, or an error of the eye.
`misperceive_prob` is the chance that a side takes a round with a strike for one without, and the
other way round; the other errors are those of an assessment, one by one."""

_HARM = ("killed", "injured", "damage_sites", "blackout_hours")
_PEOPLE = ("killed_", "injured_")
_STORED = (
    "killed", "injured", "damage_sites", "blackout_hours", "strikes", "launched", "cost_usd",
    "defence_cost_usd", "strikes_per_day",
)  # fmt: skip
_RESAMPLED = 200
"""Resamples behind the interval of an evolution."""


def arena(
    *,
    rounds: int = 60,
    round_hours: float = 24.0,
    size: float = 20.0,
    stock: int | None = None,
    first_strike: int = 0,
) -> Scenario:
    """Make the usual place for a tournament: two equal sides that decide once a round.

    Each has drones, guns that stop a part of them, a city and a grid. Each reviews what it
    believes was done to it at the start of every round, at the same time as the other, and then
    strikes or holds still; nothing else happens. The numbers are round and stand for no place.

    Parameters
    ----------
    rounds : int, optional
        Times that each side decides, at least 1.
    round_hours : float, optional
        From one to the next, at least 2, so that strikes are over by then. [h]
    size : float, optional
        Weapons in a standard strike. [weapons]
    stock : int, optional
        Weapons of each side; twice what striking in every round takes if not given. [weapons]
    first_strike : int, optional
        Weapons that the second side launches at the start whatever its rule; 0 for none.
        [weapons]

    Returns
    -------
    Scenario

    Raises
    ------
    EscalateError
        Fewer rounds than 1 or shorter than 2 hours.
    ScenarioError
        A number that no scenario may hold.

    Examples
    --------
    >>> import escalate as esc
    >>> run = esc.simulate(arena(rounds=4, first_strike=20), rng=1)
    >>> run.strikes[["side", "launched"]].values.tolist()
    [['B', 20], ['A', 20], ['B', 20], ['A', 20]]
    """
    _whole("rounds", rounds)
    if not 2.0 <= round_hours < math.inf:
        raise EscalateError(f"`2 <= round_hours` must hold, but got {round_hours!r}")
    if stock is None:
        stock = math.ceil(2 * rounds * size)
    side = Side(
        weapons={
            "drone": Weapon(
                category="drone", stock=stock, speed_km_per_hour=180.0, damage_share=0.25,
                unit_cost_usd=35e3,
            ),
        },
        layers={
            "guns": Layer(
                kill_prob={"drone": 0.6}, channels=6, cycle_hours=0.05,
                window_hours={"drone": 0.2}, shot_cost_usd=20e3,
            ),
        },
        regions={"border": Region(depth_km=60.0, blackout_share=0.4)},
        targets={
            "city": Target(
                category="urban", region="border", sites=50, killed_per_hit=0.5,
                injured_per_hit=2.0,
            ),
            "grid": Target(category="energy", region="border", sites=10),
        },
        plans={"strike": Plan(targets={"city": 1.0, "grid": 1.0}, size=size)},
        retaliations={
            "answer": Retaliation(
                rule=Rule("tit_for_tat"), plan="strike", review_hours=round_hours
            ),
        },
        severity_dispersion=2.0,
        repair_days={"urban": 90.0, "energy": 6.0},
    )  # fmt: skip
    # False alarms are believed to be of the standard size.
    side = replace(side, assessment=replace(side.assessment, false_alarm_size=size))
    start = datetime(2000, 1, 1)
    opening = OrderedStrike(at=start, side="B", plan="strike", counts={"drone": first_strike})
    return Scenario(
        sides={"A": side, "B": side},
        start=start,
        # Half a round after the last decision, so that there is no decision at the end itself.
        end=start + timedelta(hours=(rounds - 0.5) * round_hours),
        calendar=(opening,) if first_strike else (),
        name="arena",
        title="Two equal sides that decide once a round",
    )


@dataclass(frozen=True, eq=False)
class Evolution:
    """What becomes of a population of rules if those that bear less become more frequent."""

    burden: pd.DataFrame
    """What the rule of the row bears on average in a match with that of the column."""
    shares: pd.DataFrame
    """Share of each rule (column) in each generation (row), from generation 0. [-]"""
    low: pd.DataFrame
    """Lower end of its interval."""
    high: pd.DataFrame
    """Upper end of its interval."""
    rest_points: tuple[RestPoint, ...]
    """Where the population can stay; none are looked for among more than twelve rules."""


@dataclass(frozen=True, eq=False)
class Tournament:
    """Matches of every rule with every rule, and what came of them."""

    scenario: Scenario
    """What was at war; the rules took the place of those of its sides."""
    rules: Mapping[str, Rule]
    """The rules by name."""
    retaliation: Mapping[str, str]
    """Name of the retaliation, by side, that they stood in."""
    noise: Mapping[str, tuple[float, ...]]
    """Levels of noise by kind, which go together; empty for that of the scenario."""
    seed: Seed
    """What `rng` came to."""
    replications: int
    """Wars a match."""
    weights: Mapping[str, float] | None
    """How much each outcome weighs, if that was said."""
    data: Mapping[str, Floats]
    """Outcome to array of shape (noise, rules, rules, 2, replications)."""
    versions: Mapping[str, str]
    """Of the library and of what it computed with."""

    @cached_property
    def dataset(self) -> xr.Dataset:
        """The outcomes as an xarray Dataset.

        Dimensions noise, rule, opponent, seat and replication; the seat is the side that the
        rule plays.
        """
        import xarray as xr

        dims = ("noise", "rule", "opponent", "seat", "replication")
        coords = {
            **_noise_coordinates(self.scenario, self.retaliation, self.noise),
            "rule": list(self.rules),
            "opponent": list(self.rules),
            "seat": list(self.scenario.sides),
            "replication": np.arange(self.replications),
        }
        variables = {
            name: (dims, values, {"units": OUTCOMES[name]}) for name, values in self.data.items()
        }
        return xr.Dataset(variables, coords, _provenance(self.scenario, self.seed, self.versions))

    def to_dataframe(self) -> pd.DataFrame:
        """Give a tidy table: a row per match, seat and replication.

        Returns
        -------
        DataFrame
            Columns noise, rule, opponent, seat, replication and one for each of `OUTCOMES`.
        """
        frame = self.dataset.drop_vars(list(self.noise)[1:]).to_dataframe().reset_index()
        return frame[["noise", "rule", "opponent", "seat", "replication", *OUTCOMES]]

    def matrix(self, what: Weights | None = None, *, noise: float | None = None) -> pd.DataFrame:
        """Give what each rule came to against each, on average.

        Parameters
        ----------
        what : str or mapping, optional
            An outcome, or weights of several; those of the tournament if not given.
        noise : float, optional
            At which level; may be left out if there is one only.

        Returns
        -------
        DataFrame
            Row: the rule whose outcome it is; column: its opponent.

        Raises
        ------
        EscalateError
            Unknown outcome or level, weights that are none, or none stated.
        """
        import pandas as pd

        names = list(self.rules)
        values = self._burdens(what)[self.level(noise)].mean(axis=-1)
        return pd.DataFrame(values, pd.Index(names, name="rule"), pd.Index(names, name="opponent"))

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Give every outcome of every rule, averaged over its opponents, itself among them.

        Parameters
        ----------
        level : float, optional
            Confidence of the intervals. [-]

        Returns
        -------
        DataFrame
            Columns noise, rule, outcome, mean, its Monte Carlo standard error, low and high.

        Raises
        ------
        EscalateError
            A level that is not between 0 and 1.
        """
        import pandas as pd

        frames = []
        for outcome in OUTCOMES:
            means = self._burdens(outcome).mean(axis=2)
            mean, error, low, high = _interval(means, level)
            index = itertools.product(self.levels, self.rules)
            frame = pd.DataFrame(index, columns=["noise", "rule"]).assign(outcome=outcome)
            columns = {"mean": mean, "se": error, "low": low, "high": high}
            frames.append(frame.assign(**{name: v.ravel() for name, v in columns.items()}))
        return pd.concat(frames, ignore_index=True)

    def ranking(
        self, weights: Weights | None = None, *, noise: float | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """Order the rules by what they bear on average over all opponents, the least first.

        Parameters
        ----------
        weights : str or mapping, optional
            Weight of each outcome, or one outcome alone; those of the tournament if not given. A
            negative weight makes an outcome something to be had; harm to people never is.
        noise : float, optional
            At which level; may be left out if there is one only.
        level : float, optional
            Confidence of the intervals, each by itself. [-]

        Returns
        -------
        DataFrame
            Index rule. ``burden`` is the weighted sum, with its Monte Carlo standard error and
            interval; ``behind`` how much more it is than that of the first rule, with the
            interval of the difference, which is paired.

        Raises
        ------
        EscalateError
            Unknown outcome or level, weights that are none, or none stated.

        Examples
        --------
        >>> cup = tournament(["tit_for_tat", "always"], arena(rounds=10), replications=20, rng=1)
        >>> cup.ranking({"strikes": 1.0})["burden"].to_dict()
        {'tit_for_tat': 4.5, 'always': 10.0}
        """
        import pandas as pd

        means = self._burdens(weights)[self.level(noise)].mean(axis=1)
        first = int(np.argmin(means.mean(axis=-1)))
        mean, error, low, high = _interval(means, level)
        behind, _, behind_low, behind_high = _interval(means - means[first], level)
        frame = pd.DataFrame(
            {
                "burden": mean, "se": error, "low": low, "high": high, "behind": behind,
                "behind_low": behind_low, "behind_high": behind_high,
            },
            pd.Index(list(self.rules), name="rule"),
        )  # fmt: skip
        return frame.sort_values("burden", kind="stable")

    def difference(
        self, rule: str, other: str, weights: Weights | None = None, *, level: float = 0.95
    ) -> pd.DataFrame:
        """Give how much more one rule bears than another, at each level of noise.

        Parameters
        ----------
        rule, other : str
            The rules.
        weights : str or mapping, optional
            As for `ranking`.
        level : float, optional
            Confidence of the intervals, each by itself. [-]

        Returns
        -------
        DataFrame
            Index noise; columns mean, se, low and high of the paired difference.

        Raises
        ------
        EscalateError
            Unknown rule or outcome, weights that are none, or none stated.
        """
        import pandas as pd

        means = self._burdens(weights).mean(axis=2)
        change = means[:, self._place(rule)] - means[:, self._place(other)]
        parts = zip(("mean", "se", "low", "high"), _interval(change, level), strict=True)
        return pd.DataFrame(dict(parts), pd.Index(self.levels, name="noise"))

    def replicator(
        self,
        weights: Weights | None = None,
        *,
        noise: float | None = None,
        start: Mapping[str, float] | None = None,
        generations: int = 200,
        selection: float = 1.0,
        level: float = 0.95,
    ) -> Evolution:
        """Let rules that bear less become more frequent, generation by generation.

        Parameters
        ----------
        weights : str or mapping, optional
            As for `ranking`.
        noise : float, optional
            At which level; may be left out if there is one only.
        start : mapping, optional
            Shares in generation 0 by rule, which are made to sum to 1; all alike if not given.
        generations, selection : optional
            As for the function `replicator`.
        level : float, optional
            Confidence of the intervals. [-]

        Returns
        -------
        Evolution

        Raises
        ------
        EscalateError
            Unknown rule, outcome or level, weights that are none, or none stated.

        Notes
        -----
        The intervals are percentiles over 200 resamples of the replications [4]_, all matches
        together, drawn with the seed of the tournament. They hold each generation by itself.

        References
        ----------
        .. [4] B. Efron, R. J. Tibshirani, *An Introduction to the Bootstrap*, Chapman and Hall,
           1993.
        """
        import pandas as pd

        if not 0.0 < level < 1.0:
            raise EscalateError(f"`0 < level < 1` must hold, but got {level!r}")
        names = list(self.rules)
        begin = None
        if start is not None:
            for name in start:
                self._place(name)
            begin = [start.get(name, 0.0) for name in names]
        wars = self._burdens(weights)[self.level(noise)]
        burden = wars.mean(axis=-1)
        course = replicator(burden, begin, generations=generations, selection=selection)
        generator = np.random.default_rng([self.seed.entropy, *self.seed.spawn_key])
        drawn = generator.multinomial(
            self.replications, np.full(self.replications, 1.0 / self.replications), _RESAMPLED
        )
        again = np.moveaxis(wars @ (drawn.T / self.replications), -1, 0)
        courses = replicator(again, begin, generations=generations, selection=selection)
        tails = (1.0 - level) / 2.0, (1.0 + level) / 2.0
        low, high = np.quantile(courses, tails, axis=0)

        def table(values: Floats) -> pd.DataFrame:
            index = pd.RangeIndex(len(values), name="generation")
            return pd.DataFrame(values, index, pd.Index(names, name="rule"))

        return Evolution(
            self.matrix(weights, noise=noise),
            table(course),
            table(low),
            table(high),
            rest_points(burden, names, selection=selection) if len(names) <= MOST else (),
        )

    def match(self, rule: str, opponent: str, *, noise: float | None = None) -> Scenario:
        """Give the scenario of one match, with the rule on the first side.

        Parameters
        ----------
        rule, opponent : str
            The rules.
        noise : float, optional
            At which level; may be left out if there is one only.

        Returns
        -------
        Scenario

        Raises
        ------
        EscalateError
            Unknown rule or level.
        """
        pair = [list(self.rules.values())[self._place(name)] for name in (rule, opponent)]
        levels = {kind: values[self.level(noise)] for kind, values in self.noise.items()}
        return self.scenario.replace(_changes(self.scenario, self.retaliation, pair, levels))

    def replay(
        self, rule: str, opponent: str, replication: int, *, noise: float | None = None
    ) -> Run:
        """Fight one war of a match again, fully traced, with the rule on the first side.

        Parameters
        ----------
        rule, opponent : str
            The rules.
        replication : int
            Which war.
        noise : float, optional
            At which level; may be left out if there is one only.

        Returns
        -------
        Run

        Raises
        ------
        EscalateError
            Unknown rule or level, or no such replication.
        """
        if replication not in range(self.replications):
            raise EscalateError(
                f"`0 <= replication < {self.replications}` must hold, but got {replication!r}"
            )
        match = self.match(rule, opponent, noise=noise)
        return simulate(match, rng=self.seed, replication=int(replication))

    @cached_property
    def levels(self) -> Floats:
        """Levels of noise, of the kind named first; the scenario's slips if none was given."""
        place = _noise_coordinates(self.scenario, self.retaliation, self.noise)["noise"]
        return np.asarray(place[1], dtype=float)

    def level(self, noise: float | None = None) -> int:
        """Give the place of a level of noise.

        Parameters
        ----------
        noise : float, optional
            The level, of the kind named first; may be left out if there is one only.

        Returns
        -------
        int

        Raises
        ------
        EscalateError
            No such level, or none given where there are several.
        """
        known = self.levels
        if noise is None and len(known) == 1:
            return 0
        near = np.isclose(known, math.nan if noise is None else noise, rtol=1e-9)
        found = np.flatnonzero(near)
        if len(found) == 0:
            listing = ", ".join(f"{level:g}" for level in known)
            given = "none was" if noise is None else f"{noise!r} was"
            raise EscalateError(f"`noise` must be one of {listing}, but {given} given")
        return int(found[0])

    def _place(self, rule: str) -> int:
        if rule not in self.rules:
            raise EscalateError(f"unknown rule {rule!r}: {closest(str(rule), self.rules)}")
        return list(self.rules).index(rule)

    def _burdens(self, weights: Weights | None) -> Floats:
        """Give weighted outcomes by noise, rule, opponent and replication, both seats alike."""
        if weights is None and self.weights is None:
            raise EscalateError("`weights` must say how much each outcome weighs, but got none")
        stated = _weights(weights if weights is not None else self.weights or {})
        parts = [weight * self.data[name] for name, weight in stated.items()]
        return np.asarray(np.sum(parts, axis=0).mean(axis=3), dtype=float)


def tournament(
    rules: Mapping[str, Rule | str] | Sequence[Rule | str],
    scenario: Scenario | None = None,
    *,
    replications: int,
    noise: Noise = None,
    rng: object = None,
    weights: Weights | None = None,
    retaliation: str | None = None,
    workers: int | None = None,
    progress: bool | Callable[[int, int], None] | None = None,
) -> Tournament:
    """Let every rule meet every rule, itself among them, in a war, on either side.

    Parameters
    ----------
    rules : mapping or sequence
        Rules, or names of rules of the catalogue; a mapping gives them names of its own.
    scenario : Scenario, optional
        What is at war; `arena()` if not given. The rules take the place of the rule in a
        retaliation of each side.
    replications : int
        Wars a match and seat, at least 1.
    noise : float, sequence or mapping, optional
        What both sides get wrong; as the scenario has it if not given. A number is the chance
        of a slip, `slip_prob`. A mapping has levels of one or several kinds of `NOISE`; a
        sequence makes a sweep, and several go together, level by level.
    rng : int, SeedSequence, Generator, BitGenerator or None, optional
        Randomness as in SPEC 7. Replication k has the same in every match.
    weights : str or mapping, optional
        How much each of `OUTCOMES` weighs in rankings, or one of them alone.
    retaliation : str, optional
        Name of the retaliation that the rules stand in; needed where a side has several.
    workers : int, optional
        Threads, as for `simulate_many`.
    progress : bool or callable, optional
        True for a bar on standard error, or a function called with (done, matches).

    Returns
    -------
    Tournament

    Raises
    ------
    EscalateError
        No rules, two of one name, unknown noise, outcome or retaliation, weights that are none,
        or fewer than one replication.
    ScenarioError
        An unknown rule, or a level of noise that no scenario may hold.

    Examples
    --------
    >>> cup = tournament(
    ...     ["tit_for_tat", "generous"],
    ...     replications=50,
    ...     noise=[0.0, 0.05],
    ...     rng=1,
    ...     weights={"killed_suffered": 1.0, "killed_done": 1.0},
    ... )
    >>> cup.dataset["killed_suffered"].dims
    ('noise', 'rule', 'opponent', 'seat', 'replication')
    >>> cup.ranking(noise=0.05).index.tolist()
    ['generous', 'tit_for_tat']
    """
    scenario = arena() if scenario is None else scenario
    _scenario(scenario)
    players = _named(rules)
    places = _retaliations(scenario, retaliation)
    levels = _levels(noise, scenario, places)
    stated = None if weights is None else _weights(weights)
    _whole("replications", replications)
    seed, pairs = Seed.of(rng), list(itertools.product(enumerate(players.values()), repeat=2))
    steps = list(_steps(levels))
    shape = (len(steps), len(players), len(players), 2, int(replications))
    data = {name: np.zeros(shape) for name in OUTCOMES}
    matches = list(itertools.product(enumerate(steps), pairs))
    for ((n, step), ((i, first), (j, second))), done in _watched(matches, progress):
        labels = [list(players)[k] for k in (i, j)]
        match = scenario.replace(_changes(scenario, places, (first, second), step))
        came = _fought(match, replications, seed, workers, " against ".join(labels))
        for name, (of_first, of_second) in came.items():
            data[name][n, i, j, 0] = of_first
            data[name][n, j, i, 1] = of_second
        done()
    return Tournament(
        scenario, players, places, levels, seed, int(replications), stated, data, versions()
    )


def fingerprint(
    rule: Rule | str,
    opponent: Rule | str,
    scenario: Scenario | None = None,
    *,
    replications: int,
    noise: Noise,
    gains: Sequence[float],
    rng: object = None,
    retaliation: str | None = None,
    workers: int | None = None,
    progress: bool | Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Let a rule meet one opponent at many levels of misperception and of gain.

    Parameters
    ----------
    rule : Rule or str
        The rule, on the first side.
    opponent : Rule or str
        Its opponent, on the second.
    scenario : Scenario, optional
        What is at war; if not given, `arena(first_strike=20)`, in which the opponent begins.
    replications : int
        Wars at each point, at least 1.
    noise : float, sequence or mapping
        What both sides get wrong, as for `tournament`.
    gains : sequence of float
        What the size of the rule's answers is multiplied by: that of its plan, and every `gain`
        of `proportional`. [-]
    rng, retaliation, workers, progress : optional
        As for `tournament`.

    Returns
    -------
    Dataset
        Each of `OUTCOMES` for the rule, with dimensions gain, noise and replication.

    Raises
    ------
    EscalateError
        As `tournament`, or gains that are not 0 or more.

    Notes
    -----
    After the fingerprints of Ashlock and Kim [3]_, which put a strategy against a family of
    opponents with two parameters; here the parameters are those of the exchange.

    Examples
    --------
    >>> points = fingerprint(
    ...     "proportional",
    ...     "proportional",
    ...     replications=20,
    ...     noise={"exaggeration": [1.0, 1.2]},
    ...     gains=[0.4, 1.0],
    ...     rng=1,
    ... )
    >>> points["launched"].mean("replication").round(0).values.tolist()
    [[13.0, 22.0], [600.0, 2400.0]]
    """
    import xarray as xr

    scenario = arena(first_strike=20) if scenario is None else scenario
    _scenario(scenario)
    pair = [_rule(rule), _rule(opponent)]
    places = _retaliations(scenario, retaliation)
    levels, factors = _levels(noise, scenario, places), vector("gains", gains, low=0.0).tolist()
    _whole("replications", replications)
    seed, steps = Seed.of(rng), list(_steps(levels))
    data = {name: np.zeros((len(factors), len(steps), int(replications))) for name in OUTCOMES}
    points = list(itertools.product(enumerate(factors), enumerate(steps)))
    for ((g, gain), (n, step)), done in _watched(points, progress):
        changes = _changes(scenario, places, (_at_gain(pair[0], gain), pair[1]), step)
        match = scenario.replace(changes | _plan_at_gain(scenario, places, gain))
        came = _fought(match, replications, seed, workers, f"{_label(pair[0])} at gain {gain:g}")
        for name, (of_first, _) in came.items():
            data[name][g, n] = of_first
        done()
    coords = {
        "gain": factors,
        **_noise_coordinates(scenario, places, levels),
        "replication": np.arange(int(replications)),
    }
    variables = {
        name: (("gain", "noise", "replication"), values, {"units": OUTCOMES[name]})
        for name, values in data.items()
    }
    attrs = _provenance(scenario, seed, versions())
    attrs |= {"rule": _label(pair[0]), "opponent": _label(pair[1])}
    return xr.Dataset(variables, coords, attrs)


def _interval(values: Floats, level: float) -> tuple[Floats, Floats, Floats, Floats]:
    """Give mean, standard error and Student's interval over the last axis."""
    from scipy.special import stdtrit

    if not 0.0 < level < 1.0:
        raise EscalateError(f"`0 < level < 1` must hold, but got {level!r}")
    number = values.shape[-1]
    mean = values.mean(axis=-1)
    error = np.full_like(mean, math.nan)
    if number > 1:
        error = values.std(axis=-1, ddof=1) / math.sqrt(number)
    half = float(stdtrit(max(number - 1, 1), (1.0 + level) / 2.0)) * error
    return mean, error, mean - half, mean + half


def _fought(
    match: Scenario, replications: int, seed: Seed, workers: int | None, label: str
) -> dict[str, tuple[Floats, Floats]]:
    """Fight a match; give each outcome for the rule of the first side and for the second's."""
    try:
        wars = simulate_many(
            match, replications=replications, rng=seed, workers=workers, outcomes=_STORED
        ).data
    except EscalateError as error:
        error.add_note(f"in the match of {label}")
        raise
    came: dict[str, tuple[Floats, Floats]] = {}
    for name in _HARM:
        harm = wars[name].sum(axis=2) if wars[name].ndim == 3 else wars[name]
        came[f"{name}_suffered"] = harm[:, 0], harm[:, 1]
        came[f"{name}_done"] = harm[:, 1], harm[:, 0]
    launched = wars["launched"].sum(axis=2)
    came["launched"] = launched[:, 0], launched[:, 1]
    for name in ("strikes", "cost_usd", "defence_cost_usd"):
        came[name] = wars[name][:, 0], wars[name][:, 1]
    struck = wars["strikes_per_day"].sum(axis=2) > 0
    days = struck.sum(axis=1).astype(float)
    lasted = struck.shape[1] - struck.argmax(axis=1) - struck[:, ::-1].argmax(axis=1)
    lasted = np.where(days > 0.0, lasted, 0).astype(float)
    came["duration_days"] = lasted, lasted
    came["striking_days"] = days, days
    return came


def _changes(
    scenario: Scenario,
    places: Mapping[str, str],
    pair: Sequence[Rule],
    levels: Mapping[str, float],
) -> dict[str, Any]:
    """Give what a match changes in its scenario."""
    changes: dict[str, Any] = {}
    for (side, name), rule in zip(places.items(), pair, strict=True):
        answer, eye = f"sides.{side}.retaliations.{name}", f"sides.{side}.assessment"
        changes[f"{answer}.rule"] = rule
        for kind, level in levels.items():
            if kind == "slip_prob":
                changes[f"{answer}.{kind}"] = level
            elif kind == "misperceive_prob":
                # With an alarm in a round with chance p, and strikes missed with p / (1 - p), a
                # strike is missed and there is no alarm with chance p as well.
                days = scenario.sides[side].retaliations[name].review_hours / 24.0
                changes[f"{eye}.miss_prob"] = level / (1.0 - level)
                changes[f"{eye}.false_alarms_per_day"] = -math.log1p(-level) / days
            else:
                changes[f"{eye}.{kind}"] = level
    return changes


def _at_gain(rule: Rule, gain: float) -> Rule:
    """Give a rule whose proportional answers are so many times as large."""
    params = dict(rule.params)
    if rule.name == "proportional" and rule.function is None:
        params["gain"] = gain * params.get("gain", 1.0)
    return Rule(rule.function or rule.name, *(_at_gain(r, gain) for r in rule.of), **params)


def _plan_at_gain(scenario: Scenario, places: Mapping[str, str], gain: float) -> dict[str, Any]:
    """Give the first side a plan for its answers alone, so many times as large."""
    side, name = next(iter(places.items()))
    plans, plan = scenario.sides[side].plans, scenario.sides[side].retaliations[name].plan
    own = f"{plan} at gain"
    return {
        f"sides.{side}.plans.{own}": replace(plans[plan], size=gain * plans[plan].size),
        f"sides.{side}.retaliations.{name}.plan": own,
    }


def _retaliations(scenario: Scenario, name: str | None) -> dict[str, str]:
    """Give the retaliation of each side that the rules stand in."""
    found: dict[str, str] = {}
    for side, member in scenario.sides.items():
        known = member.retaliations
        if name is None and len(known) == 1:
            found[side] = next(iter(known))
        elif name is None:
            listing = ", ".join(known) or "none"
            raise EscalateError(
                f"`retaliation` must name the one that the rules stand in, as side {side!r} has "
                f"not just one; it has: {listing}"
            )
        elif name in known:
            found[side] = name
        else:
            raise EscalateError(
                f"unknown retaliation {name!r} of side {side!r}: {closest(name, known)}"
            )
    return found


def _named(rules: Mapping[str, Rule | str] | Sequence[Rule | str]) -> dict[str, Rule]:
    """Give the rules by name."""
    if isinstance(rules, Mapping):
        named = {str(name): _rule(rule) for name, rule in rules.items()}
    elif isinstance(rules, str) or not isinstance(rules, Sequence):
        raise EscalateError(f"`rules` must be a list of rules or a mapping, but got {rules!r}")
    else:
        listed = [_rule(rule) for rule in rules]
        named = {_label(rule): rule for rule in listed}
        if len(named) < len(listed):
            labels = [_label(rule) for rule in listed]
            twice = next(label for label in labels if labels.count(label) > 1)
            raise EscalateError(
                f"rules must have names that differ, but {twice!r} stands there twice; give a "
                f"mapping from names of your own"
            )
    if not named:
        raise EscalateError("`rules` must hold a rule at least, but it is empty")
    return named


def _rule(rule: Rule | str) -> Rule:
    return rule if isinstance(rule, Rule) else Rule(rule)


def _label(rule: Rule) -> str:
    """Give a rule as a short name."""
    parts = [*map(_label, rule.of), *(f"{k}={v}" for k, v in rule.params.items())]
    return f"{rule.name}({', '.join(parts)})" if parts else rule.name


def _levels(
    noise: Noise, scenario: Scenario, places: Mapping[str, str]
) -> dict[str, tuple[float, ...]]:
    """Give the levels of each kind of noise, all equally many."""
    if noise is None:
        return {}
    given = noise if isinstance(noise, Mapping) else {"slip_prob": noise}
    for kind in given:
        if kind not in NOISE:
            raise EscalateError(f"unknown noise {kind!r}: {closest(str(kind), NOISE)}")
    levels = {k: tuple(vector(f"noise.{k}", v).tolist()) for k, v in given.items()}
    if "misperceive_prob" in levels:
        within("noise.misperceive_prob", levels["misperceive_prob"], 0.0, 0.5)
        for kind in ("miss_prob", "false_alarms_per_day"):
            if kind in levels:
                raise EscalateError(f"`misperceive_prob` sets {kind!r}, so give one of them only")
        for side, name in places.items():
            if scenario.sides[side].retaliations[name].review_hours == 0.0:
                raise EscalateError(
                    f"`misperceive_prob` is of rounds, and needs `review_hours > 0` at "
                    f"sides.{side}.retaliations.{name}"
                )
    most = max(map(len, levels.values()), default=1)
    for kind, values in levels.items():
        if len(values) not in (1, most):
            raise EscalateError(
                f"levels of noise go together, but {kind!r} has {len(values)} and another {most}"
            )
        levels[kind] = values * (most // len(values))
    for values in itertools.islice(levels.values(), 1):
        if len(set(values)) < len(values):
            raise EscalateError(f"levels of noise must differ, but got {list(values)}")
    return levels


def _steps(levels: Mapping[str, tuple[float, ...]]) -> Iterator[dict[str, float]]:
    """Give every level as a mapping from kind to number."""
    if not levels:
        yield {}
    for values in zip(*levels.values(), strict=True):
        yield dict(zip(levels, values, strict=True))


def _weights(weights: Weights) -> dict[str, float]:
    """Check weights of outcomes; an outcome alone weighs 1."""
    given = {weights: 1.0} if isinstance(weights, str) else weights
    if not isinstance(given, Mapping):
        raise EscalateError(f"`weights` must be a mapping from outcomes, but got {weights!r}")
    stated: dict[str, float] = {}
    for name, weight in given.items():
        if name not in OUTCOMES:
            raise EscalateError(f"unknown outcome {name!r}: {closest(str(name), OUTCOMES)}")
        stated[name] = float(within(f"weights.{name}", weight))
        if stated[name] < 0.0 and name.startswith(_PEOPLE):
            raise EscalateError(
                f"`weights.{name} >= 0` must hold, as harm to people is never something to be "
                f"had, but got {weight!r}"
            )
    if not any(stated.values()):
        raise EscalateError(f"`weights` must hold one that is not 0, but got {dict(given)!r}")
    return stated


def _whole(name: str, value: object) -> None:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
        raise EscalateError(f"`{name}` must be a whole number, 1 or more, but got {value!r}")


def _scenario(scenario: object) -> None:
    if not isinstance(scenario, Scenario):
        raise EscalateError(
            f"`scenario` must be a Scenario, such as arena() gives, but got "
            f"{type(scenario).__name__}"
        )


def _noise_coordinates(
    scenario: Scenario, places: Mapping[str, str], noise: Mapping[str, tuple[float, ...]]
) -> dict[str, Any]:
    """Give the levels of the kind named first as `noise`, and the others by their names."""
    side, name = next(iter(places.items()))
    slips = (scenario.sides[side].retaliations[name].slip_prob,)
    (_, first), *others = noise.items() or [("", slips)]
    kinds = {"kind": ", ".join(noise) or "as the scenario has it"}
    return {
        "noise": ("noise", np.array(first), kinds),
        **{kind: ("noise", np.array(levels)) for kind, levels in others},
    }


def _provenance(scenario: Scenario, seed: Seed, known: Mapping[str, str]) -> dict[str, Any]:
    return {
        "scenario": scenario.name,
        "seed_entropy": str(seed.entropy),
        "seed_spawn_key": json.dumps(list(seed.spawn_key)),
        "versions": json.dumps(dict(known)),
    }


def _watched(
    items: Sequence[Any], progress: bool | Callable[[int, int], None] | None
) -> Iterator[tuple[Any, Callable[[], None]]]:
    """Give items one by one, each with what is to be called when it is done."""
    bar = None
    if progress is True:
        from tqdm import tqdm

        bar = tqdm(total=len(items), unit="match")
    try:
        for number, item in enumerate(items, 1):

            def done(number: int = number) -> None:
                if bar is not None:
                    bar.update(1)
                elif callable(progress):
                    progress(number, len(items))

            yield item, done
    finally:
        if bar is not None:
            bar.close()
