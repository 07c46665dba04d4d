"""Does this exchange run away? The reproduction number, its boundary, and where stocks bind.

Asks of two equal sides how many answers to a strike they can afford before the exchange runs
away, compares simulated wars with the boundary that the parameters imply, and follows one
exchange that crosses it until the stocks bind. Draws `04_does_it_run_away.png`.
"""

import matplotlib.pyplot as plt
import numpy as np

import escalate as esc
from escalate.meanfield import mean_field
from escalate.plots.regimes import phase_diagram as draw_diagram
from escalate.plots.regimes import regime as draw_regime
from escalate.regimes import phase_diagram, regime

scenario = esc.load_scenario("two-equal-sides")
answers = "sides.{}.retaliations.answer.answers_mean"
fierce = scenario.replace({answers.format("A"): 3.0, answers.format("B"): 2.0})

for name, variant in (("as shipped", scenario), ("three and two answers", fierce)):
    ensemble = esc.simulate_many(variant, replications=100, rng=1)
    found = regime(ensemble, rng=1)
    r = found.reproduction
    print(f"{name}: {found.name}")
    print(f"  R from the parameters     {mean_field(variant).number:.2f}")
    print(f"  R from the causal links   {r.number:.2f} ({r.low:.2f} to {r.high:.2f})")
    print("  wars:", ", ".join(f"{share:.0%} {kind}" for kind, share in found.shares.items()))
    print(f"  lacking at the end: {found.short_share.max():.0%} of what a side wanted")
    for hours in found.changes:
        print(f"  R changed about {scenario.date(hours):%d %B}")

# Strikes of the first ten days only: later the stocks bind, and R falls back to 1.
values = np.linspace(0.4, 3.2, 8)
diagram = phase_diagram(
    scenario,
    (answers.format("A"), values),
    (answers.format("B"), values),
    until_hours=240.0,
    replications=50,
    rng=1,
)

figure, (above, below) = plt.subplots(
    2, 1, figsize=(7.09, 6.0), height_ratios=(1.6, 1.0), layout="constrained"
)
draw_diagram(diagram, ax=above)
draw_regime(found, ax=below)  # the dip is the truce, which answers to the strikes before fall into
figure.savefig("04_does_it_run_away.png", dpi=200)
