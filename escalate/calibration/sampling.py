"""How points are drawn and weighed: in generations that are kept as they are finished."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from escalate.calibration.model import (
    AND,
    Array,
    Paths,
    Space,
    ess,
    log_normal,
    model_of,
    normalised,
)
from escalate.errors import EscalateError, Problem, ResultError, closest
from escalate.figures import Figure
from escalate.observation import Observation
from escalate.randomness import Seed
from escalate.results import versions

__all__ = ["BATCH", "CHAINS", "FRESH", "METHODS", "WARS", "Job", "Progress", "job_of", "sampled"]

Progress = bool | Callable[[int, int], None] | None

METHODS: Mapping[str, str] = {
    "population": "importance sampling from a proposal fitted to earlier generations of points",
    "prior": "importance sampling from the prior",
    "emcee": "the affine-invariant ensemble sampler of emcee, with a likelihood that is random",
}
"""Ways to sample, by name."""

WARS = 48
"""Wars that judge a point."""
FRESH = 4
"""Wars of each point that its weight does not know, for predictions."""
BATCH = 64
"""Points whose wars are held in memory at once."""
CHAINS = 4
"""Parts of the points, each an estimate by itself."""
_GENERATIONS = 12
_COUNTED = 8  # generations after the last change of the proposal
_FAR = 6.5  # standard deviations of the prior beyond which nothing is looked at: 8e-11 of it
_DEFENSIVE, _FREEDOM = 0.1, 5.0


@dataclass(frozen=True)
class _Proposal:
    """A tenth of the prior and nine tenths of a Student law with 5 degrees of freedom."""

    mean: Array
    root: Array

    @classmethod
    def fitted(cls, z: Array, log_weight: Array) -> _Proposal:
        """Fit one to weighted points, tempered until enough of them count."""
        d = z.shape[1]
        enough, beta = min(20.0 * d, 0.3 * len(z)), 1.0
        while ess(beta * log_weight) < enough and beta > 1e-3:
            beta *= 0.9
        weight = normalised(beta * log_weight)
        mean = weight @ z
        centred = z - mean
        cov = (weight[:, None] * centred).T @ centred + 1e-4 * np.eye(d)
        return cls(mean, np.linalg.cholesky(cov))

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Draw points, shape (n, d)."""
        d = len(self.mean)
        prior, normal = rng.standard_normal((2, n, d))
        scale = np.sqrt(rng.chisquare(_FREEDOM, n) / _FREEDOM)
        fitted = self.mean + normal @ self.root.T / scale[:, None]
        return np.asarray(np.where(rng.random(n)[:, None] < _DEFENSIVE, prior, fitted))

    def log_density(self, z: Array) -> Array:
        """Give the log density at points, shape (n,)."""
        d = len(self.mean)
        y = np.linalg.solve(self.root, (z - self.mean).T)
        student = (
            special.gammaln(0.5 * (_FREEDOM + d)) - special.gammaln(0.5 * _FREEDOM)
            - 0.5 * d * math.log(_FREEDOM * math.pi) - np.log(np.diag(self.root)).sum()
            - 0.5 * (_FREEDOM + d) * np.log1p((y * y).sum(axis=0) / _FREEDOM)
        )  # fmt: skip
        return np.asarray(
            np.logaddexp(math.log(_DEFENSIVE) + log_normal(z), math.log(1.0 - _DEFENSIVE) + student)
        )


