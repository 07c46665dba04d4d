"""A run, and many, held against reported figures.

Each figure is compared as it was put: what a run gives is compatible if the words admit it,
and many runs are if the central 90% of what they give meets what the words admit. A figure
that is missed is shown as missed.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from escalate.errors import EscalateError
from escalate.figures import Figure, disagreements, select, shipped_figures
from escalate.metrics import OUTCOMES, check_figures, figure_value, summary
from escalate.randomness import Seed
from escalate.results import Run
from escalate.scenario import Scenario
from escalate.simulation import simulate

__all__ = [
    "LEVEL",
    "Comparison",
    "Replications",
    "compare_figures",
    "figures_of",
    "replications_of",
    "table",
]

LEVEL = 0.9
"""Part of the runs that the central interval holds."""


@dataclass(frozen=True)
class Comparison:
    """One reported figure beside what a run, and many runs, give."""

    figure: Figure
    """What was reported."""
    value: float
    """What the run gives, in the figure's unit; NaN for nothing comparable."""
    low: float
    """Lower end of the central 90% over many runs; NaN without any."""
    high: float
    """Upper end of it."""
    found: int
    """Runs out of which the interval is made: those with something comparable."""
    replications: int
    """Runs in all."""
    against: tuple[str, ...] = ()
    """Ids of figures that this one contradicts."""
    revised_by: tuple[str, ...] = ()
    """Ids of figures that revise this one."""

    @property
    def run_compatible(self) -> bool:
        """Whether the words admit what the run gives."""
        return self.figure.admits(self.value)

    @property
    def compatible(self) -> bool:
        """Whether the central interval meets what the words admit.

        Of the runs, at least a tenth must have something comparable.
        """
        if self.replications == 0 or self.found < (1.0 - LEVEL) * self.replications:
            return False
        return self.figure.overlaps(self.low, self.high)


def figures_of(scenario: Scenario) -> tuple[Figure, ...]:
    """Give the shipped figures that a scenario names.

    Parameters
    ----------
    scenario : Scenario
        What is at war.

    Returns
    -------
    tuple of Figure
        In the order in which the scenario names them.

    Raises
    ------
    FigureError
        An id that no shipped figure has.
    """
    if not scenario.figures:
        return ()
    return select(shipped_figures(), ids=scenario.figures)


def compare_figures(
    run: Run, runs: Iterable[Run] = (), figures: Iterable[Figure] | None = None
) -> tuple[Comparison, ...]:
    """Hold a run, and many more, against reported figures.

    Parameters
    ----------
    run : Run
        The run to show.
    runs : iterable of Run, optional
        Replications for the interval; they are gone through once and not kept.
    figures : iterable of Figure, optional
        What was reported; the scenario's own figures if not given.

    Returns
    -------
    tuple of Comparison
        In the order of the figures.

    Raises
    ------
    EscalateError
        A replication of another scenario than the run's.
    ScenarioError
        A figure of a side or place that the scenario does not know.

    Examples
    --------
    >>> import escalate as esc
    >>> scenario = esc.load_scenario("february-2023")
    >>> run = esc.simulate(scenario, rng=1)
    >>> [c.figure.id for c in esc.compare_figures(run)]
    ['F01', 'F02', 'F03', 'F04']
    """
    chosen = figures_of(run.scenario) if figures is None else tuple(figures)
    check_figures(run.scenario, chosen)
    values: list[list[float]] = []
    for other in runs:
        if other.scenario is not run.scenario and other.scenario != run.scenario:
            raise EscalateError("the replications must be of the run's own scenario")
        values.append([figure_value(other, figure) for figure in chosen])
    return compared(run, chosen, values)


def compared(
    run: Run, figures: Iterable[Figure], values: list[list[float]]
) -> tuple[Comparison, ...]:
    """Hold a run against figures, given what each replication has to say to each of them.

    Parameters
    ----------
    run : Run
        The run to show.
    figures : iterable of Figure
        What was reported.
    values : list of list of float
        A row a replication, a column a figure, see `escalate.metrics.figure_value`.

    Returns
    -------
    tuple of Comparison
    """
    chosen = tuple(figures)
    at_odds = disagreements(chosen)
    out = []
    for i, figure in enumerate(chosen):
        given = np.array([row[i] for row in values], dtype=float)
        given = given[~np.isnan(given)]
        low = high = math.nan
        if len(given):
            low, high = _central(given)
        out.append(
            Comparison(
                figure=figure,
                value=figure_value(run, figure),
                low=low,
                high=high,
                found=len(given),
                replications=len(values),
                against=tuple(
                    d.later.id if d.earlier is figure else d.earlier.id
                    for d in at_odds
                    if d.kind == "contradicts" and figure in (d.earlier, d.later)
                ),
                revised_by=tuple(
                    d.later.id for d in at_odds if d.kind == "revises" and d.earlier is figure
                ),
            )
        )
    return tuple(out)


