"""One exchange, looked at closely: who answered whom, and what was reported of it.

Runs the shipped winter-2023-24 scenario once, prints the chain of answers that starts with
the barrage, holds the run against the reported figures, and draws `01_one_exchange.png`.
"""

import escalate as esc

scenario = esc.load_scenario("winter-2023-24")
run = esc.simulate(scenario, rng=1)

strikes = run.strikes
barrage = strikes.index[strikes["plan"] == "barrage"][0]


def tell(strike: int, depth: int = 0) -> None:
    """Print a strike and, indented below it, the strikes that answer it."""
    row = strikes.loc[strike]
    when = scenario.date(row["first_launch_hours"])
    print(
        f"{'    ' * depth}{when:%d %b %H:%M}  {row['side']} {row['plan']}: "
        f"{row['launched']} launched, {row['intercepted']} stopped, {row['killed']} killed"
    )
    for answer in strikes.index[strikes["provoked_by"] == strike]:
        tell(answer, depth + 1)


tell(barrage)

comparisons = esc.compare_figures(run)
missed = [c.figure.id for c in comparisons if not c.run_compatible]
print(f"\n{len(comparisons) - len(missed)} of {len(comparisons)} reported figures fit this run.")
print("Missed:", ", ".join(missed))

picture = esc.plots.overview(run, comparisons)
picture.savefig("01_one_exchange.png", dpi=200)
