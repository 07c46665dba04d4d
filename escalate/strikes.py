"""Strike tables: who launched how much on which day, and what became of it.

Read as they are, with the rules of cleaning stated here and nowhere else. All numbers are claims,
mostly the defender's. `read_strikes` gives `Strikes`; its `daily` and `weekly` are what is fitted
and forecast.
"""

from __future__ import annotations

import ast
import csv
import operator
import os
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from escalate.errors import EscalateError, InvalidInputError, Problem, closest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FORMATS", "GROUPS", "MISSILES", "OUTCOMES", "Strikes", "classify", "read_strikes"]

MISSILES = ("cruise", "ballistic", "hypersonic")
"""Categories that are missiles."""

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "all": ("drone", "decoy", *MISSILES, "unspecified"),
        "missile": MISSILES,
        "drone": ("drone", "decoy"),
    }
)
"""Groups of categories that are added up.

Left out of all: ``other``, kill tallies of tactical and unknown UAVs that say nothing of how many
were launched, and ``artillery``.
"""

OUTCOMES = ("launched", "intercepted", "lost", "neutralised", "through")
"""What is counted. Only the first and `neutralised` compare over years: `lost` is not always
reported apart from `intercepted`."""

FORMATS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "missile attacks": ("time_start", "time_end", "model", "launched", "destroyed"),
        "events": ("date", "cls", "launched", "intercepted", "lost"),
        "daily by class": ("date", "class", "launched", "intercepted", "lost"),
        "daily claims": ("date", "bulletin_uavs", "drones_claimed_downed_territory"),
        "plain": ("date", "count"),
    }
)
"""Formats that are read, and the columns by which each is known.

``plain`` also takes ``launched`` for ``count``, and ``destroyed`` or ``intercepted`` as a third.
Further columns are let be, but for ``plain``, which has no more than these.
"""

DAY_STARTS_HOUR = 16
"""Hour at which an operational day begins, on the evening before its date [h, local time].

A night's strike is one strike; by the calendar it would be two."""

_CATEGORIES = ("drone", "decoy", *MISSILES, "artillery", "unspecified", "other")
_MOST = 1_000_000
_SHOWN = 20
_LINES_OF_A_CELL = 20
_NOTHING = ("", "nan", "na", "none", "null")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHEN = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d{1,2}:\d\d(?::\d\d)?))?", re.ASCII)

_JOINT = re.compile(r"(?:^|\s+)and(?:\s+|$)|\s*[,;&+]\s*", re.IGNORECASE)
_COUNTED = {name for names in FORMATS.values() for name in names[1:]} | {
    "destroyed", "not_reach_goal", "bulletin_rockets_ballistic", "bulletin_cruise",
}  # fmt: skip
_LATIN = str.maketrans("асехкмор", "acexkmop")  # letters that look the same

_JUNK = re.compile("[\x00-\x08\x0b-\x1f\udc80-\udcff]")  # the last: bytes that are no UTF-8

_MODELS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("drone", "shahed"): ("shahed", "geran", "italmas", "шахед", "герань"),
    ("decoy", "decoy"): ("gerbera", "parodiya", "parody"),
    ("cruise", "subsonic"): (
        "x-101", "x-555", "x-55", "kalibr", "iskander-k", "x-59", "x-69", "x-35", "banderol",
        "s-8000", "p-500", "rk-55", "9m728", "9m729",
    ),
    ("cruise", "supersonic"): ("x-22", "x-32", "x-31", "p-800", "oniks", "p-35"),
    ("ballistic", "iskander"): (
        "iskander-m", "kn-23", "ballistic missile", "intercontinental ballistic missile", "tochka",
        "oreshnik",
    ),
    ("ballistic", "s300"): ("c-300", "c-400", "s-300", "s-400", "rm-48u"),
    ("hypersonic", "hypersonic"): ("x-47", "kinzhal", "3m22", "zircon"),
    ("other", "bomb"): ("aerial bomb", "gbu", "kab", "umpb", "umpk"),
    ("other", "unknown_missile"): ("unknown missile",),
    ("other", "tactical_uav"): (
        "orlan", "supercam", "zala", "lancet", "merlin", "orion", "mohajer", "kub", "forpost",
        "eleron", "granat", "reconnaissance uav", "unknown uav", "молнія", "molniya", "фенікс",
        "картограф", "привет",
    ),
}  # fmt: skip
_STARTS = [(start.translate(_LATIN), kind) for kind, starts in _MODELS.items() for start in starts]
_UNKNOWN = ("other", "unknown_model")
_REGIONAL = ("pvkpivden", "pvkcenter", "pvkshid")
"""Regional air commands: they post what they shot down, seldom what was launched."""


