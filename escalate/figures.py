"""Reported figures: what the press said, how firmly, and which true values the words admit.

A figure is a claim, never a fact of the simulation. It is compared with a run through the
interval its words leave open, so that "at least 39" and "dozens" count for what they say.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from importlib import resources
from itertools import groupby
from numbers import Real
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from escalate.errors import FigureError, Problem, closest

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ABOUT_SHARE",
    "RELATIONS",
    "Disagreement",
    "Figure",
    "disagreements",
    "figure_table",
    "read_figures",
    "select",
    "shipped_figures",
]

ABOUT_SHARE = 0.10
"""Share by which "about" widens a number both ways, and "nearly" downwards.

An assumption of ours: "about 100" is read as 90 to 110 and "nearly 50" as 45 to 50.
"""

RELATIONS: Mapping[str, str] = MappingProxyType(
    {
        "exactly": "the number itself; a whole number of hours stands for what rounds to it",
        "about": "within ABOUT_SHARE of the number, or of the range, either way",
        "nearly": "the number, or less of it by up to ABOUT_SHARE",
        "at_least": "the number or more",
        "more_than": "above the number; for a count, by one or more",
        "at_most": "the number or less",
        "less_than": "below the number; for a count, by one or more",
        "tens": "20 to 99: two tens or more, short of a hundred",
        "dozens": "24 to 99: two dozen or more, short of a hundred",
        "several_dozen": "36 to 96: three to eight dozen",
        "hundreds": "200 to 999: two hundred or more, short of a thousand",
    }
)
"""What each word of firmness means, by its name in the column ``relation``."""

_WORDS = {"tens": (20, 99), "dozens": (24, 99), "several_dozen": (36, 96), "hundreds": (200, 999)}
_OPEN_ABOVE = ("at_least", "more_than")
_OPEN_BELOW = ("at_most", "less_than")
_MEASURES = ("USD", "hours", "fraction")  # every other unit names things that are counted
_UNIT_OF = {
    "cost": "USD",
    "duration": "hours",
    "response_delay": "hours",
    "intercepted_fraction": "fraction",
}
_MISSILES = frozenset({"cruise", "ballistic", "hypersonic"})
_SINGLE = _MISSILES | {"drone", "decoy", "artillery"}
_KINDS = {name: frozenset({name}) for name in _SINGLE} | {
    "missile": _MISSILES,
    "all": _SINGLE,
    "unspecified": _SINGLE,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One reported number, with how firmly it was said, by whom and of what.

    Raises
    ------
    FigureError
        With everything that is wrong, each with its place such as ``F08.low``.

    Examples
    --------
    >>> figure = next(figure for figure in shipped_figures() if figure.id == "F13")
    >>> figure.describe(), figure.bounds
    ('more than 110', (111.0, inf))
    >>> figure.admits(110), figure.overlaps(90, 120)
    (False, True)
    """

    id: str
    """Name of the figure, unique in its table."""
    seed: str
    """The article it was read from."""
    date_start: date
    """First day of what is counted [calendar date]."""
    date_end: date
    """Last day of what is counted, included [calendar date]."""
    attacker: str
    """Side that struck."""
    defender: str
    """Side, or third party, that was struck."""
    place: str
    """Place names, parted by commas or "and"; or ``countrywide``."""
    quantity: str
    """What is counted or measured, such as ``killed`` or ``response_delay``."""
    weapon_category: str
    """A weapon category, or ``missile``, ``all`` or ``unspecified``."""
    relation: str
    """How firm the words are, one of `RELATIONS`."""
    low: float | None
    """Lowest number named [`unit`]; None = open below."""
    high: float | None
    """Highest number named [`unit`]; None = open above."""
    unit: str
    """``USD``, ``hours``, ``fraction`` (0 to 1), or the things that are counted."""
    claimant: str
    """Who said so."""
    note: str = ""
    """Anything else."""
    claimed_on: date | None = None
    """Day of the claim, as far as known from its article [calendar date]."""

    def __post_init__(self) -> None:
        """Refuse what is unsound or does not go together."""
        if problems := _problems(self):
            raise FigureError(Problem(f"{self.id or 'figure'}.{c}", m) for c, m in problems)

    @property
    def bounds(self) -> tuple[float, float]:
        """Lowest and highest true value the words admit [`unit`], both included.

        Returns
        -------
        tuple of float
            An end left open is 0 below, and above 1 for a fraction and infinity otherwise.

        Notes
        -----
        A count stays whole: "about 25" is 23 to 27, and "about 4" no more than 4 itself.
        """
        counted = self.unit not in _MEASURES
        most = 1.0 if self.unit == "fraction" else math.inf
        low = 0.0 if self.low is None else float(self.low)
        high = most if self.high is None else float(self.high)
        if self.relation == "more_than":
            low = low + 1 if counted else math.nextafter(low, math.inf)
        elif self.relation == "less_than":
            high = high - 1 if counted else math.nextafter(high, -math.inf)
        elif self.relation in ("about", "nearly"):
            low *= 1 - ABOUT_SHARE
            high *= 1 + ABOUT_SHARE if self.relation == "about" else 1
            if counted:  # first off with the dust of 0.1 in binary, which would cost one unit
                low, high = float(math.ceil(round(low, 6))), float(math.floor(round(high, 6)))
            high = min(high, most)
        elif self.relation == "exactly" and self.unit == "hours" and low.is_integer():
            low, high = max(0.0, low - 0.5), math.nextafter(high + 0.5, 0.0)
        return low, high

    def admits(self, value: float) -> bool:
        """Whether `value` [`unit`] may be the true one; never so for NaN."""
        low, high = self.bounds
        return bool(low <= value <= high)

    def overlaps(self, low: float, high: float) -> bool:
        """Whether some value from `low` to `high` [`unit`] may be the true one."""
        least, most = self.bounds
        return bool(low <= high and low <= most and least <= high)

    def describe(self) -> str:
        """Return the claim in a few words, such as ``less than 24 h``."""
        words = self.relation.replace("_", " ")
        named = [self._written(end) for end in (self.low, self.high) if end is not None]
        span = " to ".join(dict.fromkeys(named))
        return f"{words} ({span})" if self.relation in _WORDS else f"{words} {span}"

    def _written(self, number: float) -> str:
        sign, suffix = "$" * (self.unit == "USD"), " h" * (self.unit == "hours")
        return f"{sign}{_plain(number)}{suffix}"


