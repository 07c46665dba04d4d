"""Parameters from reported figures: posterior draws, what was learned, and whether to believe it.

A parameter point is judged by wars fought with it. Within an exchange the chance of the reports
is averaged over whole wars, so that they share one truth; between exchanges the averages are
multiplied. Such an average is random, but right on average, and that is all that importance
sampling asks of it: its weights may be random as long as they are unbiased. The product of several
exchanges over the same wars is so only for many wars.

References
----------
M.-N. Tran, M. Scharth, M. K. Pitt, R. Kohn, Importance sampling squared for Bayesian inference in
latent variable models, arXiv:1309.3339, 2013. O. Cappe, A. Guillin, J.-M. Marin, C. P. Robert,
Population Monte Carlo, Journal of Computational and Graphical Statistics 13:907-929, 2004.
"""

from __future__ import annotations

from escalate.calibration.checks import SBC, Recovery, recovery, sbc
from escalate.calibration.fit import Fit, calibrate, load_fit, optimise
from escalate.calibration.model import Model
from escalate.calibration.prior_file import load_priors, prior_names, shipped_posterior
from escalate.calibration.sampling import METHODS
from escalate.calibration.series_rule import SERIES_RULES, series_rule_probabilities
from escalate.calibration.which_rule import (
    RuleProbabilities,
    RuleRecovery,
    rule_probabilities,
    rule_recovery,
)

__all__ = [
    "calibrate", "optimise", "Fit", "load_fit", "Model", "METHODS",
    "load_priors", "prior_names", "shipped_posterior",
    "sbc", "SBC", "recovery", "Recovery",
    "rule_probabilities", "RuleProbabilities", "rule_recovery", "RuleRecovery",
    "series_rule_probabilities", "SERIES_RULES",
]  # fmt: skip
