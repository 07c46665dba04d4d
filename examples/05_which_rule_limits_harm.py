"""Which rule limits harm under misperception? A tournament of rules, fought as wars.

Ten rules meet each other and themselves while both sides now and then take a quiet day for a
strike and a strike for a quiet day. Ranks them by the people killed on both sides and by those on
their own alone, says where tit for tat loses to generosity, lets those that suffer less spread,
and draws `05_which_rule_limits_harm.png`.
"""

import matplotlib.pyplot as plt
import numpy as np

import escalate as esc
from escalate.plots import tournaments as draw
from escalate.tournaments import fingerprint, tournament


def bully(see, params, memory, u):
    """Strike unless struck: it gives way to those who answer, and to nobody else."""
    return esc.answer(0.0 if see.struck > 0.0 else see.standard)


rules = {
    "never": "never",
    "tit for tat": "tit_for_tat",
    "two tats": "tit_for_two_tats",
    "generous": "generous",
    "contrite": "contrite",
    "grim": "grim",
    "gradual": "gradual",
    "win-stay": "win_stay_lose_shift",
    "bully": esc.Rule(bully),
    "always": "always",
}
everybody = {"killed_suffered": 1.0, "killed_done": 1.0}
cup = tournament(
    rules,
    replications=32,
    noise={"misperceive_prob": [0.0, 0.02, 0.05, 0.1]},
    rng=1,
    weights=everybody,
)

for title, weights in (("on both sides", everybody), ("on its own side", "killed_suffered")):
    print(f"Killed {title} in 60 days, if one day in twenty is misperceived:")
    for name, row in cup.ranking(weights, noise=0.05).iterrows():
        print(f"  {name:12} {row['burden']:6.1f}  ({row['low']:.1f} to {row['high']:.1f})")

print("\nTit for tat over generous, killed on both sides:")
for level, row in cup.difference("tit for tat", "generous").iterrows():
    interval = f"({row['low']:+.1f} to {row['high']:+.1f})"
    print(f"  misperceived {level:4.0%}: {row['mean']:+6.1f}  {interval}")

evolution = cup.replicator("killed_suffered", noise=0.05)
last = evolution.shares.iloc[-1].sort_values(ascending=False)
print("\nIf rules spread that suffer less, after 200 generations:")
print(", ".join(f"{name} {share:.0%}" for name, share in last.items() if share > 0.01))

# Two sides that answer in proportion, each of which believes in more, or less, than what came.
points = fingerprint(
    "proportional",
    "proportional",
    replications=8,
    noise={"exaggeration": np.linspace(0.6, 1.6, 11)},
    gains=np.linspace(0.4, 1.6, 13),
    rng=1,
)

figure, axes = plt.subplots(2, 2, figsize=(9.5, 7.0), layout="constrained")
draw.payoff_matrix(cup, noise=0.05, ax=axes[0, 0])
draw.noise_sweep(cup, ax=axes[0, 1])
draw.fingerprint(points, ax=axes[1, 0])
draw.replicator(evolution, ax=axes[1, 1])
figure.savefig("05_which_rule_limits_harm.png", dpi=200)