def classify(model: str) -> tuple[str, str] | None:
    """Give category and subclass of a single model as strike tables name it.

    Parameters
    ----------
    model : str
        Such as ``X-101/X-555`` or ``Iskander-M/KN-23``.

    Returns
    -------
    tuple of str or None
        None for an unknown one, or where the names parted by a slash are of different kinds.

    Notes
    -----
    A name is known by how it begins, with nothing but a letter or number of its variant behind:
    X-31PD is an X-31. ``C-300`` is the anti-aircraft missile shot at the ground. Kh-101 is X-101,
    and so it is in Cyrillic letters that look like Latin ones.

    Examples
    --------
    >>> classify("X-101/X-555"), classify("X-22"), classify("Orlan-10"), classify("Oryx")
    (('cruise', 'subsonic'), ('cruise', 'supersonic'), ('other', 'tactical_uav'), None)
    """
    # "Shahed-136/131" is one name with two numbers.
    names = [name.strip().casefold() for name in model.split("/")]
    found = {_one_model(name) for name in names if not name.isdecimal()}
    return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=1000)
def _one_model(name: str) -> tuple[str, str] | None:
    name = re.sub(r"^kh-?(?=\d)", "x-", name.translate(_LATIN))
    starts = [
        (len(start), kind)
        for start, kind in _STARTS
        if name.startswith(start)  # X-3 is no X-35
        and not (start[-1].isdigit() and name[len(start) : len(start) + 1].isdigit())
    ]
    return max(starts)[1] if starts else None


@dataclass(frozen=True, eq=False)
class Strikes:
    r"""A strike table as it was read.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp(), "strikes.csv")
    >>> rows = ["date,launched,destroyed", "2024-01-01,12,9", "2024-01-03,40,31"]
    >>> _ = path.write_text("\n".join(rows) + "\n")
    >>> table = read_strikes(path)
    >>> table
    Strikes('strikes.csv', plain, 2024-01-01 to 2024-01-03, 2 rows)
    >>> table.daily("neutralised")["all"].tolist()
    [9.0, 0.0, 31.0]
    """

    file: str
    """Name of the file."""
    form: str
    """Its format, one of `FORMATS`."""
    events: pd.DataFrame
    """One row per row of the table and category: ``day`` (operational), ``side`` (who launched),
    ``series``, ``category``, ``subclass``, ``model``, the `OUTCOMES`, and flags: ``split`` (an
    estimate: the row counted several categories together), ``regional`` (posted by a regional
    command), ``tally`` (a count of kills alone), ``row``."""
    first: date
    """First day covered."""
    last: date
    """Last day covered."""
    complete: bool = True
    """Whether a day without a row had no strike; otherwise it had no report."""
    problems: tuple[Problem, ...] = ()
    """What was dropped, if the good rows alone were asked for."""
    notes: tuple[str, ...] = field(default=(), repr=False)
    """What the rules of cleaning did."""

    def __repr__(self) -> str:
        span = f"{self.first} to {self.last}, {len(self.events):,} rows"
        dropped = f", {len(self.problems)} problems dropped" if self.problems else ""
        return f"Strikes({Path(self.file).name!r}, {self.form}, {span}{dropped})"

    @property
    def groups(self) -> tuple[str, ...]:
        """Those of `GROUPS` that the table tells apart."""
        return self._groups(set(self.events["category"]))

    @staticmethod
    def _groups(held: set[str]) -> tuple[str, ...]:
        if "unspecified" in held or not held & set(GROUPS["all"]):
            return ("all",)
        return tuple(name for name, group in GROUPS.items() if name == "all" or held & set(group))

    @property
    def series(self) -> tuple[str, ...]:
        """Names of the series that count the same things apart, in the order of the table."""
        return tuple(dict.fromkeys(self.events["series"]))

    def daily(
        self, outcome: str = "launched", *, by: str = "group", series: str | None = None
    ) -> pd.DataFrame:
        """Add up each day, on a calendar without gaps.

        Parameters
        ----------
        outcome : str, optional
            One of `OUTCOMES`.
        by : str, optional
            ``group`` (`GROUPS`), ``category`` or ``subclass``; kill tallies are in none.
        series : str, optional
            Which of several `series`; the first if not given.

        Returns
        -------
        pandas.DataFrame
            Days down, groups across. [weapons] Where the table is `complete`, a day without
            strikes is 0; otherwise it is NaN. An outcome of unknown number adds nothing.

        Raises
        ------
        EscalateError
            If a name is unknown.
        """
        import pandas as pd

        for name, value, known in (
            ("outcome", outcome, OUTCOMES),
            ("by", by, ("group", "category", "subclass")),
            ("series", series or self.series[0], self.series),
        ):
            if value not in known:
                raise EscalateError(f"unknown {name} {value!r}: {closest(str(value), known)}")
        rows = self.events[self.events["series"] == (series or self.series[0])]
        rows = rows[~rows["tally"]]
        days = pd.date_range(self.first, self.last, freq="D", name="day")
        key = "category" if by == "group" else by
        wide = rows.groupby(["day", key])[outcome].sum(min_count=1).unstack()
        wide = wide.reindex(days).astype(float)
        said = outcome == "launched" or bool(rows[outcome].notna().any())
        zeros = self.complete and said
        if by == "group":
            least = 0 if zeros else 1
            wide = pd.DataFrame({
                name: wide[[c for c in GROUPS[name] if c in wide]].sum(axis=1, min_count=least)
                for name in self._groups(set(rows["category"]))
            }, index=days)  # fmt: skip
        wide.columns.name = by
        return wide.fillna(0.0) if zeros else wide

    def weekly(
        self,
        outcome: str = "launched",
        *,
        by: str = "group",
        series: str | None = None,
        start: date | None = None,
        days: int = 7,
    ) -> pd.DataFrame:
        """Add up whole weeks.

        Parameters
        ----------
        outcome, by, series
            As in `daily`.
        start : datetime.date, optional
            First day of a week; the first day covered if not given. Weeks before it are left out.
        days : int, optional
            Length of a "week". [days]

        Returns
        -------
        pandas.DataFrame
            First days of weeks down. [weapons] A last week that is not whole is left out; a week
            with a day without report is NaN.

        Raises
        ------
        EscalateError
            If a name is unknown, or `days` below 1.
        """
        days = as_whole("days", days)
        if days < 1:
            raise EscalateError(f"`1 <= days` must hold, but got {days}")
        daily = self.daily(outcome, by=by, series=series)
        if start is not None:
            ahead = (as_day("start", start) - self.first).days
            daily = daily.iloc[ahead if ahead >= 0 else ahead % days :]
        whole = len(daily) // days * days
        sums = daily.iloc[:whole].to_numpy().reshape(-1, days, daily.shape[1]).sum(axis=1)
        import pandas as pd

        return pd.DataFrame(sums, index=daily.index[:whole:days], columns=daily.columns)


