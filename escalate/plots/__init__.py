"""Pictures for a paper: one function a picture, drawn from what a run holds and nothing else.

Each function draws on the axes it is given, or makes a figure as wide as a column with
pyplot, and gives the axes back; `overview` puts them together. Nothing here simulates, shows
a window or changes matplotlib's settings.

The colours are those of Okabe and Ito [1]_, which colour-blind readers tell apart; and as
print may be grey, a colour never says what place, shade, shape or a word does not say as well.

References
----------
.. [1] M. Okabe, K. Ito, "Color universal design", 2008, https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

from escalate.plots.ensembles import distribution, fan
from escalate.plots.pairing import differences
from escalate.plots.regimes import phase_diagram, regime
from escalate.plots.reports import figures, reported
from escalate.plots.runs import causal_tree, interception, overview, stocks, timeline
from escalate.plots.series import forecast_fan, interception_by_size, salvo_sizes
from escalate.plots.sweeps import heat_map, lines, parallel_coordinates, tornado
from escalate.plots.tournaments import fingerprint, noise_sweep, payoff_matrix, replicator

__all__ = [
    "causal_tree", "differences", "distribution", "fan", "figures", "fingerprint", "forecast_fan",
    "heat_map", "interception", "interception_by_size", "lines", "noise_sweep", "overview",
    "parallel_coordinates", "payoff_matrix", "phase_diagram", "regime", "replicator", "reported",
    "salvo_sizes", "stocks", "timeline", "tornado",
]  # fmt: skip
