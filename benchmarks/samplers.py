"""Compare samplers for a likelihood that is itself estimated by simulation.

    python benchmarks/samplers.py [toy] [winter] > benchmarks/samplers.txt

Needs nautilus-sampler, dynesty, emcee and pyabc beside the library. Two problems:

toy     theta ~ normal(0, 1), y ~ normal(theta, 1), y = 1.5 accepted within 0.5; the posterior is
        known (`escalate.theory.inference.abc_normal_posterior`). A point is judged by 10 data.
winter  five parameters of the winter of 2023-24 and its 38 figures; a point is judged by 24
        wars, so that the log likelihood has a standard deviation of about 1.5 around the truth.
        The reference is importance sampling from the prior with ten times the budget.

All samplers see the same function: a batch of points in, random log likelihoods out, each
call with randomness of its own. A sampler that takes its likelihood for exact is punished for
it here, as it would be in use. `same` says whether two runs with one seed are the same to the
last bit; `off` is the largest distance of a posterior mean from the known one or the reference,
and `sd` the largest and smallest ratio of standard deviations, in normal scores of the prior.
"""

import sys
import time
import warnings

import numpy as np
from scipy import special, stats

import escalate as esc
from escalate.calibration import METHODS, Model, calibrate
from escalate.calibration.model import Space
from escalate.comparison import figures_of
from escalate.randomness import Seed
from escalate.theory.inference import abc_normal_posterior

warnings.simplefilter("ignore")

PRIORS = {
    "sides.UA.layers.medium_range.kill_prob.cruise": stats.beta(5.6, 2.4),
    ("sides.UA.targets.kyiv.killed_per_hit", "sides.UA.targets.kharkiv.killed_per_hit"):
        stats.lognorm(0.7, scale=0.35),
    "sides.RU.targets.border_city.killed_per_hit": stats.lognorm(0.7, scale=1.05),
    "sides.RU.plans.vowed.size": stats.lognorm(0.4, scale=90.0),
    "observation.bias_log.UA officials": stats.norm(0.0, 0.2),
}  # fmt: skip


class Toy:
    """A normal mean, seen through one datum."""

    wars, points = 10, 4000

    def __init__(self):
        self.figures = esc.shipped_figures()[:1]
        self.exchanges = {"datum": [0]}
        self.priors = {"theta": stats.norm()}

    def check(self, paths, values):
        pass

    def truths(self, values, wars, seed, *, first=0, common=False, workers=1):
        key = (*seed.spawn_key, first)
        rng = np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=key))
        return values["theta"][:, None, None] + rng.standard_normal((len(values["theta"]), wars, 1))

    def log_likelihood(self, truths, values):
        with np.errstate(divide="ignore"):
            return np.log((np.abs(truths[..., 0] - 1.5) <= 0.5).mean(axis=1))[:, None]

    def said(self, truths, values, rng):
        return truths


class Winter(Model):
    wars, points = 24, 4000
    priors = PRIORS


def reference(model):
    """Give mean and standard deviation of each parameter's score."""
    if isinstance(model, Toy):
        known = abc_normal_posterior(1.5, 0.5)
        return np.array([known.mean]), np.array([known.sd]), 0.0
    budget = 10 * model.points * (model.wars + 4)
    fit = calibrate(model, priors=model.priors, method="prior", budget=budget, wars=model.wars,
                    rng=99)  # fmt: skip
    table = fit.verdicts()
    print(f"reference: ESS {fit.ess:.0f}, error of its means up to "
          f"{table['shift_error'].max():.3f}, log evidence {fit.log_evidence[0]:.2f} "
          f"+- {fit.log_evidence[1]:.2f}\n")  # fmt: skip
    return table["shift"].to_numpy(), table["sd_ratio"].to_numpy(), fit.log_evidence[0]


class Likelihood:
    """Random log likelihoods of batches of points, by the number of the call."""

    def __init__(self, model, seed):
        self.model, self.space = model, Space(model.priors)
        self.seed, self.calls, self.points = Seed.of(seed), 0, 0

    def __call__(self, z):
        z = np.atleast_2d(np.asarray(z, dtype=float))
        out = np.full(len(z), -1e10)
        near = np.flatnonzero((np.abs(z) < 6.5).all(axis=1))
        if len(near):
            own = Seed(self.seed.entropy, (self.calls,))
            values = self.space.values(z[near])
            truths = self.model.truths(values, self.model.wars, own, workers=2)
            found = self.model.log_likelihood(truths, values).sum(axis=1)
            out[near] = np.maximum(found, -1e10)
        self.calls += 1
        self.points += len(z)
        return out