_COLUMNS = tuple(field.name for field in fields(Figure))
_NUMBERS = ("low", "high")
_DATES = ("date_start", "date_end", "claimed_on")
_MAY_BE_EMPTY = ("low", "high", "claimed_on")
_KNOWN = {"relation": tuple(RELATIONS), "weapon_category": tuple(_KINDS)}


def _plain(number: float) -> str:
    number = float(number)
    return f"{int(number):,}" if number.is_integer() else f"{number:,}"


def _problems(figure: Figure) -> list[tuple[str, str]]:
    """Return the column and the message of everything that is wrong with `figure`."""
    wrong = [
        (column, f"`{column}` must be {wanted}, but got {getattr(figure, column)!r}")
        for column in _COLUMNS
        if (wanted := _wanted(figure, column))
    ]
    return wrong or list(_conflicts(figure))  # only sound values can be held against each other


def _wanted(figure: Figure, column: str) -> str | None:
    """Return what the value in `column` should have been, or None where it is sound."""
    value = getattr(figure, column)
    if value is None and column in _MAY_BE_EMPTY:
        return None
    if column in _DATES:
        sound = isinstance(value, date) and not isinstance(value, datetime)
        return None if sound else "a date such as 2024-01-02"
    if column in _NUMBERS:
        if not isinstance(value, Real) or isinstance(value, bool):
            return "a number or empty"
        number = float(value)
        if not (math.isfinite(number) and number >= 0):
            return "finite and not negative"
        if figure.unit == "fraction" and number > 1:
            return "a fraction within 0 and 1"
        whole = figure.unit in _MEASURES or number.is_integer()
        return None if whole else f"a whole number of {figure.unit}"
    if not isinstance(value, str):
        return "text"
    if not value.strip() and column != "note":
        return "filled in"
    if value not in _KNOWN.get(column, (value,)):
        return f"a known one ({closest(value, _KNOWN[column])})"
    if column == "unit" and value not in _MEASURES:
        measure = {name.casefold(): name for name in _MEASURES}.get(value.casefold())
        if measure and figure.quantity not in _UNIT_OF:
            return f"written {measure!r}"
    if column == "unit" and value != _UNIT_OF.get(figure.quantity, value):
        return f"{_UNIT_OF[figure.quantity]!r} for {figure.quantity!r}"
    return None