@dataclass
class Job:
    """What a calibration is asked to do, and what it has done so far."""

    model: Any
    space: Space
    method: str
    seed: Seed
    points: int
    wars: int
    workers: int
    store: Path | None
    progress: Progress
    adapting: int = 4
    """Generations of half the size, after each of which the proposal is fitted anew."""

    def evaluate(self, z: Array, generation: int, done: int) -> dict[str, Array]:
        """Fight the wars of a generation's points and weigh its reports."""
        n, figures = len(z), len(self.model.figures)
        groups = np.full((n, len(self.model.exchanges)), -math.inf)
        fresh = np.full((n, FRESH, figures), math.nan)
        near = np.flatnonzero((np.abs(z) < _FAR).all(axis=1))
        seed = Seed(self.seed.entropy, (*self.seed.spawn_key, generation))
        for begin in range(0, len(near), BATCH):
            rows = near[begin : begin + BATCH]
            values = self.space.values(z[rows])
            # The number of a point fixes its wars, whatever the batches are.
            truths = self.model.truths(
                values, self.wars + FRESH, seed, first=begin, workers=self.workers
            )
            groups[rows] = self.model.log_likelihood(truths[:, FRESH:], values)
            fresh[rows] = truths[:, :FRESH]
            self.note(done + min(begin + BATCH, n))
        return {"z": z, "groups": groups, "fresh": fresh}

    def note(self, done: int) -> None:
        """Say how far it is."""
        wars, total = done * (self.wars + FRESH), self.points * (self.wars + FRESH)
        if callable(self.progress):
            self.progress(wars, total)
        elif self.progress:
            self._bar.update(wars - self._bar.n)

    @cached_property
    def _bar(self) -> Any:
        from tqdm import tqdm

        return tqdm(total=self.points * (self.wars + FRESH), unit="war", unit_scale=True)

    def close(self) -> None:
        """End the bar, if there is one."""
        if self.progress is True:
            self._bar.close()

    def rng(self, generation: int) -> np.random.Generator:
        """Give the generator of a generation's points."""
        key = (*self.seed.spawn_key, generation, 1)
        return np.random.default_rng(np.random.SeedSequence(self.seed.entropy, spawn_key=key))

    def kept(self, generation: int) -> dict[str, Array] | None:
        """Give a generation that an earlier call has finished, if there is one."""
        if self.store is None:
            return None
        path = self.store / _GENERATION.format(generation)
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as held:
                return dict(held)
        except Exception as error:
            problem = Problem(str(path), f"is no generation, or a damaged one: {error};")
            raise ResultError([problem]) from error

    def keep(self, generation: int, found: dict[str, Array]) -> None:
        """Write a generation, whole or not at all."""
        if self.store is None:
            return
        path = self.store / _GENERATION.format(generation)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez(file, **found)  # type: ignore[arg-type]
        os.replace(part, path)

    def open(self) -> None:
        """Begin a store, or refuse one of another calibration."""
        if self.store is None:
            return
        record = {
            "format": 1,
            "method": self.method,
            "seed": [str(self.seed.entropy), list(self.seed.spawn_key)],
            "points": self.points,
            "wars": self.wars,
            "priors": self.space.described(),
            "model": self.model.record(),
            "versions": versions(),
        }
        text = json.dumps(record, indent=1, sort_keys=True) + "\n"
        path = self.store / "calibration.json"
        if path.is_file():
            if path.read_text(encoding="utf-8") != text:
                raise ResultError(
                    [Problem(str(self.store), "there is another calibration, which is kept,")]
                )
            return
        if self.store.is_dir() and any(self.store.iterdir()):
            raise ResultError([Problem(str(self.store), "there is something else, which is kept,")])
        self.store.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)


_GENERATION = "generation-{:03d}.npz"