def as_day(name: str, value: Any) -> date:
    """Give a day as a date, from a date, a time or a text such as 2024-01-31."""
    try:
        day = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        day = None
    if not isinstance(day, date) or day != day:  # pandas' NaT calls itself a date
        raise EscalateError(f"`{name}` must be a day such as 2024-01-31, but got {value!r}")
    return day.date() if isinstance(day, datetime) else day


def as_whole(name: str, value: Any) -> int:
    """Give a whole number, of Python or NumPy."""
    try:
        return operator.index(value)
    except TypeError:
        message = f"`{name}` must be a whole number, but got {value!r}"
        raise EscalateError(message) from None


def read_strikes(path: str | os.PathLike[str], *, keep_good: bool = False) -> Strikes:
    r"""Read a strike table in its own format.

    Parameters
    ----------
    path : str or path
        A CSV file in UTF-8 in one of `FORMATS`, known by its header; further columns are let be.
    keep_good : bool, optional
        Leave bad rows out and say so in `Strikes.problems`, instead of refusing the table.

    Returns
    -------
    Strikes

    Raises
    ------
    InvalidInputError
        If the file cannot be read, its header is of no known format or no row is good; and,
        unless the good rows alone are asked for, with all that is wrong, by row and column: a row
        cut off, not a number, negative, ``launched < destroyed``, an end before its start, dates
        out of order.

    Notes
    -----
    The rules of cleaning:

    - A row belongs to the day its start falls on, counted from 16:00 on the evening before; a
      start without an hour belongs to its date.
    - A row that counts several models together ("A and B") stays one row where they are of one
      category. Otherwise it is parted by ``launched_details`` if that names all of them, and into
      equal shares if not; either way it is marked ``split``. A model that nobody knows here
      goes with the known ones of its row.
    - ``destroyed`` and ``not_reach_goal`` are ``intercepted`` and ``lost``, their sum, no more
      than was launched, ``neutralised``. If nobody said what was destroyed, the outcome is unknown.
    - A row without a number launched is left out. Tactical and unknown UAVs, bombs and unknown
      missiles are ``other``: tallies of kills. So is a model that nobody knows here, alone in its
      row; `Strikes.notes` names it.
    - In ``daily claims`` an empty cell is no report, and a day flagged as cumulative is none
      either. The rockets and ballistic missiles of its bulletins, nearly all of them from
      launchers at the front, are ``artillery``.

    A table that stops after a whole row cannot be told from a short one; look at `Strikes.last`.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp(), "attacks.csv")
    >>> rows = [
    ...     "time_start,time_end,model,launched,destroyed",
    ...     "2024-03-01 22:00,2024-03-02 06:00,Shahed-136/131,30,25",
    ...     "2024-03-01 03:00,2024-03-01 07:00,X-101/X-555 and Kalibr,12,13",
    ... ]
    >>> _ = path.write_text("\n".join(rows) + "\n")
    >>> try:
    ...     read_strikes(path)
    ... except InvalidInputError as error:
    ...     print(error.problems[0])
    `destroyed <= launched` must hold, but got 13 and 12 at row 2 (line 3)
    >>> table = read_strikes(path, keep_good=True)
    >>> print(table.daily().loc["2024-03-02", "drone"], len(table.problems))
    30.0 1
    """
    file = os.fspath(path)
    try:
        raw = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"a strike table must be a readable file, but got: {reason}"
        raise InvalidInputError([Problem("", message)], file) from error
    # Bytes that are no UTF-8 become lone surrogates and are told of in their rows.
    text = raw.decode("utf-8", errors="surrogateescape").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    torn = bool(lines[-1].strip())
    while lines and not lines[-1].strip():
        lines.pop()
    form, header = _form(lines, file)
    reader = _Reader(form, header, torn)
    at, number = 1, 0
    while at < len(lines):
        number += 1
        ahead = lines[at : at + _LINES_OF_A_CELL]
        at += reader.take(number, at + 1, ahead, torn and at + len(ahead) == len(lines))
    reader.check_order()
    problems = sorted(reader.problems, key=lambda problem: problem[0])
    said = [problem for _, problem in problems]
    if said and not (keep_good and reader.rows):
        rest = len(said) - _SHOWN
        more = [Problem("", f"and {rest:,} more problems")] if rest > 0 else []
        raise InvalidInputError([*said[:_SHOWN], *more], file)
    if not any(reader.rows.values()):
        got = "none with a number launched" if reader.rows else "a header alone"
        message = f"a strike table must hold rows, but got {got}"
        raise InvalidInputError([Problem("", message)], file)
    return reader.strikes(file, tuple(said))