def by_nautilus(model, seed):
    import nautilus

    likelihood = Likelihood(model, seed)
    d = len(likelihood.space)
    extra = d == 1  # it wants two parameters at least: one that nothing depends on
    sampler = nautilus.Sampler(
        special.ndtri, lambda z: likelihood(z[:, :d]), n_dim=d + extra,
        n_live=min(500, model.points // 8),
        vectorized=True, pass_dict=False, seed=seed, n_networks=1,
    )  # fmt: skip
    sampler.run(verbose=False, discard_exploration=True, n_like_max=model.points, n_eff=10**6)
    z, log_weight, _ = sampler.posterior()
    return z[:, :d], log_weight, likelihood.points, sampler.log_z


def by_dynesty(model, seed):
    import dynesty

    likelihood = Likelihood(model, seed)
    d = len(likelihood.space)
    sampler = dynesty.NestedSampler(
        lambda z: float(likelihood(z)[0]), special.ndtri, d, nlive=max(model.points // 20, 50),
        rstate=np.random.default_rng(seed),
    )  # fmt: skip
    sampler.run_nested(print_progress=False, maxcall=model.points)
    found = sampler.results
    return found.samples, found.logwt, likelihood.points, found.logz[-1]


def by_emcee(model, seed):
    fit = calibrate(model, priors=model.priors, method="emcee", wars=model.wars, rng=seed,
                    budget=model.points * (model.wars + 4))  # fmt: skip
    return fit.points["z"], fit.log_weight, fit.fought // (model.wars + 4), np.nan, fit.ess


def by_population(model, seed):
    fit = calibrate(model, priors=model.priors, wars=model.wars, rng=seed,
                    budget=model.points * (model.wars + 4))  # fmt: skip
    return fit.points["z"], fit.log_weight, model.points, fit.log_evidence[0]


def by_pyabc(model, seed):
    import logging
    import tempfile

    import pyabc
    from pyabc.distance.kernel import SCALE_LOG, FunctionKernel

    logging.getLogger("ABC").setLevel(logging.ERROR)
    likelihood = Likelihood(model, seed)
    d = len(likelihood.space)
    # Its acceptor needs to know how likely the reports are at most.
    top = 0.0 if isinstance(model, Toy) else float(likelihood(np.zeros((64, d))).max()) + 2.0
    np.random.seed(seed)
    prior = pyabc.Distribution(**{f"z{j}": pyabc.RV("norm", 0.0, 1.0) for j in range(d)})

    def simulated(point):
        return {"log": float(likelihood([point[f"z{j}"] for j in range(d)])[0])}

    kernel = FunctionKernel(
        lambda x, x_0, t=None, par=None: x["log"], ret_scale=SCALE_LOG, pdf_max=top
    )
    abc = pyabc.ABCSMC(
        simulated, prior, kernel, population_size=max(model.points // 20, 50),
        eps=pyabc.Temperature(), acceptor=pyabc.StochasticAcceptor(),
        sampler=pyabc.SingleCoreSampler(),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        abc.new(f"sqlite:///{folder}/abc.db", {"log": 0.0})
        history = abc.run(max_total_nr_simulations=model.points, max_nr_populations=20)
        frame, weight = history.get_distribution(t=history.max_t)
        eps = history.get_all_populations()["epsilon"].iloc[-1]
    print(f"    pyabc ended at temperature {eps:.3g}")
    with np.errstate(divide="ignore"):
        return frame.to_numpy(), np.log(np.asarray(weight)), likelihood.points, np.nan


SAMPLERS = {
    "population": by_population, "emcee": by_emcee, "nautilus": by_nautilus,
    "dynesty": by_dynesty, "pyabc": by_pyabc,
}  # fmt: skip


def compare(model, runs):
    """Print a line a sampler."""
    mean, sd, evidence = reference(model)
    print(f"{'sampler':<12}{'seconds':>9}{'points':>8}{'ESS':>7}{'ESS/1000 wars':>15}"
          f"{'off':>7}{'sd':>13}{'log Z':>9}  same")  # fmt: skip
    for name, sample in SAMPLERS.items():
        found, lines = [], []
        for seed in [1, *range(1, runs + 1)]:
            start = time.perf_counter()
            try:
                z, log_weight, points, log_z, *ess = sample(model, seed)
            except Exception as error:
                print(f"{name:<12} failed: {type(error).__name__}: {error}")
                break
            taken = time.perf_counter() - start
            weight = np.exp(log_weight - special.logsumexp(log_weight))
            ess = ess[0] if ess else 1.0 / (weight**2).sum()
            own = weight @ z
            own_sd = np.sqrt(weight @ (z - own) ** 2)
            found.append((z, log_weight))
            lines.append((taken, points, ess, ess / points / model.wars * 1000.0,
                          np.abs(own - mean).max(), (own_sd / sd).min(), (own_sd / sd).max(),
                          log_z - evidence))  # fmt: skip
        else:
            same = all(np.array_equal(a, b) for a, b in zip(*found[:2], strict=True))
            for line in lines[1:]:
                print(f"{name:<12}{line[0]:9.1f}{line[1]:8.0f}{line[2]:7.0f}{line[3]:15.2f}"
                      f"{line[4]:7.2f}{line[5]:6.2f}-{line[6]:5.2f}{line[7]:+10.2f}"
                      f"  {'yes' if same else 'NO'}", flush=True)  # fmt: skip


def main(which):
    print(__doc__.split("\n\n")[2], "\n")
    for name, text in METHODS.items():
        print(f"method {name!r}: {text}")
    if "toy" in which:
        print("\nTOY (log Z is the log evidence itself; -1.83 is known)\n")
        compare(Toy(), 3)
    if "winter" in which:
        print("\nWINTER\n")
        scenario = esc.load_scenario("winter-2023-24")
        compare(Winter(scenario, figures_of(scenario)), 2)


if __name__ == "__main__":
    main(sys.argv[1:] or ["toy", "winter"])
