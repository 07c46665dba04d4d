"""A calibration, what it found, and whether reports fit it."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from escalate.calibration.model import (
    Array,
    Model,
    Paths,
    Space,
    ess,
    evidence_of,
    log_normal,
    normalised,
)
from escalate.calibration.sampling import FRESH, WARS, Progress, job_of, sampled
from escalate.errors import EscalateError, Problem, ResultError
from escalate.figures import Figure
from escalate.observation import Observation
from escalate.randomness import Seed
from escalate.results import versions
from escalate.scenario import Scenario
from escalate.scenario_file import read_scenario

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["Fit", "calibrate", "load_fit", "optimise"]

_DRAWS = 1000


def calibrate(
    scenario: Scenario | Model,
    figures: Iterable[Figure] | None = None,
    priors: Mapping[Paths, Any] | None = None,
    *,
    method: str = "population",
    budget: int = 400_000,
    wars: int = WARS,
    rng: object = None,
    workers: int | None = None,
    observation: Observation | None = None,
    together: str = "exchange",
    store: str | os.PathLike[str] | None = None,
    progress: Progress = None,
) -> Fit:
    """Infer parameters of a scenario from reported figures.

    Parameters
    ----------
    scenario : Scenario or Model
        What is at war; or a model, which has its own figures.
    figures : iterable of Figure, optional
        What was reported; the scenario's own figures if not given. A figure that its claimant
        revised later is checked but not counted.
    priors : mapping of str, or tuple of str, to frozen distribution of scipy.stats
        By path, such as ``"sides.UA.layers.long_range.kill_prob.cruise"``, or a path of the
        observation model, such as ``"observation.bias_log.UA officials"``. A tuple of paths
        shares one value.
    method : str, optional
        One of `METHODS`.
    budget : int, optional
        Wars to fight, at most. [wars]
    wars : int, optional
        Wars that judge a point; four more are fought for predictions. [wars]
    rng : int, SeedSequence, Generator or None, optional
        Randomness as in SPEC 7.
    workers : int, optional
        Threads; as many as there are processors if not given. The result does not depend on it.
    observation : Observation, optional
        How reports come from what happened.
    together : str, optional
        What is taken jointly when wars are averaged: the figures of an "exchange", or all those
        of a "war", which asks for far more wars a point where figures are many.
    store : str or path, optional
        A folder that every generation of points is written to. The same call with the same
        folder goes on where an earlier one was stopped, and comes to the same result.
    progress : bool or callable, optional
        True for a bar on standard error, or a function called with (wars done, wars in all).

    Returns
    -------
    Fit

    Raises
    ------
    EscalateError
        An unknown method, a budget too small, or reports that no point explains.
    ScenarioError
        A path, prior or figure that does not fit the scenario.
    ResultError
        A store that holds something else.

    Notes
    -----
    The posterior is proportional to

    ``p(theta) prod_e E[ prod_(i in e) P(report i | war of theta) ]``,

    with the expectation estimated by the mean over wars. Figures of one exchange are taken
    jointly, exchanges as independent given the parameters. As their means are over the same wars,
    the product is right on average only up to their relative covariances over the number of wars.

    Examples
    --------
    >>> import escalate as esc
    >>> from scipy import stats
    >>> scenario = esc.load_scenario("february-2023")
    >>> path = "sides.UA.targets.pokrovsk.killed_per_hit"
    >>> fit = calibrate(scenario, priors={path: stats.lognorm(1.0, scale=1.0)}, budget=5_000, rng=1)
    >>> fit.posterior[path].dims
    ('chain', 'draw')
    """
    job = job_of(
        scenario, figures, priors, method, budget, wars, rng, workers, observation, together,
        store, progress,
    )  # fmt: skip
    points, weight, history = sampled(job)
    fought = sum(round(one["points"]) for one in history) * (wars + FRESH)
    return Fit(
        job.model, job.space, method, job.seed, wars, fought, points, weight, history, versions()
    )


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """What reported figures say about parameters."""

    model: Any
    """Scenario, figures and observation model."""
    space: Space
    """The priors."""
    method: str
    """One of `METHODS`."""
    seed: Seed
    """What `rng` came to."""
    wars: int
    """Wars that judge a point."""
    fought: int
    """Wars fought in all."""
    points: Mapping[str, Array]
    """Weighted points: scores `z`, log likelihoods of the exchanges `groups`, wars `fresh`."""
    log_weight: Array
    """Their log weights, not normalised."""
    history: list[dict[str, float]]
    """What each generation was worth."""
    versions: Mapping[str, str]
    """Of the library and of what it computed with."""

    def __repr__(self) -> str:
        """Give what it is of, and how far it can be relied on."""
        return (
            f"<Fit: {len(self.names)} parameters, {len(self.model.figures)} figures, "
            f"{self.fought:,} wars, {self.ess:.0f} effective draws>"
        )

    @property
    def names(self) -> list[str]:
        """Names of the parameters; paths that share a value are joined by " = "."""
        return self.space.names

    @cached_property
    def _rows(self) -> Array:
        """Numbers of the points that are drawn, shape (chain, draw)."""
        chain = self.points["chain"]
        members = [np.flatnonzero(chain == c) for c in range(int(chain.max()) + 1)]
        if self.method == "emcee":
            return np.stack(members)
        random = np.random.default_rng(
            np.random.SeedSequence(self.seed.entropy, spawn_key=(*self.seed.spawn_key, 2**31))
        )
        rows = []
        for own in members:
            cumulated = np.cumsum(normalised(self.log_weight[own]))
            at = (random.random() + np.arange(_DRAWS)) / _DRAWS * cumulated[-1]
            rows.append(random.permutation(own[np.searchsorted(cumulated, at)]))
        return np.stack(rows)

    @cached_property
    def posterior(self) -> xr.Dataset:
        """Draws from the posterior, a variable a parameter with dimensions chain and draw.

        With importance sampling a chain is a fourth of the points, drawn from by their weights,
        so that chains agree as far as the estimate can be relied on.
        """
        values = self.space.values(self.points["z"])
        return self._drawn({name: values[name][self._rows] for name in self.names})

    @cached_property
    def log_likelihood(self) -> xr.Dataset:
        """The estimated log likelihood of each exchange, with dimensions chain and draw."""
        names = list(self.model.exchanges)
        return self._drawn(
            {name: self.points["groups"][self._rows, k] for k, name in enumerate(names)}
        )

    def _drawn(self, values: Mapping[str, Array]) -> xr.Dataset:
        import xarray as xr

        chains, draws = self._rows.shape
        return xr.Dataset(
            {name: (("chain", "draw"), column) for name, column in values.items()},
            {"chain": np.arange(chains), "draw": np.arange(draws)},
            {
                "inference_library": "escalate",
                "inference_library_version": self.versions.get("escalate", ""),
                "method": self.method,
                "seed": repr(self.seed),
                "wars_fought": self.fought,
                "effective_sample_size": self.ess,
            },
        )

    @cached_property
    def ess(self) -> float:
        """Independent draws that the points are worth. [draws]."""
        if self.method != "emcee":
            return ess(self.log_weight)
        return float(self._own_ess.min())

    @cached_property
    def _own_ess(self) -> Array:
        """Effective sample size of each parameter."""
        if self.method != "emcee":
            return np.full(len(self.names), self.ess)
        from emcee.autocorr import integrated_time

        z = self.points["z"][self._rows]
        time = np.array([integrated_time(z[:, :, j].T, tol=0)[0] for j in range(len(self.names))])
        return np.asarray(z.shape[0] * z.shape[1] / np.maximum(time, 1.0))

    @property
    def ess_per_war(self) -> float:
        """Effective draws for each war that was fought."""
        return self.ess / self.fought

    @cached_property
    def r_hat(self) -> dict[str, float]:
        """How much wider all chains together are than each by itself; 1 if they agree.

        Split-chain potential scale reduction of the parameters' normal scores.
        """
        z = self.points["z"][self._rows]
        half = z.shape[1] // 2
        parts = np.concatenate([z[:, :half], z[:, half : 2 * half]])
        within = parts.var(axis=1, ddof=1).mean(axis=0)
        between = parts.mean(axis=1).var(axis=0, ddof=1)
        ratio = np.sqrt((half - 1.0) / half + between / np.where(within > 0.0, within, math.nan))
        return dict(zip(self.names, ratio.tolist(), strict=True))

    @cached_property
    def log_evidence(self) -> tuple[float, float]:
        """Log of the chance of all reports under the prior, and its Monte Carlo error.

        Raises
        ------
        EscalateError
            A method that does not give it.
        """
        if self.method == "emcee":
            raise EscalateError("the method 'emcee' gives no evidence; 'population' does")
        return evidence_of(self.log_weight)

    @cached_property
    def _weight(self) -> Array:
        return normalised(self.log_weight)

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """Give mean, standard deviation and central interval of each parameter, and its verdict.

        Parameters
        ----------
        level : float, optional
            Chance that the interval holds. [-]

        Returns
        -------
        DataFrame
            A row a parameter.
        """
        import pandas as pd

        values = self.space.values(self.points["z"])
        tail = 0.5 * (1.0 - level)
        rows = {}
        for name in self.names:
            mean = float(self._weight @ values[name])
            low, high = _quantiles(values[name], self._weight, [tail, 1.0 - tail])
            rows[name] = {
                "mean": mean,
                "sd": math.sqrt(float(self._weight @ (values[name] - mean) ** 2)),
                "low": low,
                "high": high,
                "r_hat": self.r_hat[name],
            }
        frame = pd.DataFrame.from_dict(rows, orient="index")
        return frame.join(self.verdicts()[["verdict"]])

    def verdicts(self) -> pd.DataFrame:
        """Say of each parameter whether anything was learned about it.

        Returns
        -------
        DataFrame
            A row a parameter, in normal scores of its prior: `sd_ratio`, posterior over prior
            standard deviation, and `shift`, the posterior mean, each with its Monte Carlo error;
            `wasserstein`, the distance of posterior and prior, and `noise`, what that distance
            would be on average for as many draws from the prior; and the `verdict`.

        Notes
        -----
        *learned*: the standard deviation is at most half the prior's. *weakly learned*: not so,
        but the distance is at least 0.1 and twice the noise, or the standard deviation two of its
        errors below 0.9. *still the prior*: none of these. With fewer than 50 effective draws
        nothing is said.
        """
        import pandas as pd

        grid = np.linspace(-6.0, 6.0, 2401)
        prior = special.ndtr(grid)
        step = grid[1] - grid[0]
        # The mean of |F_n - F| for n draws is that of a normal with variance F(1 - F)/n.
        spread = math.sqrt(2.0 / math.pi) * np.sqrt(prior * (1.0 - prior)).sum() * step
        rows = {}
        for j, name in enumerate(self.names):
            z = self.points["z"][:, j]
            mean, sd = _moments(z, self._weight)
            batches = [_moments(z[b], normalised(self.log_weight[b])) for b in self._batches]
            errors = np.full(2, math.nan)
            if len(batches) > 1:
                errors = np.std(batches, axis=0, ddof=1) / math.sqrt(len(batches))
            order = np.argsort(z)
            cumulated = np.concatenate([[0.0], np.cumsum(self._weight[order])])
            distance = float(
                np.abs(cumulated[np.searchsorted(z[order], grid)] - prior).sum() * step
            )
            noise = spread / math.sqrt(self._own_ess[j])
            if self._own_ess[j] < 50.0:
                verdict = "too few draws to say"
            elif sd <= 0.5:
                verdict = "learned"
            elif distance >= max(0.1, 2.0 * noise) or sd + 2.0 * errors[1] <= 0.9:
                verdict = "weakly learned"
            else:
                verdict = "still the prior"
            rows[name] = {
                "sd_ratio": sd, "sd_error": float(errors[1]), "shift": mean,
                "shift_error": float(errors[0]), "wasserstein": distance, "noise": noise,
                "verdict": verdict,
            }  # fmt: skip
        return pd.DataFrame.from_dict(rows, orient="index")

    @cached_property
    def _batches(self) -> list[Array]:
        """Eight parts of the points, each an estimate by itself."""
        if self.method == "emcee":
            return list(np.array_split(np.argsort(self.points["chain"], kind="stable"), 8))
        parts = [np.arange(k, len(self.log_weight), 8) for k in range(8)]
        return [part for part in parts if np.isfinite(self.log_weight[part].max())]

    def predictive(self, level: float = 0.9) -> pd.DataFrame:
        """Hold every figure against what the posterior predicts for it.

        Parameters
        ----------
        level : float, optional
            Chance that a central interval holds. [-]

        Returns
        -------
        DataFrame
            A row a figure: what was `reported`; `low`, `median` and `high` of the number that
            would be reported, and `true_low` and `true_high` of what would happen; `prior_low`
            and `prior_high`, and `width_ratio`, the width over that of the prior predictive;
            `inside`, whether the interval meets what the words admit; `chance`, of a number that
            the words admit; `found`, the part of wars with anything to compare; and `counted`,
            whether the figure was used for the fit.

        Notes
        -----
        Predicted are wars that the weights of the points do not know.
        """
        import pandas as pd

        return pd.DataFrame.from_dict(
            {
                figure.id: self._predicted(i, self.log_weight, level)
                for i, figure in enumerate(self.model.figures)
            },
            orient="index",
        )

    @cached_property
    def _said(self) -> tuple[Array, Array]:
        """Numbers that would be reported, under posterior and prior."""
        out = []
        for number, kind in enumerate(("", "prior_")):
            key = (*self.seed.spawn_key, 2**31 + 1 + number)
            random = np.random.default_rng(np.random.SeedSequence(self.seed.entropy, spawn_key=key))
            values = self.space.values(self.points[f"{kind}z"])
            out.append(self.model.said(self.points[f"{kind}fresh"], values, random))
        return out[0], out[1]

    def _predicted(self, i: int, log_weight: Array, level: float) -> dict[str, Any]:
        """Give the row of a figure in `predictive`."""
        figure = self.model.figures[i]
        tail = 0.5 * (1.0 - level)
        ends = [tail, 0.5, 1.0 - tail]
        weight = np.repeat(normalised(log_weight)[:, None], FRESH, axis=1).ravel() / FRESH
        said, truths = self._said[0][..., i].ravel(), self.points["fresh"][..., i].ravel()
        prior = self._said[1][..., i].ravel()
        there = ~np.isnan(said)
        found = float(weight[there].sum())
        low, median, high = _quantiles(said[there], weight[there], ends)
        true_low, _, true_high = _quantiles(truths[there], weight[there], ends)
        prior = prior[~np.isnan(prior)]
        prior_low, _, prior_high = _quantiles(prior, np.ones(len(prior)), ends)
        reports = getattr(self.model, "reports", None)
        least, most = figure.bounds if reports is None else reports[i]
        width = prior_high - prior_low
        return {
            "reported": figure.describe() if reports is None else f"{least:g} to {most:g}",
            "low": low, "median": median, "high": high,
            "true_low": true_low, "true_high": true_high,
            "prior_low": prior_low, "prior_high": prior_high,
            "width_ratio": (high - low) / width if width > 0.0 else math.nan,
            "inside": bool(found >= 1.0 - level and low <= most and least <= high),
            "chance": float(weight[there] @ ((said[there] >= least) & (said[there] <= most))),
            "found": found,
            "counted": any(i in members for members in self.model.exchanges.values()),
        }  # fmt: skip

    def leave_out(self, level: float = 0.9) -> pd.DataFrame:
        """Predict each exchange from all others.

        Parameters
        ----------
        level : float, optional
            Chance that a central interval holds. [-]

        Returns
        -------
        DataFrame
            A row a figure, with those of its exchange together: the columns of `predictive`,
            the `exchange`, its `log_score` (log chance of its reports given all others), and the
            `ess` that the points are worth without it.

        Notes
        -----
        Points are weighed anew without the exchange's likelihood, which is exact as far as
        `ess` is large; below 50 it is better to calibrate again without the exchange's figures.
        """
        import pandas as pd

        if not self.model.figures:
            raise EscalateError("a fit without figures has none to leave out")
        rows = {}
        for k, (name, members) in enumerate(self.model.exchanges.items()):
            own = self.points["groups"][:, k]
            with np.errstate(invalid="ignore"):
                weight = np.where(np.isfinite(own), self.log_weight - own, -math.inf)
            score = special.logsumexp(self.log_weight) - special.logsumexp(weight)
            for i in members:
                row = self._predicted(i, weight, level)
                del row["counted"]
                rows[self.model.figures[i].id] = {
                    "exchange": name, "log_score": float(score), "ess": ess(weight), **row,
                }  # fmt: skip
        return pd.DataFrame.from_dict(rows, orient="index")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save the fit as one netCDF file, whole or not at all.

        Parameters
        ----------
        path : str or path
            Where to; an existing file is replaced.

        Returns
        -------
        Path
        """
        import xarray as xr

        target = Path(path)
        record = {
            "format": 1,
            "method": self.method,
            "seed": [str(self.seed.entropy), list(self.seed.spawn_key)],
            "wars": self.wars,
            "fought": self.fought,
            "priors": self.space.described(),
            "history": self.history,
            "versions": dict(self.versions),
            "model": self.model.record(),
        }
        dims = {
            "z": ("point", "parameter"), "groups": ("point", "exchange"),
            "fresh": ("point", "war", "figure"), "chain": ("point",),
            "prior_fresh": ("prior_point", "war", "figure"),
            "prior_z": ("prior_point", "parameter"),
        }  # fmt: skip
        arrays = {name: (dims[name], np.asarray(values)) for name, values in self.points.items()}
        arrays["chain"] = (("point",), self.points["chain"].astype(np.int32))
        dataset = xr.Dataset(
            arrays | {"log_weight": (("point",), self.log_weight)},
            attrs={"record": json.dumps(record)},
        )
        part = target.with_name(f".{target.name}.part")
        try:
            dataset.to_netcdf(part, engine="scipy", format="NETCDF3_64BIT")
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
        return target


