"""What is calibrated: wars of a scenario seen through reports, and their parameters."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import special

from escalate.comparison import figures_of
from escalate.engines._pack import pack
from escalate.errors import EscalateError, Problem, ScenarioError, closest
from escalate.figures import Figure
from escalate.observation import Observation, exchanges, superseded
from escalate.randomness import RunKey, Seed
from escalate.scenario import Scenario
from escalate.scenario_file import write_scenario
from escalate.truths import Gauge, Ground

__all__ = [
    "AND",
    "Array",
    "Model",
    "Paths",
    "Space",
    "Values",
    "ess",
    "evidence_of",
    "log_normal",
    "model_of",
    "normalised",
]

Array = np.ndarray[Any, Any]
Values = Mapping[str, Array]
Paths = str | tuple[str, ...]

AND = " = "
"""Between paths that share a value."""


@dataclass(frozen=True)
class Model:
    """Wars of a scenario, seen through reports.

    Whatever has the attributes `figures` and `exchanges` and these methods can be calibrated; a
    test does so with a toy whose posterior is known.
    """

    scenario: Scenario
    """What is at war."""
    figures: tuple[Figure, ...]
    """What was reported."""
    observation: Observation = field(default_factory=Observation)
    """How reports come from what happened."""
    together: str = "exchange"
    """What shares one war when wars are averaged: the figures of an "exchange", or of the "war"."""
    reports: Array | None = None
    """Reports in the place of the figures' own, as `Observation.log_likelihood` takes them."""

    def __post_init__(self) -> None:
        """Refuse an unknown way to take figures together."""
        if self.together not in ("exchange", "war"):
            known = closest(str(self.together), ("exchange", "war"))
            raise EscalateError(
                f"`together` must be a known one, but got {self.together!r}: {known}"
            )

    @cached_property
    def exchanges(self) -> dict[str, list[int]]:
        """The figures that count, by number, parted by exchange."""
        old = superseded(self.figures)
        parts = {
            name: [self.figures.index(f) for f in members if f not in old]
            for name, members in exchanges(self.figures).items()
        }
        if self.together == "war":
            return {"war": sorted(i for members in parts.values() for i in members)}
        return {name: members for name, members in parts.items() if members}

    @cached_property
    def _gauge(self) -> Gauge:
        return Gauge(self.scenario, self.figures)

    def check(self, paths: Iterable[str], values: Values) -> None:
        """Refuse paths that lead nowhere, and values that no scenario may have.

        Parameters
        ----------
        paths : iterable of str
            All paths, those that share a value as well.
        values : mapping of str to ndarray
            Some values by name.
        """
        for path in paths:
            name, _, key = path.removeprefix("observation.").partition(".")
            if is_observed(path) and key:
                of = "claimant" if name == "bias_log" else "quantity"
                known = {getattr(figure, of) for figure in self.figures}
                if known and key not in known:
                    message = f"no figure has the {of} {key!r}: {closest(key, known)},"
                    raise ScenarioError([Problem(path, message)])
        for i in range(len(next(iter(values.values())))):
            self._at(values, i)

    def _at(self, values: Values, i: int) -> Scenario:
        """Give the scenario of a point."""
        changes: dict[str, Any] = {}
        for name, column in values.items():
            value: float = column[i].item()
            for path in name.split(AND):
                if not is_observed(path):
                    changes[path] = value
        return self.scenario.replace(changes)

    def truths(
        self,
        values: Values,
        wars: int,
        seed: Seed,
        *,
        first: int = 0,
        common: bool = False,
        workers: int = 1,
    ) -> Array:
        """Fight wars with each of some points, and read the figures off them.

        Parameters
        ----------
        values : mapping of str to ndarray, shape (n,)
            Parameters by name, a value a point.
        wars : int
            How many wars a point.
        seed : Seed
            Their randomness.
        first : int, optional
            Number of the first point, from which with the seed all draws follow.
        common : bool, optional
            Whether all points share the randomness of their wars.
        workers : int, optional
            Threads. The result does not depend on it.

        Returns
        -------
        ndarray of float64, shape (n, wars, figures)
        """
        n = len(next(iter(values.values())))
        out = np.empty((n, wars, len(self.figures)))
        gauge = self._gauge
        idle: list[Ground] = []
        stop = threading.Event()

        def one(i: int) -> None:
            if stop.is_set():
                return
            world = pack(self._at(values, i), RunKey(0, 0))
            ground = idle.pop() if idle else Ground(gauge)
            if not ground.lay(world):
                if not gauge.fits(world):
                    raise EscalateError("a prior must not change which parts a scenario has")
                ground = Ground(gauge, world)
            begin = 0 if common else (first + i) * wars
            out[i] = ground.values([seed.run_key(begin + k) for k in range(wars)])
            idle.append(ground)

        if workers == 1:
            for i in range(n):
                one(i)
            return out
        pool = ThreadPoolExecutor(workers)
        try:
            for _ in pool.map(one, range(n)):
                pass
        except BaseException:
            stop.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return out

    def observed(self, values: Values) -> Observation:
        """Give the observation model of each of some points, to be broadcast against their wars.

        Parameters
        ----------
        values : mapping of str to ndarray, shape (n,)
            Parameters by name.
        """
        return self.observation.replace(
            {
                path: np.asarray(column, dtype=float)[:, None]
                for name, column in values.items()
                for path in name.split(AND)
                if is_observed(path)
            }
        )

    def log_likelihood(self, truths: Array, values: Values) -> Array:
        """Give the log chance of the reports of each exchange, averaged over a point's wars.

        Parameters
        ----------
        truths : ndarray, shape (n, wars, figures)
            What `truths` gave.
        values : mapping of str to ndarray, shape (n,)
            The same points.

        Returns
        -------
        ndarray of float64, shape (n, exchanges)
        """
        observation = self.observed(values)
        each = observation.log_likelihood(truths, self.figures, self.reports)
        parts = [log_mean(each[..., members].sum(axis=-1)) for members in self.exchanges.values()]
        return np.stack(parts, axis=-1)

    def simulated_reports(self, truths: Array, values: Values, rng: np.random.Generator) -> Array:
        """Draw reports of one war a point, worded like the figures.

        Parameters
        ----------
        truths : ndarray, shape (n, figures)
            What happened.
        values : mapping of str to ndarray, shape (n,)
            The points.
        rng : Generator
            Randomness.

        Returns
        -------
        ndarray of float64, shape (n, figures, 2)
        """
        observation = self.observation.replace(
            {
                path: np.asarray(column, dtype=float)
                for name, column in values.items()
                for path in name.split(AND)
                if is_observed(path)
            }
        )
        return observation.simulate(truths, self.figures, rng=rng)

    def said(self, truths: Array, values: Values, rng: np.random.Generator) -> Array:
        """Draw the numbers that claimants would have in mind.

        Parameters
        ----------
        truths : ndarray, shape (n, wars, figures)
            What happened.
        values : mapping of str to ndarray, shape (n,)
            The points.
        rng : Generator
            Randomness.

        Returns
        -------
        ndarray of float64, shape (n, wars, figures)
            In the figures' units; NaN for nothing of the kind.
        """
        return self.observed(values).said(truths, self.figures, rng=rng)

    def with_reports(self, reports: Array) -> Model:
        """Give the same model with other reports in the place of its own.

        Parameters
        ----------
        reports : ndarray, shape (figures, 2)
            Lowest and highest number that each admits.
        """
        return replace(self, reports=reports)

    def record(self) -> dict[str, Any]:
        """Give all that makes the model again, as JSON takes it."""
        return {
            "scenario": write_scenario(self.scenario),
            "figures": [
                {k: str(v) if hasattr(v, "isoformat") else v for k, v in asdict(f).items()}
                for f in self.figures
            ],
            "observation": {
                name: {str(k): v for k, v in value.items()} if isinstance(value, Mapping) else value
                for name in _FIELDS
                for value in [getattr(self.observation, name)]
            },
            "together": self.together,
            "reports": None if self.reports is None else self.reports.tolist(),
        }


