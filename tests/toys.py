"""Simulators with known posteriors, in the place of wars."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

import escalate as esc

PRIORS = {"theta": stats.norm()}


@dataclass(frozen=True)
class Normal:
    """A normal mean seen through data, each accepted within a distance; 0 for its density."""

    tolerance: float = 0.0
    data: tuple[float, ...] = (1.5,)
    shift: float = 0.0

    @property
    def figures(self):
        return esc.shipped_figures()[: len(self.data)]

    @property
    def exchanges(self):
        return {f"datum {i}": [i] for i in range(len(self.data))}

    def check(self, paths, values):
        pass

    def truths(self, values, wars, seed, *, first=0, common=False, workers=1):
        out = np.empty((len(values["theta"]), wars, len(self.data)))
        for i, theta in enumerate(values["theta"]):
            key = (*seed.spawn_key, 0 if common else first + i)
            rng = np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=key))
            out[i] = theta + rng.standard_normal(out[i].shape)
        return out

    def log_likelihood(self, truths, values):
        data = np.array(self.data)
        if self.tolerance == 0.0:
            return stats.norm.logpdf(data - self.shift, values["theta"][:, None])
        with np.errstate(divide="ignore"):
            return np.log((np.abs(truths - data) <= self.tolerance).mean(axis=1))

    def with_reports(self, reports):
        return replace(self, data=tuple(reports[:, 0]))

    def simulated_reports(self, truths, values, rng):
        return np.repeat(truths[:, :, None], 2, axis=2)

    def record(self):
        return {"tolerance": self.tolerance, "data": list(self.data), "shift": self.shift}

    def said(self, truths, values, rng):
        return truths


@dataclass(frozen=True)
class Hidden(Normal):
    """The same seen through noise, so that its likelihood is random and right on average."""

    noise: float = 0.5

    def log_likelihood(self, truths, values):
        each = stats.norm.logpdf(np.array(self.data), truths, self.noise)
        return special.logsumexp(each, axis=1) - np.log(truths.shape[1])

    @property
    def law(self):
        """Joint law of the data under the prior."""
        n = len(self.data)
        return stats.multivariate_normal(np.zeros(n), np.eye(n) * (1.0 + self.noise**2) + 1.0)
