"""Which rule the reports speak for, if they say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from escalate.calibration.fit import Fit, calibrate
from escalate.calibration.model import Array, Paths, log_normal
from escalate.comparison import figures_of
from escalate.errors import EscalateError
from escalate.figures import Figure
from escalate.randomness import Seed
from escalate.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RuleProbabilities", "rule_probabilities"]


@dataclass(frozen=True, eq=False)
class RuleProbabilities:
    """How probable each of several rules is, given what was reported."""

    fits: Mapping[str, Fit]
    """Rule to its calibration."""
    table: pd.DataFrame
    """A row a rule: `log_evidence`, its Monte Carlo `error`, and the posterior `probability`."""
    sensitivity: pd.DataFrame
    """The probabilities (columns) under other priors (rows)."""
    verdict: str
    """The rule that the data speak for, or that they do not say."""


_DECISIVE = 0.95
_PRIORS = (("as given", 1.0), ("narrower by half", 0.5), ("wider by half", 1.5))


def rule_probabilities(
    scenario: Scenario,
    rules: Mapping[str, Mapping[str, Any]],
    figures: Iterable[Figure] | None = None,
    priors: Mapping[Paths, Any] | Mapping[str, Mapping[Paths, Any]] | None = None,
    *,
    weights: Mapping[str, float] | None = None,
    rng: object = None,
    **how: Any,
) -> RuleProbabilities:
    """Weigh rules against each other by how well each explains what was reported.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    rules : mapping of str to mapping
        Rule to the changes that bring it in, as `Scenario.replace` takes them.
    figures : iterable of Figure, optional
        What was reported. If not given, the scenario's own figures but for response delays: who
        says how late a strike answered another takes for granted that it was an answer.
    priors : mapping
        As for `calibrate`, the same for all rules; or rule to its own priors, where rules have
        parameters of their own.
    weights : mapping of str to float, optional
        Prior probability of each rule; equal if not given.
    rng : int, SeedSequence, Generator or None, optional
        Randomness as in SPEC 7.
    **how
        Passed on to `calibrate`.

    Returns
    -------
    RuleProbabilities

    Raises
    ------
    EscalateError
        Fewer than two rules, or weights for others.

    Notes
    -----
    A rule's evidence is the chance of all reports under it, averaged over the prior of its
    parameters, so it depends on that prior. Shown are priors narrower and wider by half (in
    normal scores, by weighing points anew), and prior weights that favour each rule in turn by
    three to one. The data are said to speak for a rule only if its probability is at least 0.95
    under all of these, even after its evidence is lowered by two Monte Carlo errors.
    """
    import pandas as pd

    if len(rules) < 2:
        raise EscalateError(f"at least two rules are needed to compare, but got {len(rules)}")
    names = list(rules)
    prior = dict.fromkeys(names, 1.0) if weights is None else dict(weights)
    if set(prior) != set(names) or min(prior.values()) <= 0.0:
        raise EscalateError("`weights` must give each rule a weight above 0, and no other")
    own_priors = set(priors or {}) == set(names) and all(
        isinstance(p, Mapping) for p in (priors or {}).values()
    )
    if figures is None:
        figures = [f for f in figures_of(scenario) if f.quantity != "response_delay"]
    figures = tuple(figures)
    seed = Seed.of(rng)
    fits = {}
    for name, changes in rules.items():
        # The same seed for all, so that they differ by the rule and not by luck.
        variant = scenario.replace(changes)
        laws: Any = priors[name] if own_priors and priors else priors
        fits[name] = calibrate(variant, figures, laws, rng=seed, **how)
    evidence, errors = {}, {}
    for said, width in _PRIORS:
        pairs = []
        for name in names:
            fit = fits[name]
            z = fit.points["z"]
            other = log_normal(z / width) - z.shape[1] * math.log(width) - log_normal(z)
            pairs.append(fit._evidence(fit.log_weight + other))
        evidence[said], errors[said] = np.array(pairs).T
    rows = {}
    for said, _ in _PRIORS:
        rows[f"priors {said}"] = _shares(evidence[said], [prior[n] for n in names])
    for favoured in names:
        weight = [prior[n] * (3.0 if n == favoured else 1.0) for n in names]
        rows[f"{favoured} favoured 3 to 1"] = _shares(evidence["as given"], weight)
    sensitivity = pd.DataFrame.from_dict(rows, orient="index", columns=names)
    given = "as given"
    table = pd.DataFrame(
        {
            "log_evidence": evidence[given],
            "error": errors[given],
            "probability": rows["priors as given"],
        },
        index=names,
    )
    best = int(np.argmax(evidence[given]))
    worst = []
    for said, _ in _PRIORS:
        for favoured in ("", *names):
            lowered = evidence[said].copy()
            lowered[best] -= 2.0 * errors[said][best]
            weight = [prior[n] * (3.0 if n == favoured else 1.0) for n in names]
            worst.append(_shares(lowered, weight)[best])
    decided = min(worst) >= _DECISIVE
    verdict = f"the data speak for {names[best]}" if decided else "the data do not say"
    return RuleProbabilities(fits, table, sensitivity, verdict)


def _shares(log_evidence: Array, weight: list[float]) -> Array:
    total = log_evidence + np.log(weight)
    return np.asarray(np.exp(total - special.logsumexp(total)))