def _central(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Give the central interval by order statistics: the ends of a count's are counts."""
    low, high = np.quantile(
        values, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0], method="inverted_cdf"
    )
    return float(low), float(high)


@dataclass(frozen=True)
class Replications:
    """What many runs of a run's scenario say beside it."""

    comparisons: tuple[Comparison, ...]
    """The run and the many against the scenario's own figures."""
    intervals: Mapping[str, Mapping[str, tuple[float, float]]]
    """Side to outcome to the central 90% over the runs; empty without any."""


def replications_of(
    run: Run, replications: int, *, workers: int | None = None, progress: bool = False
) -> Replications:
    """Replicate a run and hold it, and the replications, against its scenario's figures.

    Parameters
    ----------
    run : Run
        The run; its seed is used for the replications.
    replications : int
        How many.
    workers : int, optional
        Processes; as many as there are processors if not given. The result does not depend
        on it.
    progress : bool, optional
        Whether to show on standard error how far it is.

    Returns
    -------
    Replications
    """
    figures = figures_of(run.scenario)
    check_figures(run.scenario, figures)
    workers = min(workers or os.cpu_count() or 1, max(replications // 20, 1))
    chunks = [
        (run.scenario, run.seed, range(first, min(first + 10, replications)), figures)
        for first in range(0, replications, 10)
    ]
    done: list[tuple[list[float], dict[str, dict[str, float]]]] = []

    def note() -> None:
        if progress:
            end = "\n" if len(done) >= replications else ""
            print(f"\r{len(done)} of {replications} replications", end=end, file=sys.stderr)

    if workers == 1:
        for chunk in chunks:
            done.extend(_replicated(*chunk))
            note()
    else:
        with ProcessPoolExecutor(workers) as pool:
            for part in pool.map(_replicated, *zip(*chunks, strict=True)):
                done.extend(part)
                note()
    intervals: dict[str, dict[str, tuple[float, float]]] = {}
    if done:
        for side in run.names["side"]:
            intervals[side] = {}
            for outcome in OUTCOMES:
                given = np.array([summary[side][outcome] for _, summary in done])
                given = given[~np.isnan(given)]
                intervals[side][outcome] = _central(given) if len(given) else (math.nan, math.nan)
    return Replications(compared(run, figures, [values for values, _ in done]), intervals)


def _replicated(
    scenario: Scenario, seed: Seed, numbers: range, figures: tuple[Figure, ...]
) -> list[tuple[list[float], dict[str, dict[str, float]]]]:
    """Give what each of some replications says to each figure, and its summary."""
    out = []
    for number in numbers:
        run = simulate(scenario, rng=seed, replication=number)
        out.append(([figure_value(run, figure) for figure in figures], summary(run)))
    return out


def table(comparisons: Iterable[Comparison]) -> str:
    """Lay comparisons out as text.

    Parameters
    ----------
    comparisons : iterable of Comparison
        What `compare_figures` gives.

    Returns
    -------
    str
        A line a figure, under a heading.
    """
    head = ("id", "quantity", "reported", "claimant", "run", "", "90% of runs", "", "remark")
    rows = [head]
    for c in comparisons:
        figure = c.figure
        what = f"{figure.attacker}>{figure.defender} {figure.quantity} {figure.weapon_category}"
        remark = []
        if c.against:
            remark.append("contradicts " + ", ".join(c.against))
        if c.revised_by:
            remark.append("revised by " + ", ".join(c.revised_by))
        if 0 < c.found < c.replications:
            remark.append(f"in {c.found} of {c.replications} runs")
        interval = ""
        if c.replications:
            interval = f"{number(c.low)} to {number(c.high)}" if c.found else "none"
        rows.append(
            (
                figure.id,
                what,
                figure.describe(),
                figure.claimant,
                number(c.value),
                "fits" if c.run_compatible else "MISSED",
                interval,
                ("fits" if c.compatible else "MISSED") if c.replications else "",
                "; ".join(remark),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def number(value: float) -> str:
    """Write a number short: whole if it is, in millions if it is large, a dash if NaN."""
    if math.isnan(value):
        return "-"
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.0f} million"
    if value == int(value):
        return f"{int(value)}"
    return f"{value:.2f}" if abs(value) < 10.0 else f"{value:.1f}"
