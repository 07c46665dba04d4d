"""Closed forms that stand beside the simulation and check it; none of the model's laws is used.

Salvo combat (`salvo`, `lanchester`), what gets through a defence (`leakage`, `saturation`), how
long things last (`stockpiles`); reciprocity (`richardson`, `hawkes`, `branching`, `progress`,
`memory_one`, `ladder`); and what can be learned from reports and runs (`reporting`, `inference`,
`experiments`). A module is loaded when it is first asked for.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = [
    "branching", "experiments", "hawkes", "inference", "ladder", "lanchester", "leakage",
    "memory_one", "progress", "reporting", "richardson", "salvo", "saturation", "stockpiles",
]  # fmt: skip


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module 'escalate.theory' has no attribute {name!r}")
    return importlib.import_module(f"escalate.theory.{name}")


def __dir__() -> list[str]:
    return __all__
