"""Which rule the reports speak for, if they say."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from escalate.calibration.checks import prior_table
from escalate.calibration.fit import Fit, calibrate
from escalate.calibration.model import Array, Paths, evidence_of, log_normal
from escalate.comparison import figures_of
from escalate.errors import EscalateError
from escalate.figures import Figure
from escalate.observation import Observation
from escalate.randomness import Seed
from escalate.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "RuleProbabilities",
    "RuleRecovery",
    "rule_probabilities",
    "rule_recovery",
    "weighed",
    "weights_of",
]


@dataclass(frozen=True, eq=False, repr=False)
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
    pvalue: float | None = None
    """Chance of two calendars as closely related by chance, where they were tested. [-]"""

    def __repr__(self) -> str:
        """Give the answer, without the fits behind it."""
        return f"<RuleProbabilities: {self.text()}>"

    def text(self) -> str:
        """Give the answer in a sentence."""
        told = [
            f"{name} {p:.3f} ({self._reach(name)})" for name, p in self.table["probability"].items()
        ]
        test = (
            "" if self.pvalue is None else f"; calendars as close by chance: p = {self.pvalue:.3f}"
        )
        return f"{self.verdict}: {', '.join(told)}; in brackets, under all priors tried{test}"

    def _reach(self, name: Any) -> str:
        column = self.sensitivity[name].to_numpy()
        return f"{column.min():.3f} to {column.max():.3f}"

    def reciprocity(self, none: str = "none") -> float:
        """Give the posterior probability of an answer, whatever the rule.

        Parameters
        ----------
        none : str, optional
            The rule that does not answer.
        """
        return 1.0 - float(self.table["probability"].to_dict()[none])


UNDECIDED = "the data do not say"
"""The verdict when no rule is far enough ahead of all others."""
DECISIVE = 0.95
"""Least probability, under all priors, with which the data are said to speak for a rule. [-]"""
_FALSE_ALARM = 0.05
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
    under all of these, even if its evidence is two Monte Carlo errors too high, and that of every
    other rule two too low.
    """
    weights_of(list(rules), weights)
    names, laws, figures = _asked(scenario, rules, figures, priors)
    seed = Seed.of(rng)
    fits = {}
    for name in names:
        # The same seed for all, so that they differ by the rule and not by luck.
        variant = scenario.replace(rules[name])
        fits[name] = calibrate(variant, figures, laws[name], rng=seed, **how)
    return weighed(fits, weights)


def _asked(
    scenario: Scenario,
    rules: Mapping[str, Mapping[str, Any]],
    figures: Iterable[Figure] | None,
    priors: Mapping[Paths, Any] | Mapping[str, Mapping[Paths, Any]] | None,
) -> tuple[list[str], dict[str, Any], tuple[Figure, ...]]:
    """Give the rules, the priors of each, and the figures that count."""
    if len(rules) < 2:
        raise EscalateError(f"at least two rules are needed to compare, but got {len(rules)}")
    own: dict[Any, Any] = dict(priors or {})
    if set(own) == set(rules) and all(isinstance(laws, Mapping) for laws in own.values()):
        laws = own
    else:
        laws = dict.fromkeys(rules, own)
    if figures is None:
        figures = [f for f in figures_of(scenario) if f.quantity != "response_delay"]
    return list(rules), laws, tuple(figures)


def weights_of(names: list[str], weights: Mapping[str, float] | None) -> list[float]:
    """Give prior weights in the order of the rules, or refuse them."""
    prior = dict.fromkeys(names, 1.0) if weights is None else dict(weights)
    if set(prior) != set(names) or min(prior.values()) <= 0.0:
        raise EscalateError("`weights` must give each rule a weight above 0, and no other")
    return [prior[name] for name in names]


