"""A war of your own, with a rule of your own, against one from the catalogue.

Builds a small scenario in Python in which B answers A's raids, once by a rule of the
catalogue and once by a rule written here, and compares harm over the same randomness.
Draws `02_own_rule.png`.
"""

from datetime import datetime

import matplotlib.pyplot as plt
import numpy as np

import escalate as esc


def patient(see, params, memory, u):
    """Count what was suffered, and answer only once it adds up to `params[0]` killed."""
    memory[0] = memory[0] + see.killed
    if memory[0] < params[0]:
        return esc.answer(0.0)
    memory[0] = 0.0
    return esc.answer(see.standard)


def side(rule):
    """Give a side that raids now and then and answers by `rule`."""
    return esc.Side(
        weapons={
            "drone": esc.Weapon(category="drone", stock=300, production_per_day=4.0,
                                speed_km_per_hour=180.0, damage_share=0.3),
        },
        layers={
            "guns": esc.Layer(kill_prob={"drone": 0.7}, channels=6, cycle_hours=0.05,
                              window_hours={"drone": 0.2}),
        },
        regions={"border": esc.Region(depth_km=60.0)},
        targets={"city": esc.Target(category="urban", region="border", sites=50,
                                    killed_per_hit=0.5, injured_per_hit=2.0)},
        plans={"raid": esc.Plan(targets={"city": 1.0}, size=10.0, size_dispersion=3.0)},
        tempos={"raids": esc.Tempo(plan="raid", rate_per_day=0.1)},
        retaliations={"answer": esc.Retaliation(rule=rule, plan="raid", delay_hours=24.0)},
        severity_dispersion=2.0,
    )  # fmt: skip


def war(rule):
    """Give a war in which A answers by tit for tat and B by `rule`."""
    return esc.Scenario(
        sides={"A": side(esc.Rule("tit_for_tat")), "B": side(rule)},
        start=datetime(2000, 1, 1),
        end=datetime(2000, 4, 1),
    )


rules = {
    "tit for tat": esc.Rule("tit_for_tat"),
    "generous": esc.Rule("generous", forgive_prob=0.3),
    "patient (own rule)": esc.Rule(patient, killed=6.0),
}
killed = {
    name: np.array(
        [
            sum(outcome["killed"] for outcome in run.summary().values())
            for run in esc.replicate(war(rule), replications=60, rng=1)
        ]
    )
    for name, rule in rules.items()
}
first = killed["tit for tat"]
for name, values in killed.items():
    error = values.std(ddof=1) / np.sqrt(len(values))
    change = values - first
    paired = change.std(ddof=1) / np.sqrt(len(change))
    print(
        f"{name:20} {values.mean():6.1f} +- {error:.1f} killed on both sides; "
        f"against tit for tat {change.mean():+6.1f} +- {paired:.1f}"
    )

figure, axes = plt.subplots(figsize=(4.5, 2.8), layout="constrained")
axes.boxplot(list(killed.values()), orientation="horizontal", tick_labels=list(killed))
axes.set_xlabel("killed on both sides in 90 days [people]")
figure.savefig("02_own_rule.png", dpi=200)
