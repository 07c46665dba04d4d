"""Whether the method finds what it is known to have been given."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.calibration.fit import Fit, calibrate
from escalate.calibration.model import (
    Array,
    Model,
    Paths,
    Space,
    Values,
    ess,
    model_of,
    normalised,
)
from escalate.calibration.sampling import BATCH, Progress, job_of
from escalate.errors import EscalateError
from escalate.figures import Figure
from escalate.observation import Observation
from escalate.randomness import Seed
from escalate.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SBC", "PriorTable", "Recovery", "prior_table", "recovery", "sbc"]


@dataclass(frozen=True, eq=False)
class SBC:
    """Ranks of true parameters among draws from the posteriors of simulated reports."""

    names: list[str]
    """Parameters."""
    draws: int
    """Posterior draws a data set; ranks go from 0 to this."""
    ranks: Array
    """Shape (data sets, parameters)."""
    truths: Array
    """The true parameters in normal scores, shape (data sets, parameters)."""
    means: Array
    """Posterior means in normal scores."""
    sds: Array
    """Posterior standard deviations in normal scores."""
    below: Array
    """Share of the posterior below the truth, shape (data sets, parameters). [-]"""
    ess: Array
    """Effective draws behind the posterior of each data set."""
    scale: float
    """What the posterior's deviations from its mean were multiplied by; 1 for the real one."""

    def test(self, bins: int | None = None) -> pd.DataFrame:
        """Test whether ranks are uniform.

        Parameters
        ----------
        bins : int, optional
            Bins for the chi-squared test, a divisor of the number of ranks; as many as leave 20
            data sets or more in each if not given.

        Returns
        -------
        DataFrame
            A row a parameter: `chi2`, its `p`, and `ks_p` of Kolmogorov and Smirnov.
        """
        import pandas as pd
        from scipy import stats

        count = self.bins if bins is None else bins
        if count < 2 or (self.draws + 1) % count:
            raise EscalateError(
                f"`bins` must divide {self.draws + 1} and be 2 or more, but got {count}"
            )
        rows = {}
        # A uniform decimal part makes a continuous number of a rank.
        parts = np.asarray(np.random.default_rng(len(self.ranks)).random(self.ranks.shape))
        for j, name in enumerate(self.names):
            seen = self.histogram(j, count)
            found = stats.chisquare(seen)
            u = (self.ranks[:, j] + parts[:, j]) / (self.draws + 1)
            rows[name] = {
                "chi2": found.statistic,
                "p": found.pvalue,
                "ks_p": stats.kstest(u, "uniform").pvalue,
            }
        return pd.DataFrame.from_dict(rows, orient="index")

    @property
    def bins(self) -> int:
        """Bins of the histograms."""
        most = max(len(self.ranks) // 20, 2)
        fitting = [b for b in range(2, self.draws + 2) if (self.draws + 1) % b == 0 and b <= most]
        return max(fitting, default=self.draws + 1)

    def histogram(self, parameter: int, bins: int | None = None) -> Array:
        """Count the ranks of a parameter in equal bins.

        Parameters
        ----------
        parameter : int
            Its number.
        bins : int, optional
            How many bins.

        Returns
        -------
        ndarray of int64, shape (bins,)
        """
        count = self.bins if bins is None else bins
        width = (self.draws + 1) // count
        return np.bincount(self.ranks[:, parameter] // width, minlength=count)

    def uniform(self, alpha: float = 0.01) -> bool:
        """Tell whether no parameter's ranks are found not to be uniform.

        Parameters
        ----------
        alpha : float, optional
            Chance of a false alarm over both tests of all parameters together, at most
            (Bonferroni), if there are many more points than data sets. [-]
        """
        table = self.test()
        return bool(table[["p", "ks_p"]].to_numpy().min() > alpha / (2 * len(self.names)))

    def ecdf(self, alpha: float = 0.05) -> tuple[Array, Array, float]:
        """Give the ranks' distribution function less that of uniform ranks.

        Parameters
        ----------
        alpha : float, optional
            Chance that uniform ranks leave the band somewhere, about. [-]

        Returns
        -------
        ndarray of float64, shape (draws + 1,)
            Share of ranks, from 1/(draws + 1) to 1.
        ndarray of float64, shape (draws + 1, parameters)
            Differences.
        float
            Half width of the band around 0 (Kolmogorov).
        """
        from scipy import stats

        at = np.arange(1, self.draws + 2) / (self.draws + 1)
        upto = self.ranks[:, None, :] < np.arange(1, self.draws + 2)[None, :, None]
        band = stats.kstwo(len(self.ranks)).isf(alpha)
        return at, upto.mean(axis=0) - at[:, None], float(band)

    def recovered(self) -> pd.DataFrame:
        """Say how well the true parameters were found.

        Returns
        -------
        DataFrame
            A row a parameter: `correlation` of posterior mean and truth, `error` (root mean
            square, in standard deviations of the prior), `sd` (mean posterior one), and
            `coverage_50` and `coverage_90`, how often central intervals held the truth.
        """
        import pandas as pd

        rows = {}
        for j, name in enumerate(self.names):
            off = self.means[:, j] - self.truths[:, j]
            rows[name] = {
                "correlation": float(np.corrcoef(self.means[:, j], self.truths[:, j])[0, 1]),
                "error": float(np.sqrt((off * off).mean())),
                "sd": float(self.sds[:, j].mean()),
                "coverage_50": float((np.abs(self.below[:, j] - 0.5) < 0.25).mean()),
                "coverage_90": float((np.abs(self.below[:, j] - 0.5) < 0.45).mean()),
            }
        return pd.DataFrame.from_dict(rows, orient="index")


@dataclass(frozen=True, eq=False)
class PriorTable:
    """Wars of points from the prior, and reports of other wars to be explained by them."""

    model: Any
    """Scenario, figures and observation model."""
    space: Space
    """The priors."""
    z: Array
    """Points in normal scores, shape (points, parameters)."""
    values: Values
    """The same as parameters."""
    truths: Array
    """What happened in their wars, shape (points, wars, figures)."""
    true: Array
    """Points that reports were made with, shape (replications, parameters)."""
    reports: Array
    """Those reports, shape (replications, figures, 2)."""
    random: np.random.Generator
    """What further draws are made with."""
    workers: int
    """Threads."""

    def log_likelihood(self, report: Array) -> Array:
        """Give the log chance of reports under each point, shape (points,)."""
        model = self.model.with_reports(report)
        return np.asarray(model.log_likelihood(self.truths, self.values).sum(axis=1))


def prior_table(
    scenario: Scenario | Model,
    figures: Iterable[Figure] | None,
    priors: Mapping[Paths, Any] | None,
    *,
    replications: int,
    points: int,
    wars: int,
    rng: object = None,
    workers: int | None = None,
    observation: Observation | None = None,
    together: str = "exchange",
    progress: Progress = None,
) -> PriorTable:
    """Fight wars of points from the prior; parameters are those of `sbc`."""
    for name, value in (("replications", replications), ("points", points)):
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise EscalateError(f"`{name}` must be a whole number, 1 or more, but got {value!r}")
    job = job_of(
        scenario, figures, priors, "prior", 2**62, wars, rng, workers, observation, together,
        None, progress,
    )  # fmt: skip
    model, space, d = job.model, job.space, len(job.space)
    random = job.rng(0)
    z, true = random.standard_normal((points, d)), random.standard_normal((replications, d))
    total = points * wars + replications
    done = 0

    def note(more: int) -> None:
        nonlocal done
        done += more
        if callable(progress):
            progress(done, total)

    def fought(rows: Array, number: int, key: int) -> Array:
        seed = Seed(job.seed.entropy, (*job.seed.spawn_key, key))
        parts = []
        for begin in range(0, len(rows), BATCH):
            own = rows[begin : begin + BATCH]
            parts.append(
                model.truths(space.values(own), number, seed, first=begin, workers=job.workers)
            )
            note(len(own) * number)
        return np.concatenate(parts)

    values, truths = space.values(z), fought(z, wars, 0)
    worlds = fought(true, 1, 1)[:, 0]
    reports = model.simulated_reports(worlds, space.values(true), random)
    return PriorTable(model, space, z, values, truths, true, reports, random, job.workers)


def sbc(
    scenario: Scenario | Model,
    figures: Iterable[Figure] | None = None,
    priors: Mapping[Paths, Any] | None = None,
    *,
    replications: int = 500,
    draws: int = 19,
    points: int = 4_000,
    wars: int = 16,
    scale: float = 1.0,
    rng: object = None,
    workers: int | None = None,
    observation: Observation | None = None,
    together: str = "exchange",
    progress: Progress = None,
) -> SBC:
    """Check by simulation whether posteriors are calibrated.

    True parameters are drawn from the prior, a war is fought with each, reports worded like the
    figures are drawn of it, and the posterior of these reports is found. If all is right the rank
    of the true parameter among posterior draws is uniform.

    Parameters
    ----------
    scenario, figures, priors, rng, workers, observation, together, progress
        As for `calibrate`.
    replications : int, optional
        Data sets.
    draws : int, optional
        Posterior draws a data set.
    points : int, optional
        Points from the prior that all posteriors are made of, by the weights that
        ``calibrate(method="prior")`` gives them; several times as many as data sets, lest what
        these share pass for a fault.
    wars : int, optional
        Wars that judge a point.
    scale : float, optional
        Deviations of the posterior from its mean are multiplied by it: with other than 1 it is
        broken on purpose, to see that this is found. ``0.5**0.5`` halves the variance. [-]

    Returns
    -------
    SBC

    References
    ----------
    S. Talts, M. Betancourt, D. Simpson, A. Vehtari, A. Gelman, Validating Bayesian inference
    algorithms with simulation-based calibration, arXiv:1804.06788, 2018.

    Examples
    --------
    >>> import escalate as esc
    >>> from scipy import stats
    >>> scenario = esc.load_scenario("february-2023")
    >>> path = "sides.UA.targets.pokrovsk.killed_per_hit"
    >>> found = sbc(scenario, priors={path: stats.lognorm(1.0)}, replications=40, points=200, rng=1)
    >>> found.ranks.shape
    (40, 1)
    """
    if not isinstance(draws, (int, np.integer)) or draws < 1:
        raise EscalateError(f"`draws` must be a whole number, 1 or more, but got {draws!r}")
    if not 0.0 < scale < math.inf:
        raise EscalateError(f"`0 < scale` must hold, but got {scale!r}")
    table = prior_table(
        scenario, figures, priors, replications=replications, points=points, wars=wars, rng=rng,
        workers=workers, observation=observation, together=together, progress=progress,
    )  # fmt: skip
    z, true, d = table.z, table.true, len(table.space)
    ranks = np.empty((replications, d), dtype=np.int64)
    means, sds = np.empty((replications, d)), np.empty((replications, d))
    # Random numbers of each data set by itself, so that threads may take them in any order.
    uniforms = table.random.random((replications, draws + d))

    def one(r: int) -> None:
        likelihood = table.log_likelihood(table.reports[r])
        weight = normalised(likelihood)
        mean = weight @ z
        means[r], sds[r] = mean, np.sqrt(weight @ (z - mean) ** 2)
        picked = z[np.minimum(np.searchsorted(np.cumsum(weight), uniforms[r, :draws]), points - 1)]
        drawn = mean + scale * (picked - mean)
        below[r] = weight @ (mean + scale * (z - mean) < true[r])
        ranks[r] = (drawn < true[r]).sum(axis=0)
        effective[r] = ess(likelihood)

    below, effective = np.empty((replications, d)), np.empty(replications)
    with ThreadPoolExecutor(table.workers) as pool:
        list(pool.map(one, range(replications)))
    return SBC(table.space.names, draws, ranks, true, means, sds, below, effective, float(scale))


@dataclass(frozen=True, eq=False)
class Recovery:
    """What calibrations found of parameters that are known."""

    table: pd.DataFrame
    """A row a data set and parameter: `truth`, `mean`, `low`, `high`, `inside`."""
    fits: list[Fit]
    """The calibrations."""


def recovery(
    scenario: Scenario | Model,
    figures: Iterable[Figure] | None = None,
    priors: Mapping[Paths, Any] | None = None,
    *,
    replications: int = 5,
    level: float = 0.9,
    rng: object = None,
    observation: Observation | None = None,
    together: str = "exchange",
    **how: Any,
) -> Recovery:
    """Calibrate on simulated reports, and see whether the parameters that made them are found.

    Parameters
    ----------
    scenario, figures, priors, observation, together
        As for `calibrate`.
    replications : int, optional
        Data sets, each of parameters drawn from the prior.
    level : float, optional
        Chance that the intervals hold. [-]
    rng : int, SeedSequence, Generator or None, optional
        Randomness as in SPEC 7.
    **how
        Passed on to `calibrate`: `method`, `budget`, `wars`, `workers`, `progress`.

    Returns
    -------
    Recovery
    """
    import pandas as pd

    model, space = model_of(scenario, figures, observation, together), Space(priors or {})
    seed = Seed.of(rng)
    random = np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key))
    z = random.standard_normal((replications, len(space)))
    values = space.values(z)
    wars = model.truths(values, 1, Seed(seed.entropy, (*seed.spawn_key, 0)))[:, 0]
    reports = model.simulated_reports(wars, values, random)
    rows, fits = [], []
    for r in range(replications):
        own = Seed(seed.entropy, (*seed.spawn_key, 1, r))
        fit = calibrate(model.with_reports(reports[r]), priors=priors, rng=own, **how)
        fits.append(fit)
        for name, row in fit.summary(level).iterrows():
            truth = values[str(name)][r].item()
            rows.append(
                {
                    "data_set": r, "parameter": name, "truth": truth, "mean": row["mean"],
                    "low": row["low"], "high": row["high"],
                    "inside": bool(row["low"] <= truth <= row["high"]),
                }
            )  # fmt: skip
    return Recovery(pd.DataFrame(rows), fits)
