"""How many replications an unpaired comparison needs for each one of a paired comparison.

    python benchmarks/pairing.py [--pairs 1000] [--seeds 10]

For changes of the shipped scenarios, good and bad examples of common random numbers alike: the
factor by which pairing divides the variance of a mean difference, which is the factor between the
replications for an interval of the same width. It is measured in two ways: as `Pairing` says it,
from the variances of the two, and against an unpaired experiment that was really made, in which
the variant was fought with another seed. Saved as pairing.txt.
"""

from __future__ import annotations

import argparse

import numpy as np

import escalate as esc
from escalate.pairing import compare

OUTCOMES = ("killed", "injured", "blackout_hours", "strikes", "cost_usd")


def examples() -> list[tuple[str, str, dict[str, object]]]:
    """Give scenario, name and change of each example."""
    ua, equal = "sides.UA", "sides.A"
    winter = esc.load_scenario("winter-2023-24").sides
    return [
        ("winter-2023-24", "RU does not carry out what it vowed", {
            f"sides.RU.retaliations.{vow}.rule": "never" for vow in ("vow", "vow_hypersonic")}),
        ("winter-2023-24", "UA's medium range stops 0.80 of cruise missiles, not 0.69", {
            f"{ua}.layers.medium_range.kill_prob.cruise": 0.80}),
        ("winter-2023-24", "UA answers nothing", {
            f"{ua}.retaliations.{name}.rule": "never" for name in winter["UA"].retaliations}),
        ("two-equal-sides", "A's raids come 10% more often", {
            f"{equal}.tempos.routine.rate_per_day": 0.132}),
        ("two-equal-sides", "A's point defence stops 0.65 of drones, not 0.60", {
            f"{equal}.layers.point.kill_prob.drone": 0.65}),
        ("two-equal-sides", "A answers after 36 hours, not 24", {
            f"{equal}.retaliations.answer.delay_hours": 36.0}),
        ("two-equal-sides", "A forgives 0.5 of strikes, not 0.3", {
            f"{equal}.retaliations.answer.rule.of[0].forgive_prob": 0.5}),
        ("two-equal-sides", "A never answers", {
            f"{equal}.retaliations.answer.rule": "never"}),
        ("january-2025", "UA's medium range stops 0.1 fewer drones", {
            f"{ua}.layers.medium_range.kill_prob.drone": round(
                esc.load_scenario("january-2025").sides["UA"].layers["medium_range"]
                .kill_prob["drone"] - 0.1, 6)}),
    ]  # fmt: skip


def main() -> None:
    """Print a table for each example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    print(f"Unpaired replications for one paired, same width of the 95% interval; {args.pairs} "
          f"pairs,\n{args.seeds} seeds: geometric mean, least and most over the seeds; and against "
          "a variant\nfought with another seed. Outcomes of which fewer than 1 pair in 20 differs "
          "are left out.")  # fmt: skip
    for name, words, changes in examples():
        scenario = esc.load_scenario(name)
        variant = scenario.replace(changes)
        print(f"\n{name}: {words}")
        print(f"{'outcome':>20s} {'base':>13s} {'difference':>13s} {'factor':>9s} {'least':>9s} "
              f"{'most':>9s} {'made':>9s}")  # fmt: skip
        found: dict[str, list[tuple[float, ...]]] = {}
        for seed in range(args.seeds):
            paired = compare(
                scenario, variant, replications=args.pairs, rng=seed, outcomes=OUTCOMES
            )
            apart = esc.simulate_many(
                variant, replications=args.pairs, rng=1000 + seed, outcomes=OUTCOMES
            )
            made = apart.summary()
            base = paired.base.summary()
            other = next(iter(paired.variants.values())).summary()
            for row in paired.table.to_dict("records"):
                column = str(row["outcome"])
                change = other[column] - base[column]
                if change.var() == 0.0:
                    continue
                ratio = (made[column].var() + base[column].var()) / change.var()
                found.setdefault(column, []).append(
                    (
                        row["mean_base"],
                        row["difference"],
                        row["variance_reduction"],
                        ratio,
                        (change != 0.0).mean(),
                    )
                )
        for column, rows in found.items():
            mean, difference, factors, ratios, differing = np.array(rows).T
            if len(rows) < args.seeds or differing.mean() < 0.05:
                continue
            print(f"{column:>20s} {mean.mean():13.6g} {difference.mean():13.4g} "
                  f"{np.exp(np.log(factors).mean()):9.3g} {factors.min():9.3g} "
                  f"{factors.max():9.3g} {np.exp(np.log(ratios).mean()):9.3g}")  # fmt: skip


if __name__ == "__main__":
    main()