def _by_importance(job: Job) -> tuple[dict[str, Array], Array, list[dict[str, float]]]:
    """Draw points in generations; only those after the last change of the proposal count."""
    adapting = job.adapting if job.method == "population" else 0
    generations = adapting + _COUNTED if adapting else _GENERATIONS
    share = np.where(np.arange(generations) < adapting, 0.5, 1.0)
    ends = np.rint(job.points * np.cumsum(share) / share.sum()).astype(int)
    sizes = np.diff(ends, prepend=0).tolist()
    proposals: list[_Proposal | None] = []
    found: list[dict[str, Array]] = []
    history = []
    d = len(job.space)
    for g, n in enumerate(sizes):
        if g == 0 or adapting == 0:
            proposal = None
        elif g <= adapting:
            z = np.concatenate([one["z"] for one in found])
            mixture = special.logsumexp(
                [
                    math.log(size / len(z)) + _log_proposal(z, p)
                    for size, p in zip(sizes, proposals, strict=False)
                ],
                axis=0,
            )
            likelihood = np.concatenate([one["groups"].sum(axis=1) for one in found])
            proposal = _Proposal.fitted(z, likelihood + log_normal(z) - mixture)
        kept = job.kept(g)
        if kept is None:
            rng = job.rng(g)
            z = rng.standard_normal((n, d)) if proposal is None else proposal.draw(n, rng)
            kept = job.evaluate(z, g, sum(sizes[:g]))
            job.keep(g, kept)
        job.note(sum(sizes[: g + 1]))
        proposals.append(proposal)
        found.append(kept)
        own = (
            kept["groups"].sum(axis=1) + log_normal(kept["z"]) - _log_proposal(kept["z"], proposal)
        )
        history.append({"points": float(n), "ess": ess(own), "counts": float(g >= adapting)})
    last = found[adapting:]
    points = {name: np.concatenate([one[name] for one in last]) for name in found[0]}
    weight = (
        points["groups"].sum(axis=1)
        + log_normal(points["z"])
        - np.concatenate(
            [_log_proposal(one["z"], p) for one, p in zip(last, proposals[adapting:], strict=True)]
        )
    )
    points["prior_fresh"], points["prior_z"] = found[0]["fresh"], found[0]["z"]
    points["chain"] = np.arange(len(weight)) % CHAINS
    return points, weight, history


def _log_proposal(z: Array, proposal: _Proposal | None) -> Array:
    return log_normal(z) if proposal is None else proposal.log_density(z)


def _finite(log_likelihood: Array) -> Array:
    """Bound log likelihoods from below, so that walkers that explain nothing follow the prior."""
    return np.maximum(log_likelihood, -1e6)