def _form(lines: Sequence[str], file: str) -> tuple[str, list[str]]:
    """Give the format of a table and its columns."""

    def refuse(message: str) -> InvalidInputError:
        return InvalidInputError([Problem("line 1", message)], file)

    if not lines or not lines[0].strip():
        raise refuse("a strike table must start with a header, but got nothing")
    if _JUNK.search(lines[0]):
        raise refuse(f"a strike table must be UTF-8 text, but got {_shown(lines[0])}")
    try:
        header = [name.strip() for name in next(csv.reader([lines[0]], strict=True))]
    except csv.Error as error:
        raise refuse(f"a header must be well-formed CSV, but got: {error}") from error
    twice = [name for name, times in Counter(header).items() if times > 1]
    if twice:
        raise refuse(f"a column must be there once, but got {_shown(twice[0])} again")
    for form, needed in FORMATS.items():
        if form != "plain" and set(needed) <= set(header):
            return form, header
    third = len(header) == 2 or (len(header) == 3 and header[2] in ("destroyed", "intercepted"))
    if header[0] == "date" and third and header[1] in ("count", "launched"):
        return "plain", header
    got = _shown(", ".join(header))
    if len(header) == 1 and (mark := next((m for m in ";\t|" if m in header[0]), "")):
        raise refuse(f"cells must be parted by commas, but got {mark!r} in {got}")
    held = {name.casefold() for name in header}
    nearest = max(FORMATS, key=lambda form: len(held & set(FORMATS[form])) / len(FORMATS[form]))
    if not held & set(FORMATS[nearest]):
        known = "; ".join(f"{form}: {', '.join(names)}" for form, names in FORMATS.items())
        raise refuse(
            f"a header must be of a known format, but got {got}. "
            f"Known, by the columns they must have: {known}"
        )
    if nearest == "plain":
        raise refuse(
            "a plain table must have the columns 'date', 'count' or 'launched', and perhaps "
            f"'destroyed' or 'intercepted', in this order and no more, but got {got}"
        )
    missing = [name for name in FORMATS[nearest] if name not in header]
    guess = {name: closest(name, set(header) - set(FORMATS[nearest])) for name in missing}
    hints = [hint.partition("?")[0] + "?" for hint in guess.values() if hint.startswith("did you")]
    names = ", ".join(map(repr, missing))
    meant = f" ({hints[0].replace('did you mean', 'is it')})" if hints else ""
    raise refuse(
        f"a table of the format {nearest!r} must have the column {names}, but has not{meant}"
    )