def _conflicts(figure: Figure) -> Iterator[tuple[str, str]]:
    """Yield the column and the message of sound values that do not go together."""
    start, end, claimed = figure.date_start, figure.date_end, figure.claimed_on
    if start > end:
        yield "date_end", f"`date_start <= date_end` must hold, but got {start} and {end}"
    if claimed and claimed < start:
        yield "claimed_on", f"`date_start <= claimed_on` must hold, but got {start} and {claimed}"
    low, high, relation = figure.low, figure.high, figure.relation
    incomplete = False
    for column, value, open_end in (("low", low, _OPEN_BELOW), ("high", high, _OPEN_ABOVE)):
        if (value is None) != (relation in open_end):
            incomplete = True
            claim = f"`{column}` must be {'given' if value is None else 'empty'} with {relation!r}"
            yield column, f"{claim}, but got {'nothing' if value is None else _plain(value)}"
    if incomplete:
        return
    if low is None or high is None:
        if figure.bounds[0] > figure.bounds[1]:
            column = "high" if low is None else "low"
            yield column, f"some value must be possible, but none is {figure.describe()}"
        return
    got = f"{_plain(low)} and {_plain(high)}"
    if low > high:
        yield "low", f"`low <= high` must hold, but got {got}"
    elif relation in ("exactly", "nearly") and low != high:
        yield "high", f"`low == high` must hold with {relation!r}, but got {got}"
    elif (low, high) != (named := _WORDS.get(relation, (low, high))):
        yield "low", f"{relation!r} must go from {named[0]} to {named[1]}, but got {got}"


def read_figures(path: str | os.PathLike[str]) -> tuple[Figure, ...]:
    """Read a table of reported figures.

    Parameters
    ----------
    path : str or path
        A CSV file in UTF-8. Its header names the fields of `Figure` in any order;
        ``claimed_on`` may be left out.

    Returns
    -------
    tuple of Figure
        In the order of the file.

    Raises
    ------
    FigureError
        If there is no such file, or with all that is wrong in it at once, each with its
        figure, column and line.
    """
    file = os.fspath(path)
    try:
        raw = Path(path).read_bytes()
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"a table must be UTF-8 text, but got the byte 0x{raw[error.start]:02x}"
        line = raw.count(b"\n", 0, error.start) + 1
        raise FigureError([Problem(f"line {line}", message)], file) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"a table must be a readable file, but got: {reason}"
        raise FigureError([Problem("", message)], file) from error
    return _parse(text, file)


def _parse(text: str, file: str) -> tuple[Figure, ...]:
    figures: list[Figure] = []
    problems: list[Problem] = []
    first_line: dict[str, int] = {}
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        problems += _header_problems(header)
        next_line = reader.line_num + 1
        for row in reader if not problems else ():
            line, next_line = next_line, reader.line_num + 1  # a quoted cell may span lines
            cells = {name: _cell(name, cell) for name, cell in zip(header, row, strict=False)}
            if not any(cell.strip() for cell in row):
                problems.append(Problem(f"line {line}", "a row must not be blank"))
                continue
            name = cells.get("id", "")
            if len(row) != len(header):
                column = header[min(len(row), len(header) - 1)]
                message = f"a row must have {len(header)} cells, but got {len(row)}"
                problems.append(Problem(f"{name or 'figure'}.{column}, line {line}", message))
                continue
            if name and first_line.setdefault(name, line) != line:
                message = f"`id` must be unique, but got {name!r} on line {first_line[name]} too"
                problems.append(Problem(f"{name}.id, line {line}", message))
            try:
                figures.append(Figure(**cells))
            except FigureError as error:
                problems += [Problem(f"{p.place}, line {line}", p.message) for p in error.problems]
    except csv.Error as error:
        message = f"a table must be well-formed CSV, but got: {error}"
        problems.append(Problem(f"line {reader.line_num}", message))
    if not figures and not problems:
        problems.append(Problem("", "a table must hold figures, but got a header alone"))
    if problems:
        raise FigureError(problems, file)
    return tuple(figures)


def _header_problems(header: list[str]) -> Iterator[Problem]:
    if not any(header):
        yield Problem("line 1", "a table must start with a header, but got nothing")
        return
    if "\0" in header[0]:
        yield Problem("line 1", f"a table must be UTF-8 text, but starts with {header[0]!r}")
        return
    if len(header) == 1 and (mark := next((m for m in ";\t|" if m in header[0]), "")):
        yield Problem("line 1", f"cells must be parted by commas, but got {mark!r}")
        return
    for index, name in enumerate(header):
        if name not in _COLUMNS:
            hint = closest(name, _COLUMNS)
            yield Problem("line 1", f"a column must be a known one, but got {name!r}; {hint}")
        elif name in header[:index]:
            yield Problem("line 1", f"a column must be there once, but got {name!r} again")
    for name in _COLUMNS:
        if name not in header and name != "claimed_on":
            yield Problem("line 1", f"the column {name!r} must be there, but is missing")