def _by_emcee(job: Job) -> tuple[dict[str, Array], Array, list[dict[str, float]]]:
    """Walk with emcee, each new point with wars of its own.

    A chain that keeps the estimate with which a point was accepted has the right law however
    noisy the estimates are; half of the steps are left out as burn-in.
    """
    try:
        import emcee
    except ImportError as error:
        raise EscalateError(
            "the method 'emcee' needs the package emcee: pip install 'escalate-sim[calibration]'"
        ) from error
    d, figures = len(job.space), len(job.model.figures)
    width = len(job.model.exchanges)
    walkers = max(4 * d, 24) // 2 * 2
    steps = max(job.points // walkers, 4)
    done = 0
    calls = 0

    def evaluated(z: Array) -> Array:
        """Give rows of log posterior, exchanges and fresh wars."""
        nonlocal done, calls
        found = job.evaluate(np.asarray(z), 1000 + calls, done)
        calls += 1
        done += len(z)
        log_prob = _finite(found["groups"].sum(axis=1)) + log_normal(found["z"])
        return np.column_stack([log_prob, found["groups"], found["fresh"].reshape(len(z), -1)])

    # The stretch move asks twice a step, for one half of the walkers after the other.
    sampler = emcee.EnsembleSampler(walkers, d, evaluated, vectorize=True)
    blocks = np.array_split(np.arange(steps), _GENERATIONS)
    found: list[dict[str, Array]] = []
    history = []
    state: Any = None
    rng = job.rng(0)
    begin = job.kept(0)
    if begin is None:
        begin = job.evaluate(rng.standard_normal((walkers, d)), 0, 0)
        job.keep(0, begin)
    start = begin["z"]
    row = np.column_stack(
        [
            _finite(begin["groups"].sum(axis=1)) + log_normal(start),
            begin["groups"],
            begin["fresh"].reshape(walkers, -1),
        ]
    )
    done = walkers
    twister = np.random.RandomState(int(rng.integers(2**32))).get_state()
    state = emcee.State(start, log_prob=row[:, 0], blobs=row[:, 1:], random_state=twister)
    for g, block in enumerate(blocks, start=1):
        kept = job.kept(g)
        if kept is None:
            sampler.reset()
            state = sampler.run_mcmc(state, len(block), skip_initial_state_check=True)
            kept = {
                "z": sampler.get_chain(),
                "log_prob": sampler.get_log_prob(),
                "blobs": sampler.get_blobs(),
                "key": state.random_state[1],
                "place": np.array([*state.random_state[2:4]], dtype=np.int64),
                "gauss": np.array(state.random_state[4], dtype=float),
                "accepted": np.array(sampler.acceptance_fraction.mean()),
            }
            job.keep(g, kept)
        else:
            held = (
                "MT19937", kept["key"], int(kept["place"][0]), int(kept["place"][1]),
                float(kept["gauss"]),
            )  # fmt: skip
            state = emcee.State(
                kept["z"][-1], log_prob=kept["log_prob"][-1], blobs=kept["blobs"][-1],
                random_state=held,
            )  # fmt: skip
            calls = 2 * int(block[-1] + 1)
            done = walkers * int(block[-1] + 2)
        found.append(kept)
        history.append(
            {
                "points": float(len(block) * walkers),
                "ess": math.nan,
                "accepted": float(kept["accepted"]),
                "counts": float(g > _GENERATIONS // 2),
            }
        )
    late = found[_GENERATIONS // 2 :]
    z = np.concatenate([one["z"] for one in late])
    blobs = np.concatenate([one["blobs"] for one in late])
    n = len(z) * walkers
    points = {
        "z": z.reshape(n, d),
        "groups": blobs[..., :width].reshape(n, width),
        "fresh": blobs[..., width:].reshape(n, FRESH, figures),
        "chain": np.tile(np.arange(walkers), len(z)),
        "prior_fresh": begin["fresh"],
        "prior_z": begin["z"],
    }
    return points, np.zeros(n), history


def sampled(job: Job) -> tuple[dict[str, Array], Array, list[dict[str, float]]]:
    """Do a job.

    Parameters
    ----------
    job : Job
        What to do.

    Returns
    -------
    dict of str to ndarray
        Points.
    ndarray of float64
        Their log weights.
    list of dict
        What each generation was worth.
    """
    job.open()
    try:
        return (_by_emcee if job.method == "emcee" else _by_importance)(job)
    finally:
        job.close()


def job_of(
    scenario: Any,
    figures: Iterable[Figure] | None,
    priors: Mapping[Paths, Any] | None,
    method: str,
    budget: int,
    wars: int,
    rng: object,
    workers: int | None,
    observation: Observation | None,
    together: str,
    store: str | os.PathLike[str] | None,
    progress: Progress,
) -> Job:
    """Check what a calibration is asked to do."""
    if method not in METHODS:
        raise EscalateError(f"unknown method {method!r}: {closest(method, METHODS)}")
    for name, value in (("budget", budget), ("wars", wars), ("workers", workers or 1)):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or value < 1:
            raise EscalateError(f"`{name}` must be a whole number, 1 or more, but got {value!r}")
    model = model_of(scenario, figures, observation, together)
    space = Space(priors or {})
    points = int(budget) // (int(wars) + FRESH)
    least = _GENERATIONS * (len(space) + 2)
    if points < least:
        raise EscalateError(
            f"`budget` must be {least * (wars + FRESH)} wars or more for {len(space)} parameters, "
            f"but got {budget}"
        )
    # Far out on both sides as well, lest a long calibration end with a value that may not be.
    corners = space.values(np.array([[0.0], [-4.0], [4.0]]) * np.ones(len(space)))
    model.check([path for name in space.names for path in name.split(AND)], corners)
    if not model.exchanges:
        raise EscalateError("at least one reported figure is needed to calibrate with")
    threads = workers or os.cpu_count() or 1
    folder = None if store is None else Path(store)
    return Job(model, space, method, Seed.of(rng), points, int(wars), threads, folder, progress)