def weighed(
    fits: Mapping[str, Fit],
    weights: Mapping[str, float] | None = None,
    *,
    none: str | None = None,
    pvalue: float | None = None,
) -> RuleProbabilities:
    """Compare rules by the evidence of their fits.

    Parameters
    ----------
    fits : mapping of str to Fit
        Rule to its calibration.
    weights : mapping of str to float, optional
        Prior probability of each rule; equal if not given.
    none : str, optional
        The rule that answers nothing. With it the data may speak for an answer without saying
        for which rule.
    pvalue : float, optional
        Chance of calendars related as closely without an answer. Up to 5% the data speak for an
        answer or do not say, above it for none or do not say.
    """
    points = {}
    for name, fit in fits.items():
        _ = fit.log_evidence  # refuses a method that has none
        points[name] = (fit.points["z"], fit.log_weight)
    prior = weights_of(list(fits), weights)
    return RuleProbabilities(fits, *_compared(points, prior, none, pvalue), pvalue)


def _compared(
    points: Mapping[str, tuple[Array, Array]],
    prior: list[float],
    none: str | None,
    pvalue: float | None,
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Give table, sensitivity and verdict of rules with weighted points of their parameters."""
    import pandas as pd

    names = list(points)
    evidence, errors = {}, {}
    for said, width in _PRIORS:
        pairs = []
        for z, log_weight in points.values():
            other = log_normal(z / width) - z.shape[1] * math.log(width) - log_normal(z)
            pairs.append(evidence_of(log_weight + other))
        evidence[said], errors[said] = np.array(pairs).T
    rows = {f"priors {said}": _shares(evidence[said], prior) for said, _ in _PRIORS}
    given = "as given"
    for i, favoured in enumerate(names):
        weight = [p * (3.0 if j == i else 1.0) for j, p in enumerate(prior)]
        rows[f"{favoured} favoured 3 to 1"] = _shares(evidence[given], weight)
    table = pd.DataFrame(
        {
            "log_evidence": evidence[given],
            "error": errors[given],
            "probability": rows["priors as given"],
        },
        index=names,
    )
    sensitivity = pd.DataFrame.from_dict(rows, orient="index", columns=names)

    def least(of: list[int]) -> float:
        """Give the least probability of rules under all priors, at the unkind end of errors."""
        found = []
        for said, _ in _PRIORS:
            for favoured in range(-1, len(names)):
                unkind = evidence[said] + 2.0 * errors[said]
                unkind[of] -= 4.0 * errors[said][of]
                weight = [p * (3.0 if j == favoured else 1.0) for j, p in enumerate(prior)]
                found.append(_shares(unkind, weight)[of].sum())
        return float(min(found))

    best = int(np.argmax(evidence[given]))
    answers = [i for i, name in enumerate(names) if name != none]
    related = pvalue is None or pvalue <= _FALSE_ALARM
    agreed = pvalue is None or related == (names[best] != none)
    verdict = UNDECIDED
    if agreed and least([best]) >= DECISIVE:
        verdict = f"the data speak for {names[best]}"
    elif none is not None and related and least(answers) >= DECISIVE:
        verdict = "the data speak for an answer, but not for which rule"
    return table, sensitivity, verdict


@dataclass(frozen=True, eq=False, repr=False)
class RuleRecovery:
    """Which rules were found in reports of wars that are known to have been fought by each."""

    table: pd.DataFrame
    """A row a data set: the `true` rule, the probability of each rule, the most `probable` one,
    and the `verdict`."""
    rules: tuple[str, ...]
    """The rules."""

    def __repr__(self) -> str:
        """Give what it is of."""
        return f"<RuleRecovery: {len(self.table)} data sets of {', '.join(self.rules)}>"

    def confusion(self) -> pd.DataFrame:
        """Give how often each rule (columns) was most probable when another (rows) was true."""
        import pandas as pd

        found = pd.crosstab(self.table["true"], self.table["probable"])
        return found.reindex(index=list(self.rules), columns=list(self.rules), fill_value=0)

    def verdicts(self) -> pd.DataFrame:
        """Give how often the data spoke for what (columns) when a rule (rows) was true."""
        import pandas as pd

        found = pd.crosstab(self.table["true"], self.table["verdict"])
        return found.reindex(index=list(self.rules), fill_value=0)

    def false_alarms(self, none: str) -> float:
        """Give how often the data spoke for another rule when none was true.

        Parameters
        ----------
        none : str
            The rule that answers nothing.
        """
        own = self.table.loc[self.table["true"] == none, "verdict"]
        return float((~own.isin([UNDECIDED, f"the data speak for {none}"])).mean())

    def reliability(self, bins: int = 5) -> pd.DataFrame:
        """Compare the probabilities given to rules with how often they were true.

        Parameters
        ----------
        bins : int, optional
            Classes of probability, of equal width.

        Returns
        -------
        DataFrame
            A row a class that occurs: how many probabilities (`count`), their mean `said`, the
            share that was `true`, and its standard `error`.
        """
        import pandas as pd

        said = self.table[list(self.rules)].to_numpy().ravel()
        true = (self.table["true"].to_numpy()[:, None] == np.array(self.rules)).ravel()
        part = np.minimum((said * bins).astype(int), bins - 1)
        rows = []
        for k in np.unique(part):
            own = part == k
            mean = float(said[own].mean())
            error = math.sqrt(mean * (1.0 - mean) / own.sum())
            rows.append((int(own.sum()), mean, float(true[own].mean()), error))
        return pd.DataFrame(rows, columns=["count", "said", "true", "error"])


def rule_recovery(
    scenario: Scenario,
    rules: Mapping[str, Mapping[str, Any]],
    figures: Iterable[Figure] | None = None,
    priors: Mapping[Paths, Any] | Mapping[str, Mapping[Paths, Any]] | None = None,
    *,
    replications: int = 50,
    points: int = 4_000,
    wars: int = 16,
    none: str | None = None,
    rng: object = None,
    workers: int | None = None,
    observation: Observation | None = None,
    together: str = "exchange",
) -> RuleRecovery:
    """Simulate reports of wars under each rule, and see which rule `rule_probabilities` finds.

    Parameters
    ----------
    scenario, rules, figures, priors, rng
        As for `rule_probabilities`.
    replications : int, optional
        Data sets a rule, each of parameters drawn from its prior.
    points : int, optional
        Points from the prior of each rule, that all evidence is computed with.
    wars : int, optional
        Wars that judge a point.
    none : str, optional
        The rule that answers nothing, if there is one.
    workers, observation, together
        As for `calibrate`.

    Returns
    -------
    RuleRecovery

    Examples
    --------
    >>> import escalate as esc
    >>> from scipy import stats
    >>> scenario = esc.load_scenario("february-2023")
    >>> path = "sides.UA.targets.pokrovsk.killed_per_hit"
    >>> rules = {"low": {"sides.RU.severity_dispersion": 0.5}, "high": {}}
    >>> found = rule_recovery(
    ...     scenario, rules, priors={path: stats.lognorm(1.0)}, replications=5, points=200, rng=1
    ... )
    >>> int(found.confusion().to_numpy().sum())
    10
    """
    import pandas as pd

    names, laws, figures = _asked(scenario, rules, figures, priors)
    seed = Seed.of(rng)
    tables, models, reports = {}, {}, []
    for k, name in enumerate(names):
        own = Seed(seed.entropy, (*seed.spawn_key, k))
        table = prior_table(
            scenario.replace(rules[name]), figures, laws[name], replications=replications,
            points=points, wars=wars, rng=own, workers=workers, observation=observation,
            together=together,
        )  # fmt: skip
        models[name], tables[name] = table.model, table
        reports += [(name, report) for report in table.reports]
    prior = [1.0] * len(names)

    def one(item: tuple[str, Array]) -> list[Any]:
        true, report = item
        weighted = {name: (t.z, t.log_likelihood(report)) for name, t in tables.items()}
        table, _, verdict = _compared(weighted, prior, none, None)
        probability = table["probability"]
        return [true, *probability, str(probability.idxmax()), verdict]

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        rows = list(pool.map(one, reports))
    columns = ["true", *names, "probable", "verdict"]
    return RuleRecovery(pd.DataFrame(rows, columns=columns), tuple(names))


def _shares(log_evidence: Array, weight: list[float]) -> Array:
    total = log_evidence + np.log(weight)
    return np.asarray(np.exp(total - special.logsumexp(total)))
