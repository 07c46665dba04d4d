"""Escalation dynamics of two sides that exchange missile and drone strikes.

Reading order: state a conflict (`Scenario` and its parts, or `load_scenario`), fight it
(`simulate`, `simulate_many`), vary it (`compare`, `designs`, `sweep`), look at what came out
(`Run`, `Ensemble`, `Sweep`, `metrics`, `regimes`, `plots`), and hold it against what was reported
(`Figure`, `read_figures`, `compare_figures`) and against what formulas say (`theory`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from escalate import (
        calibration,
        designs,
        evolution,
        forecast,
        laws,
        meanfield,
        metrics,
        plots,
        regimes,
        rules,
        scores,
        sensitivity,
        series,
        theory,
    )
    from escalate.calibration import Fit, calibrate, load_fit, optimise
    from escalate.comparison import Comparison, compare_figures
    from escalate.designs import Design, lever, uncertainty
    from escalate.ensemble import Ensemble, load_ensemble, simulate_many
    from escalate.errors import (
        EscalateError,
        FigureError,
        InvalidInputError,
        ResultError,
        ScenarioError,
    )
    from escalate.experiments import Sweep, load_sweep, sweep
    from escalate.figures import (
        Figure,
        disagreements,
        figure_table,
        read_figures,
        shipped_figures,
    )
    from escalate.pairing import Pairing, compare
    from escalate.precision import Precision
    from escalate.results import Run, load_run
    from escalate.rules import Answer, Rule, Situation, answer
    from escalate.scenario import (
        Assessment,
        Claimant,
        Deadline,
        Delivery,
        Ladder,
        Layer,
        OrderedStrike,
        Permission,
        Plan,
        Region,
        Retaliation,
        Rung,
        Scenario,
        Side,
        Target,
        Tempo,
        Truce,
        Weapon,
    )
    from escalate.scenario_file import (
        load_scenario,
        read_scenario,
        save_scenario,
        scenario_names,
        source_of,
        unsourced,
        write_scenario,
    )
    from escalate.simulation import replicate, simulate
    from escalate.snapshot import Snapshot
    from escalate.strikes import Strikes, read_strikes
    from escalate.tournaments import Tournament, arena, tournament

# The table of contents, in reading order. What stands here is loaded when first asked for,
# so that importing the library is quick and loads no plotting or data-frame library.
_CONTENTS: dict[str, tuple[str, ...]] = {
    "escalate.scenario": (
        "Scenario", "Side", "Weapon", "Region", "Target", "Layer", "Plan", "Tempo",
        "Retaliation", "Ladder", "Rung", "Assessment", "Claimant", "Delivery", "Truce",
        "Deadline", "Permission", "OrderedStrike",
    ),
    "escalate.rules": ("Rule", "Situation", "Answer", "answer"),
    "escalate.scenario_file": (
        "load_scenario", "scenario_names", "save_scenario", "read_scenario", "write_scenario",
        "source_of", "unsourced",
    ),
    "escalate.simulation": ("simulate", "replicate"),
    "escalate.snapshot": ("Snapshot",),
    "escalate.ensemble": ("simulate_many", "Ensemble", "load_ensemble"),
    "escalate.designs": ("lever", "uncertainty", "Design"),
    "escalate.experiments": ("sweep", "Sweep", "load_sweep"),
    "escalate.pairing": ("compare", "Pairing"),
    "escalate.precision": ("Precision",),
    "escalate.tournaments": ("tournament", "Tournament", "arena"),
    "escalate.results": ("Run", "load_run"),
    "escalate.figures": (
        "Figure", "read_figures", "shipped_figures", "figure_table", "disagreements",
    ),
    "escalate.strikes": ("read_strikes", "Strikes"),
    "escalate.comparison": ("Comparison", "compare_figures"),
    "escalate.calibration": ("calibrate", "Fit", "load_fit", "optimise"),
    "escalate.errors": (
        "EscalateError", "InvalidInputError", "ScenarioError", "FigureError", "ResultError",
    ),
}  # fmt: skip
_MODULES = (
    "laws", "rules", "metrics", "designs", "regimes", "meanfield", "evolution", "plots", "theory",
    "scores", "sensitivity", "series", "forecast", "calibration",
)  # fmt: skip
_HOME = {name: module for module, names in _CONTENTS.items() for name in names}

__all__ = [
    "Scenario", "Side", "Weapon", "Region", "Target", "Layer", "Plan", "Tempo",
    "Retaliation", "Ladder", "Rung", "Assessment", "Claimant", "Delivery", "Truce",
    "Deadline", "Permission", "OrderedStrike",
    "Rule", "Situation", "Answer", "answer",
    "load_scenario", "scenario_names", "save_scenario", "read_scenario", "write_scenario",
    "source_of", "unsourced",
    "simulate", "replicate", "Snapshot",
    "simulate_many", "Ensemble", "load_ensemble",
    "lever", "uncertainty", "Design",
    "sweep", "Sweep", "load_sweep", "compare", "Pairing", "Precision",
    "tournament", "Tournament", "arena",
    "Run", "load_run",
    "Figure", "read_figures", "shipped_figures", "figure_table", "disagreements",
    "read_strikes", "Strikes", "Comparison", "compare_figures",
    "calibrate", "Fit", "load_fit", "optimise",
    "EscalateError", "InvalidInputError", "ScenarioError", "FigureError", "ResultError",
    "laws", "rules", "metrics", "designs", "regimes", "meanfield", "evolution", "plots", "theory",
    "scores", "sensitivity", "series", "forecast", "calibration",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(f"escalate.{name}")
    else:
        raise AttributeError(f"module 'escalate' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