def load_fit(path: str | os.PathLike[str]) -> Fit:
    """Load a saved fit.

    Parameters
    ----------
    path : str or path
        What `Fit.save` wrote.

    Returns
    -------
    Fit

    Raises
    ------
    ResultError
        No saved fit there, or one that is damaged.
    """
    try:
        import xarray as xr

        with xr.open_dataset(io.BytesIO(Path(path).read_bytes()), engine="scipy") as opened:
            dataset = opened.load()
        record = json.loads(dataset.attrs["record"])
        if record["format"] != 1:
            raise ValueError(f"it has format {record['format']!r}, and this version reads 1")
        points = {str(n): v.to_numpy() for n, v in dataset.data_vars.items() if n != "log_weight"}
        return Fit(
            _recorded(record["model"], str(path)),
            Space({name: _law(said) for name, said in record["priors"].items()}),
            record["method"],
            Seed(int(record["seed"][0]), tuple(record["seed"][1])),
            record["wars"],
            record["fought"],
            points,
            dataset["log_weight"].to_numpy(),
            record["history"],
            record["versions"],
        )
    except Exception as error:
        problem = Problem(str(path), f"is no saved fit, or a damaged one: {error};")
        raise ResultError([problem]) from error


def _law(said: Mapping[str, Any]) -> Any:
    """Give a frozen distribution from its description."""
    from scipy import stats

    return getattr(stats, said["law"])(*said["args"], **said["kwds"])