def _shown(text: str) -> str:
    """Give a piece of a file short and printable."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= 60 else text[:57] + "...")


class _Bad(Exception):
    """A row that cannot be used."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def _count(cells: Mapping[str, str], column: str, may_lack: bool = True) -> float | None:
    """Give the whole number in a cell, or None where it is empty."""
    text = cells.get(column, "").strip()
    if text.casefold() in _NOTHING:
        if may_lack:
            return None
        raise _Bad(column, "must be a number, but is empty")
    if not _NUMBER.fullmatch(text):
        raise _Bad(column, f"must be a number, but got {_shown(text)}")
    value = float(text)
    if value < 0:
        raise _Bad(column, f"must not be negative, but got {text}")
    if value != value // 1 or value > _MOST:
        raise _Bad(column, f"must be a whole number up to {_MOST:,}, but got {_shown(text)}")
    return value


def _when(cells: Mapping[str, str], column: str) -> tuple[datetime, bool]:
    """Give a time, and whether it has an hour."""
    text = cells[column].strip()
    match = _WHEN.fullmatch(text)
    try:
        if match and 2000 <= int(match[1][:4]) < 2100:
            clock = (match[2] or "0:00").zfill(5 if (match[2] or "").count(":") < 2 else 8)
            return datetime.fromisoformat(f"{match[1]} {clock}"), bool(match[2])
    except ValueError:
        pass
    raise _Bad(column, f"must be a day of this century such as 2024-01-31, with or without 20:00, "
                       f"but got {_shown(text)}")  # fmt: skip


def _flag(cells: Mapping[str, str], column: str) -> bool:
    return bool(_count(cells, column))


