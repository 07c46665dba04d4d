"""The errors a caller may catch.

Every error about input carries the claim that failed, the value that was given and its
place, the same dotted path as in TOML, in Python and in a sweep.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "EscalateError",
    "FigureError",
    "InvalidInputError",
    "Problem",
    "ResultError",
    "ScenarioError",
    "closest",
]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input."""

    place: str
    """Dotted path of the offending value, such as ``sides.UA.layers.long_range.channels``."""

    message: str
    """What must hold and what was given."""

    def __str__(self) -> str:
        return f"{self.message} at {self.place}" if self.place else self.message


class EscalateError(Exception):
    """Base of every error that the library raises on purpose."""


class InvalidInputError(EscalateError, ValueError):
    """Input that cannot be used; `problems` lists everything wrong with it at once.

    Parameters
    ----------
    problems : iterable of Problem
        What is wrong, in reading order.
    file : str, optional
        The file it was read from, named once per line.
    """

    def __init__(self, problems: Iterable[Problem], file: str = "") -> None:
        self.problems = tuple(problems)
        self.file = file
        suffix = f" ({file})" if file else ""
        lines = [f"{problem}{suffix}" for problem in self.problems]
        if len(lines) > 1:
            lines = [f"{len(lines)} problems:", *(f"  - {line}" for line in lines)]
        super().__init__("\n".join(lines))


class ScenarioError(InvalidInputError):
    """A scenario that cannot be run as stated."""


class FigureError(InvalidInputError):
    """A table of reported figures that cannot be read as stated."""


class ResultError(InvalidInputError):
    """A saved run that cannot be loaded, or asked for something it does not hold."""


def closest(name: object, known: Iterable[str]) -> str:
    """Say what is known, and which of it `name` was probably meant to be.

    Parameters
    ----------
    name : object
        What was given, in capitals or not.
    known : iterable of str
        What would have been accepted.

    Returns
    -------
    str
        A clause such as ``did you mean 'stock'? Known: category, stock``.

    Examples
    --------
    >>> closest("stok", ["stock", "category"])
    "did you mean 'stock'? Known: category, stock"
    >>> closest("ua", ["RU", "UA"])
    "did you mean 'UA'? Known: RU, UA"
    """
    names = sorted(known)
    folded = [one.casefold() for one in names]
    match = difflib.get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.5)
    listing = "Known: " + (", ".join(names) if names else "none")
    return f"did you mean {names[folded.index(match[0])]!r}? {listing}" if match else listing