def _recorded(record: Mapping[str, Any], file: str) -> Model:
    """Give a model from its record."""
    figures = []
    for row in record["figures"]:
        dates = {
            name: date.fromisoformat(row[name])
            for name in ("date_start", "date_end", "claimed_on")
            if row[name] is not None
        }
        figures.append(Figure(**{**row, **dates}))
    seen = dict(record["observation"])
    seen["heaping"] = {int(k): v for k, v in seen["heaping"].items()}
    reports = record["reports"]
    return Model(
        read_scenario(record["scenario"], file),
        tuple(figures),
        Observation(**seen),
        record["together"],
        None if reports is None else np.array(reports),
    )


def _moments(z: Array, weight: Array) -> tuple[float, float]:
    mean = float(weight @ z)
    return mean, math.sqrt(float(weight @ (z - mean) ** 2))


def _quantiles(values: Array, weight: Array, levels: list[float]) -> list[float]:
    """Give weighted quantiles by order statistics: those of a count are counts."""
    if len(values) == 0:
        return [math.nan] * len(levels)
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weight[order])
    at = np.searchsorted(cumulated, np.array(levels) * cumulated[-1] * (1.0 - 1e-12))
    return [float(v) for v in values[order][np.minimum(at, len(values) - 1)]]


def optimise(
    scenario: Scenario | Model,
    figures: Iterable[Figure] | None = None,
    priors: Mapping[Paths, Any] | None = None,
    *,
    budget: int = 50_000,
    wars: int = 24,
    rng: object = None,
    workers: int | None = None,
    observation: Observation | None = None,
    together: str = "exchange",
    progress: Progress = None,
) -> tuple[dict[str, float], float]:
    """Find the parameters of highest posterior density, quickly and without any error bars.

    Parameters
    ----------
    scenario, figures, priors, rng, workers, observation, together, progress
        As for `calibrate`.
    budget : int, optional
        Wars to fight, about. [wars]
    wars : int, optional
        Wars that judge a point, the same for all points. [wars]

    Returns
    -------
    dict of str to float
        Parameters by name.
    float
        Their log posterior density in normal scores, without the evidence.

    Notes
    -----
    Differential evolution of scipy, begun from draws of the prior. As all points see wars of the
    same randomness, it climbs a hill that stands still; its top is that of these wars alone.

    Examples
    --------
    >>> import escalate as esc
    >>> from scipy import stats
    >>> scenario = esc.load_scenario("february-2023")
    >>> path = "sides.UA.targets.pokrovsk.killed_per_hit"
    >>> best, _ = optimise(scenario, priors={path: stats.lognorm(1.0)}, budget=5_000, rng=1)
    >>> 0.1 < best[path] < 10.0
    True
    """
    from scipy.optimize import Bounds, differential_evolution

    job = job_of(
        scenario, figures, priors, "prior", max(budget, 1), wars, rng, workers, observation,
        together, None, progress,
    )  # fmt: skip
    d = len(job.space)
    size = max(8, min(5 * d, budget // (wars * 10)))
    rounds = max(budget // (wars * size) - 1, 1)
    job.points = size * (rounds + 1) * wars // (wars + FRESH)
    done = 0

    def cost(columns: Array) -> Any:
        nonlocal done
        z = np.asarray(columns).T
        values = job.space.values(z)
        truths = job.model.truths(values, wars, job.seed, common=True, workers=job.workers)
        done += len(z)
        job.note(min(done * wars // (wars + FRESH), job.points))
        return np.asarray(-(job.model.log_likelihood(truths, values).sum(axis=1) + log_normal(z)))

    start = np.clip(job.rng(0).standard_normal((size, d)), -3.9, 3.9)
    start[0] = 0.0
    try:
        # A column a point, so that all of a round are fought at once.
        found = differential_evolution(  # type: ignore[call-overload, unused-ignore]
            cost, Bounds(np.full(d, -4.0), np.full(d, 4.0)), init=start, maxiter=rounds,
            rng=job.rng(1), polish=False, vectorized=True, updating="deferred", tol=1e-6,
        )  # fmt: skip
    finally:
        job.close()
    best = job.space.values(found.x[None])
    return {name: column[0].item() for name, column in best.items()}, -float(found.fun)