def _check(claim: str, column: str, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low > high:
        raise _Bad(column, f"`{claim}` must hold, but got {low:g} and {high:g}")


def _shares(total: float | None, parts: int) -> list[float | None]:
    """Part a number into whole shares as equal as can be, the larger ones first."""
    if total is None:
        return [None] * parts
    share, rest = divmod(int(total), parts)
    return [float(share + (i < rest)) for i in range(parts)]


class _Reader:
    """Rows of one table on their way to being events."""

    def __init__(self, form: str, header: Sequence[str], torn: bool) -> None:
        self.form, self.header, self.torn = form, header, torn
        self.lines: dict[int, int] = {}
        self.whole: Counter[str] = Counter()
        self.rows: dict[int, list[dict[str, Any]]] = {}
        self.keys: list[tuple[int, date]] = []
        self.problems: list[tuple[int, Problem]] = []
        self.notes: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.company: Counter[str] = Counter()
        self.seen: dict[tuple[date, str], int] = {}
        self.parse: Callable[[dict[str, str], int], Iterable[dict[str, Any]]] = {
            "missile attacks": self.attack,
            "events": self.event,
            "daily by class": self.day_of_class,
            "daily claims": self.claims,
            "plain": self.plain,
        }[form]

    def wrong(self, number: int, column: str, message: str) -> None:
        where = f"row {number} (line {self.lines[number]})"
        text = f"`{column}` {message}" if column and not message.startswith("`") else message
        self.problems.append((number, Problem(where, text)))

    def take(self, number: int, at: int, lines: Sequence[str], torn: bool) -> int:
        """Read the row that begins on line `at`, and give how many lines it takes."""
        self.lines[number] = at
        line, taken = lines[0], 1
        try:
            cells = next(csv.reader([line], strict=True), [])
        except csv.Error as error:
            found = self.joined(lines)
            if not found:
                cut = "; the file may be cut off here" if torn and len(lines) == 1 else ""
                message = f"a row must be well-formed CSV, but got: {error}{cut}"
                self.wrong(number, "", message)
                return 1
            cells, taken = found
            line = "\n".join(lines[:taken])
        self.row_of(number, line, cells, last=torn and taken == len(lines))
        return taken

    def joined(self, lines: Sequence[str]) -> tuple[list[str], int] | None:
        """Read a row whose quoted cell spans lines; a quote left open would not come out even."""
        for taken in range(2, len(lines) + 1):
            try:
                (cells,) = csv.reader([f"{line}\n" for line in lines[:taken]], strict=True)
            except (csv.Error, ValueError):  # still open, or more than one row
                continue
            if len(cells) == len(self.header):
                return cells, taken
        return None

    def row_of(self, number: int, line: str, cells: list[str], last: bool) -> None:
        """Keep what a row says, or what is wrong with it."""
        if not any(cell.strip() for cell in cells):
            return self.wrong(number, "", "a row must not be blank")
        if _JUNK.search(line):
            return self.wrong(number, "", f"a row must be UTF-8 text, but got {_shown(line)}")
        if len(cells) != len(self.header):
            cut = "; the file may be cut off here" if last else ""
            return self.wrong(
                number, "", f"a row must have {len(self.header)} cells, but got {len(cells)}{cut}"
            )
        # Where the last cell counts, a file that stops within it would be misread.
        if last and (self.form in ("plain", "daily claims") or self.header[-1] in _COUNTED):
            return self.wrong(
                number, self.header[-1],
                f"must be followed by a line end, but the file stops after {_shown(cells[-1])}: it "
                "may be cut off; if it is whole, end its last line",
            )  # fmt: skip
        try:
            found = list(self.parse(dict(zip(self.header, cells, strict=True)), number))
        except _Bad as bad:
            return self.wrong(number, bad.column, str(bad))
        self.rows[number] = found
        self.whole[line] += 1
        if self.whole[line] > 1 and self.form in ("missile attacks", "events"):
            self.notes["rows that repeat another to the letter, counted all the same"] += 1
        return None

    def check_order(self) -> None:
        """Find the fewest rows without which the days would only rise, or only fall."""
        days = [day.toordinal() for _, day in self.keys]
        strict = self.form in ("plain", "daily claims")
        up, down = _in_order(days, strict), _in_order([-day for day in days], strict)
        kept = down if len(down) > len(up) else up
        order = sorted(kept)
        for place, (number, day) in enumerate(self.keys):
            if place in kept:
                continue
            before = order[max(bisect_left(order, place) - 1, 0)]
            self.wrong(
                number, "", f"days must be in order{', each once' if strict else ''}, but got "
                f"{day} next to {self.keys[before][1]} in row {self.keys[before][0]}",
            )  # fmt: skip
            del self.rows[number]

    def row(
        self,
        number: int,
        day: date,
        category: str,
        launched: float | None,
        intercepted: float | None,
        lost: float | None,
        **more: Any,
    ) -> dict[str, Any]:
        """Make an event, and sum up what was stopped."""
        neutralised = None
        if intercepted is not None:
            neutralised = intercepted + (lost or 0.0)
            if launched is not None and neutralised > launched:
                self.notes["rows report more stopped than launched; held to what was launched"] += 1
                neutralised = launched
        through = None if launched is None or neutralised is None else launched - neutralised
        return {
            "day": day, "side": "", "series": "", "category": category, "subclass": "",
            "model": "", "launched": launched, "intercepted": intercepted, "lost": lost,
            "neutralised": neutralised, "through": through, "split": False, "regional": False,
            "tally": category == "other", "row": number, **more,
        }  # fmt: skip

    def attack(self, cells: dict[str, str], number: int) -> Iterable[dict[str, Any]]:
        """Read a row of "Massive Missile Attacks on Ukraine"."""
        start, clocked = _when(cells, "time_start")
        end, end_clocked = _when(cells, "time_end")
        if end < start and (end_clocked or end.date() < start.date()):
            got = f"{cells['time_start'].strip()} and {cells['time_end'].strip()}"
            raise _Bad("time_end", f"`time_start <= time_end` must hold, but got {got}")
        late = timedelta(hours=24 - DAY_STARTS_HOUR) if clocked else timedelta()
        day = (start + late).date()
        launched, destroyed = _count(cells, "launched"), _count(cells, "destroyed")
        lost = _count(cells, "not_reach_goal")
        _check("destroyed <= launched", "destroyed", destroyed, launched)
        _check("not_reach_goal <= launched", "not_reach_goal", lost, launched)
        names = _JOINT.split(cells["model"].strip())
        if not all(names):
            raise _Bad("model", "must be a name, or several joined by 'and', but got "
                       f"{_shown(cells['model'])}")  # fmt: skip
        self.keys.append((number, end.date()))
        if launched is None:
            self.notes["rows without a number launched left out"] += 1
            return
        source = cells.get("source", "").strip().casefold()
        more = {"side": "RU", "model": cells["model"].strip(),
                "regional": source.startswith(_REGIONAL)}  # fmt: skip
        found = {name: classify(name) for name in names}
        parts = self.parted(cells, found, launched)
        strange = [name for name, kind in found.items() if kind is None]
        if parts is None and len(strange) < len(found):
            self.company.update(strange)  # models are counted together since they are alike
            found = {name: kind for name, kind in found.items() if kind}
        else:
            self.unknown.update(strange)
        kinds: dict[str, list[str]] = {}
        for category, subclass in (kind or _UNKNOWN for kind in found.values()):
            if subclass not in kinds.setdefault(category, []):
                kinds[category].append(subclass)
        more_of = {c: {**more, "subclass": s[0] if len(s) == 1 else "mixed"}
                   for c, s in kinds.items()}  # fmt: skip
        if len(kinds) == 1:
            (category,) = kinds
            if destroyed is not None:
                lost = lost or 0.0
            yield self.row(number, day, category, launched, destroyed, lost, **more_of[category])
            return
        self.notes["rows that count several categories together, parted by estimate"] += 1
        if parts is None:
            parts = [share or 0.0 for share in _shares(launched, len(kinds))]
        stopped = None if destroyed is None else min(destroyed + (lost or 0.0), launched)
        shares = [1.0 / len(parts)] * len(parts)
        for category, part, share, taken, held in zip(
            kinds, parts, shares, _shares(destroyed, len(parts)), _shares(stopped, len(parts)),
            strict=True,
        ):  # fmt: skip
            if parts != _shares(launched, len(parts)) and destroyed is not None:
                # By shares of what was launched, rounded down so that no part exceeds its own.
                share = part / launched if launched else 0.0
                taken, held = destroyed * share // 1, (stopped or 0.0) * share // 1
            gone = None if taken is None or held is None else held - taken
            yield self.row(number, day, category, part, taken, gone,
                           **more_of[category], split=True)  # fmt: skip

    def parted(self, cells: dict[str, str], found: Mapping[str, tuple[str, str] | None],
               launched: float) -> list[float] | None:  # fmt: skip
        """Part what was launched among the categories of a row, if it says how."""
        try:
            details = ast.literal_eval(cells.get("launched_details", "").strip() or "{}")
            given = dict.fromkeys([(kind or _UNKNOWN)[0] for kind in found.values()], 0.0)
            for name, value in details.items():
                given[(found[name] or _UNKNOWN)[0]] += float(value)
        except (ValueError, SyntaxError, TypeError, KeyError, AttributeError, MemoryError,
                OverflowError, RecursionError):  # fmt: skip
            return None
        whole = all(part >= 0.0 and part.is_integer() for part in given.values())
        return list(given.values()) if whole and sum(given.values()) == launched else None

    def event(self, cells: dict[str, str], number: int) -> Iterable[dict[str, Any]]:
        """Read a cleaned event."""
        day = _when(cells, "date")[0].date()
        category = self.category(cells, "cls")
        launched = _count(cells, "launched", may_lack=False)
        taken, lost = _count(cells, "intercepted"), _count(cells, "lost")
        _check("intercepted <= launched", "intercepted", taken, launched)
        _check("lost <= launched", "lost", lost, launched)
        self.keys.append((number, day))
        yield self.row(
            number, day, category, launched, taken, lost, side="RU",
            subclass=cells.get("subclass", ""), model=cells.get("model", ""),
            split=_flag(cells, "alloc"), regional=_flag(cells, "regional"),
        )  # fmt: skip

    def day_of_class(self, cells: dict[str, str], number: int) -> Iterable[dict[str, Any]]:
        """Read a cleaned day of one category."""
        day = _when(cells, "date")[0].date()
        category = self.category(cells, "class")
        launched = _count(cells, "launched", may_lack=False)
        taken, lost = _count(cells, "intercepted"), _count(cells, "lost")
        _check("intercepted <= launched", "intercepted", taken, launched)
        _check("lost <= launched", "lost", lost, launched)
        if (day, category) in self.seen:
            raise _Bad("class", f"must be there once a day, but {category} of {day} is in row "
                       f"{self.seen[day, category]} as well")  # fmt: skip
        self.seen[day, category] = number
        self.keys.append((number, day))
        yield self.row(number, day, category, launched, taken, lost, side="RU",
                       split=_flag(cells, "alloc"), regional=_flag(cells, "regional"))  # fmt: skip

    def category(self, cells: dict[str, str], column: str) -> str:
        name = cells[column].strip()
        if name not in _CATEGORIES:
            raise _Bad(column, f"must be a known category, but got {_shown(name)}; "
                       f"{closest(name, _CATEGORIES)}")  # fmt: skip
        return name

    def claims(self, cells: dict[str, str], number: int) -> Iterable[dict[str, Any]]:
        """Read a day of weapons that a ministry claims to have shot down, in two series."""
        day = _when(cells, "date")[0].date()
        cumulative = _flag(cells, "flag_cumulative")
        if cumulative:
            self.notes["days whose bulletin adds up several days taken as no report"] += 1
        values = [
            (series, category, None if cumulative and series == "bulletin" else value)
            for column, series, category in (
                ("bulletin_uavs", "bulletin", "drone"),
                ("bulletin_rockets_ballistic", "bulletin", "artillery"),
                ("bulletin_cruise", "bulletin", "cruise"),
                ("drones_claimed_downed_territory", "posts", "drone"),
            )
            if column in cells
            for value in [_count(cells, column)]
        ]
        self.keys.append((number, day))
        for series, category, value in values:
            yield self.row(number, day, category, None, value, None, side="UA", series=series)

    def plain(self, cells: dict[str, str], number: int) -> Iterable[dict[str, Any]]:
        """Read a day of a plain table."""
        day = _when(cells, "date")[0].date()
        launched = _count(cells, self.header[1], may_lack=False)
        taken = _count(cells, self.header[2]) if len(self.header) > 2 else None
        if len(self.header) > 2:
            _check(f"{self.header[2]} <= {self.header[1]}", self.header[2], taken, launched)
        self.keys.append((number, day))
        yield self.row(number, day, "unspecified", launched, taken, None)

    def strikes(self, file: str, problems: tuple[Problem, ...]) -> Strikes:
        import pandas as pd

        columns = list(self.row(0, date.min, "", None, None, None))
        found = [event for rows in self.rows.values() for event in rows]
        events = pd.DataFrame(found, columns=columns)
        for name in OUTCOMES:
            events[name] = events[name].astype(float)
        for name in ("split", "regional", "tally"):
            events[name] = events[name].astype(bool)
        days = [day for number, day in self.keys if number in self.rows]
        if self.form == "missile attacks":  # ordered by their ends, booked by their starts
            days = list(events["day"]) or days
        events["day"] = pd.to_datetime(events["day"])
        events = events.sort_values("day", kind="stable", ignore_index=True)
        lone = events["subclass"] == _UNKNOWN[1]
        weapons = f"{events['launched'][lone].sum():,.0f} weapons"
        for strange, taken in (
            (self.unknown, f"of a model nobody knows here, {weapons} taken as `other`, in no sum"),
            (self.company, "that name a model nobody knows here beside known ones, taken as these"),
        ):
            if strange:
                names = ", ".join(f"{_shown(name)} ({n})" for name, n in strange.most_common(10))
                self.notes[f"rows {taken}: {names}"] = sum(strange.values())
        unsaid = events["launched"].gt(0) & events["neutralised"].isna() & ~events["tally"]
        if unsaid.any() and not unsaid.all():
            self.notes["rows of unknown outcome, which add nothing to what was neutralised"] = int(
                unsaid.sum()
            )
        if self.torn:
            self.notes["last line without a line end: look whether the table is whole"] = 1
        notes = tuple(f"{times:,} {what}" for what, times in self.notes.items())
        return Strikes(file, self.form, events, min(days), max(days),
                       self.form != "daily claims", problems, notes)  # fmt: skip


def _in_order(values: Sequence[int], strict: bool) -> set[int]:
    """Give the places of a longest run of values that rise, or at least do not fall."""
    find = bisect_left if strict else bisect_right
    tops: list[int] = []
    places: list[int] = []
    before: list[int] = []
    for place, value in enumerate(values):
        at = find(tops, value)
        before.append(places[at - 1] if at else -1)
        tops[at : at + 1] = [value]
        places[at : at + 1] = [place]
    kept: set[int] = set()
    place = places[-1] if places else -1
    while place >= 0:
        kept.add(place)
        place = before[place]
    return kept