_FIELDS = (
    "noise_sd_log", "bias_log", "bias_sd_log", "reported_share", "first_share", "revision_days",
    "heaping", "lapse_prob",
)  # fmt: skip


def is_observed(path: str) -> bool:
    return path.startswith("observation.")


def log_mean(x: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(special.logsumexp(x, axis=-1) - math.log(x.shape[-1]))


class Space:
    """Parameters as standard normal scores: the prior of a point z is ``normal(0, 1)`` in each.

    A discrete prior is a step function of its score.
    """

    def __init__(self, priors: Mapping[Paths, Any]) -> None:
        if not isinstance(priors, Mapping) or not priors:
            raise EscalateError(
                "`priors` must map at least one path to a distribution; `load_priors` reads a file"
            )
        self.names: list[str] = []
        self.laws: list[Any] = []
        for paths, law in priors.items():
            name = paths if isinstance(paths, str) else AND.join(paths)
            if not (hasattr(law, "ppf") and hasattr(law, "isf") and hasattr(law, "dist")):
                message = "a prior must be a frozen distribution of scipy.stats, such as beta(8, 2)"
                raise ScenarioError([Problem(name, f"{message}, but got {law!r},")])
            if not np.isfinite(law.ppf([0.25, 0.75])).all():
                raise ScenarioError([Problem(name, "the prior's parameters are invalid")])
            self.names.append(name)
            self.laws.append(law)
        paths_of = [path for name in self.names for path in name.split(AND)]
        for path in paths_of:
            if paths_of.count(path) > 1:
                raise ScenarioError([Problem(path, "a path must be there once, but is twice")])

    def __len__(self) -> int:
        return len(self.names)

    def values(self, z: Array) -> dict[str, Array]:
        """Give the parameters of points, shape (n, d), by name."""
        out = {}
        for j, (name, law) in enumerate(zip(self.names, self.laws, strict=True)):
            # From whichever side keeps the digits.
            low, high = law.ppf(special.ndtr(z[:, j])), law.isf(special.ndtr(-z[:, j]))
            column = np.where(z[:, j] < 0.0, low, high)
            out[name] = column.astype(np.int64) if hasattr(law, "pmf") else column
        return out

    def described(self) -> dict[str, dict[str, Any]]:
        """Give what makes each prior again, as JSON takes it."""
        return {
            name: {
                "law": law.dist.name,
                "args": [_plain(a) for a in law.args],
                "kwds": {k: _plain(v) for k, v in law.kwds.items()},
            }
            for name, law in zip(self.names, self.laws, strict=True)
        }


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def log_normal(z: Array) -> Array:
    """Give the log density of independent standard normals, whose axis is the last.

    Parameters
    ----------
    z : ndarray of float64, shape (..., d)
        Where.
    """
    return np.asarray(-0.5 * (z * z).sum(axis=-1) - 0.5 * z.shape[-1] * math.log(2.0 * math.pi))


def ess(log_weight: Array) -> float:
    """Give how many equally weighted points are worth as much as weighted ones.

    Parameters
    ----------
    log_weight : ndarray of float64
        Logs of their weights.
    """
    total = special.logsumexp(log_weight)
    if not np.isfinite(total):
        return 0.0
    return float(np.exp(2.0 * total - special.logsumexp(2.0 * log_weight)))


def evidence_of(log_weight: Array) -> tuple[float, float]:
    """Give the log of a mean of weights, and its Monte Carlo error.

    Parameters
    ----------
    log_weight : ndarray of float64
        Their logs.
    """
    top = log_weight.max()
    if not np.isfinite(top):
        return -math.inf, 0.0
    weight = np.exp(log_weight - top)
    error = weight.std(ddof=1) / weight.mean() / math.sqrt(len(weight))
    return float(top + np.log(weight.mean())), float(error)


def normalised(log_weight: Array) -> Array:
    """Give weights that add up to 1.

    Parameters
    ----------
    log_weight : ndarray of float64
        Their logs, but for a constant.

    Raises
    ------
    EscalateError
        If all are 0.
    """
    top = log_weight.max()
    if not np.isfinite(top):
        raise EscalateError(
            "no point explains the reports at all: widen the priors, or let reports lapse"
        )
    weight = np.exp(log_weight - top)
    return np.asarray(weight / weight.sum())


def model_of(
    scenario: Any,
    figures: Iterable[Figure] | None,
    observation: Observation | None,
    together: str = "exchange",
) -> Any:
    """Give the model of what a caller has given, or the one that was given.

    Parameters
    ----------
    scenario : Scenario or Model
        What is at war, or a model.
    figures : iterable of Figure or None
        What was reported; the scenario's own figures for None.
    observation : Observation or None
        How reports come from what happened; the default one for None.
    together : str, optional
        As in `Model`.
    """
    if isinstance(scenario, Scenario):
        chosen = figures_of(scenario) if figures is None else tuple(figures)
        for one in chosen:
            if not isinstance(one, Figure):
                raise EscalateError(
                    "`figures` must be figures, as `read_figures` and `shipped_figures` give, but "
                    f"got {one!r}"
                )
        return Model(scenario, chosen, observation or Observation(), together)
    if not hasattr(scenario, "truths"):
        raise EscalateError(
            f"`scenario` must be a Scenario or a Model, but got {type(scenario).__name__}"
        )
    if figures is not None or observation is not None:
        raise EscalateError("a model has its own figures and observation model")
    return scenario