def _cell(column: str, cell: str) -> Any:
    """Return what a cell says, or its bare text for `Figure` to refuse in its own words."""
    cell = cell.strip()
    if not cell and column in _MAY_BE_EMPTY:
        return None
    try:
        if column in _NUMBERS and "_" not in cell and cell.isascii():
            return float(cell)
        if column in _DATES:
            return date.fromisoformat(cell)
    except ValueError:
        pass
    return cell


def shipped_figures() -> tuple[Figure, ...]:
    """Return the 47 figures that come with the library, each with the day of its claim.

    Sources and licences: ``escalate/data/SOURCES.md``.

    Examples
    --------
    >>> print(*(figure.describe() for figure in shipped_figures()[5:11]), sep="; ")
    dozens (24 to 99); exactly 18 h; at least 39; about 160; at least 31; more than $1,000,000,000
    """
    folder = resources.files("escalate") / "data" / "figures"
    articles = io.StringIO((folder / "articles.csv").read_text("utf-8"))
    day = {row["seed"]: date.fromisoformat(row["published"]) for row in csv.DictReader(articles)}
    figures = _parse((folder / "reported.csv").read_text("utf-8"), "reported.csv")
    return tuple(replace(figure, claimed_on=day[figure.seed]) for figure in figures)


def select(
    figures: Iterable[Figure],
    *,
    ids: Iterable[str] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> tuple[Figure, ...]:
    """Return the figures that are asked for, in the order given.

    Parameters
    ----------
    figures : iterable of Figure
        What to select from.
    ids : iterable of str, optional
        Keep these alone; a single id may be given bare.
    since, until : datetime.date, optional
        Keep what was counted wholly within these days, both included: a count that
        reaches beyond them cannot be held against a run that does not.

    Raises
    ------
    FigureError
        If an id is unknown, or `since` comes after `until`.

    Examples
    --------
    >>> [figure.id for figure in select(shipped_figures(), since=date(2025, 1, 15))]
    ['F43', 'F44', 'F45']
    """
    figures = tuple(figures)
    if ids is not None:
        ids = (ids,) if isinstance(ids, str) else tuple(ids)
        known = {figure.id for figure in figures}
        problems = [
            Problem("ids", f"an id must be a known one, but got {name!r}; {closest(name, known)}")
            for name in ids
            if name not in known
        ]
        if problems:
            raise FigureError(problems)
    if since and until and since > until:
        message = f"`since <= until` must hold, but got {since} and {until}"
        raise FigureError([Problem("since", message)])
    return tuple(
        figure
        for figure in figures
        if (ids is None or figure.id in ids)
        and (since is None or figure.date_start >= since)
        and (until is None or figure.date_end <= until)
    )


def figure_table(figures: Iterable[Figure]) -> pd.DataFrame:
    """Lay figures out as a table, a row a figure.

    Parameters
    ----------
    figures : iterable of Figure
        What to list.

    Returns
    -------
    pandas.DataFrame
        By ``id``, in the order given: the fields of `Figure`, with days as timestamps and an open
        end as NaN; ``says``, the claim in words; ``least`` and ``most``, the true values that
        these admit [``unit``]; and ``contradicts`` and ``revises``, the ids of earlier figures
        that this one stands against (see `disagreements`), parted by spaces.

    Examples
    --------
    >>> table = figure_table(select(shipped_figures(), ids=["F08", "F10", "F13"]))
    >>> table["says"].tolist(), table["least"].tolist()
    (['at least 39', 'at least 31', 'more than 110'], [39.0, 31.0, 111.0])
    >>> table["contradicts"].tolist()
    ['', 'F08', '']
    """
    import pandas as pd

    figures = tuple(figures)
    rows = [[getattr(figure, name) for name in _COLUMNS] for figure in figures]
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    for name in _DATES:
        table[name] = pd.to_datetime(table[name])
    for name in _NUMBERS:
        table[name] = table[name].astype(float)
    table["says"] = [figure.describe() for figure in figures]
    table["least"] = [figure.bounds[0] for figure in figures]
    table["most"] = [figure.bounds[1] for figure in figures]
    found = disagreements(figures)
    for kind in ("contradicts", "revises"):
        table[kind] = [
            " ".join(d.earlier.id for d in found if d.kind == kind and d.later.id == figure.id)
            for figure in figures
        ]
    return table.set_index("id")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two figures of one event that do not say the same."""

    kind: Literal["contradicts", "revises"]
    """What the later one does to the earlier."""
    earlier: Figure
    """The figure claimed first."""
    later: Figure
    """The figure claimed last."""
    reason: str
    """What the two say, in words."""


def disagreements(figures: Iterable[Figure]) -> tuple[Disagreement, ...]:
    """Find the figures that contradict or revise one another.

    Parameters
    ----------
    figures : iterable of Figure
        In any order. They are taken by the day of their claim, then by id; a figure without
        that day is taken to be claimed on the last day it counts.

    Returns
    -------
    tuple of Disagreement
        Every contradiction, and for each figure the one revision nearest before it: of
        21, 24, 25 the last revises the second alone. Ordered by the later claim.

    Notes
    -----
    Two figures speak of one event if quantity, sides and dates are equal, they share a place
    name, and one weapon category contains the other. ``countrywide`` is a name like any
    other, "region" is left off, "other cities" names no place, and places that overlap
    without one holding the other count as the same.

    As counts only rise while news comes in, of two figures with one scope the later
    *contradicts* the earlier if all it names is lower, and otherwise *revises* it if it is
    worded differently. Compared is what the words name, not what they admit, so "at least 31"
    is lower than "at least 39". If one has the wider scope (more weapons or more places), its
    part may well be smaller; but a later whole below its part contradicts it, and a later
    part above the whole revises that. Wider in weapons but narrower in places are apart, and
    so are fractions and hours of different scope, which do not add up.

    Examples
    --------
    >>> for found in disagreements(shipped_figures()):
    ...     print(found.earlier.id, found.later.id, found.kind)
    F12 F14 revises
    F08 F10 contradicts
    F14 F15 revises
    F21 F27 contradicts
    F33 F34 contradicts
    """
    found = []
    ordered = sorted(figures, key=lambda figure: (_event(figure), _claim(figure)))
    for _, event in groupby(ordered, key=_event):
        before: list[Figure] = []
        for later in event:
            revised = False
            for earlier in reversed(before):
                kind = _verdict(earlier, later)
                if kind and not (kind == "revises" and revised):
                    revised = revised or kind == "revises"
                    reason = f"{_said(earlier)}; later {_said(later)}"
                    found.append(Disagreement(kind, earlier, later, reason))
            before.append(later)
    return tuple(sorted(found, key=lambda pair: (_claim(pair.later), _claim(pair.earlier))))


_event = attrgetter("date_start", "date_end", "quantity", "attacker", "defender")


def _claim(figure: Figure) -> tuple[date, str]:
    return figure.claimed_on or figure.date_end, figure.id


def _verdict(earlier: Figure, later: Figure) -> Literal["contradicts", "revises"] | None:
    kinds, later_kinds = _KINDS[earlier.weapon_category], _KINDS[later.weapon_category]
    places, later_places = _places(earlier), _places(later)
    if not (places & later_places and (kinds <= later_kinds or later_kinds <= kinds)):
        return None
    wider = later_kinds > kinds or later_places > places
    narrower = later_kinds < kinds or later_places < places
    if (wider or narrower) and (wider == narrower or later.unit in ("hours", "fraction")):
        return None
    (least, most), (later_least, later_most) = _named(earlier), _named(later)
    if later_most < least:
        return None if narrower else "contradicts"
    if wider or (narrower and later_least <= most):
        return None
    said, later_said = ((f.relation, f.low, f.high) for f in (earlier, later))
    return "revises" if later_said != said else None


def _places(figure: Figure) -> frozenset[str]:
    parts = re.split(r",|\band\b", figure.place.lower())
    names = (re.sub(r"\s+regions?$", "", part.strip()) for part in parts)
    return frozenset(name for name in names if name and not re.match(r"other\b", name))


def _named(figure: Figure) -> tuple[float, float]:
    """Return the numbers the words name; "at least 39" names 39 alone."""
    low, high = figure.bounds
    if figure.relation in ("exactly", "about", "nearly"):  # not what we widened
        low, high = figure.low or 0.0, figure.high or 0.0
    return (low, low) if figure.high is None else (low, high)


def _said(figure: Figure) -> str:
    what = f"{figure.describe()} ({figure.weapon_category}, {figure.place})"
    return f"{figure.id} says {what}"
