"""Reported figures: reading, what the words admit, and who contradicts whom."""

from __future__ import annotations

import csv
import doctest
import io
import math
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace
from datetime import date, datetime
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import escalate.figures as module
from escalate.errors import FigureError
from escalate.figures import (
    ABOUT_SHARE,
    RELATIONS,
    Disagreement,
    Figure,
    disagreements,
    figure_table,
    read_figures,
    select,
    shipped_figures,
)

DATA = resources.files("escalate") / "data" / "figures"
COLUMNS = [field.name for field in fields(Figure)]
SOUND = Figure(
    id="X1",
    seed="900",
    date_start=date(2024, 5, 1),
    date_end=date(2024, 5, 2),
    attacker="A",
    defender="B",
    place="North",
    quantity="killed",
    weapon_category="all",
    relation="exactly",
    low=5,
    high=5,
    unit="people",
    claimant="press",
    note="",
    claimed_on=date(2024, 5, 3),
)


def said(relation, low=None, high=None, unit="people", **changes):
    """Return a sound figure that says this."""
    return replace(SOUND, relation=relation, low=low, high=high, unit=unit, **changes)


def as_text(value):
    """Return what a CSV cell would hold."""
    return "" if value is None else str(value)


def table(*rows, header=COLUMNS):
    """Return CSV text of rows of cells, below a header."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def cells(figure=SOUND, **changes):
    """Return a row, with some cells changed."""
    return [as_text(changes.get(name, getattr(figure, name))) for name in COLUMNS]


@pytest.fixture
def refused(tmp_path):
    """Return the lines of the error that a table gives, without the name of its file."""

    def read(content):
        path = tmp_path / "table.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(FigureError) as caught:
            read_figures(path)
        assert caught.value.file == str(path)
        lines = str(caught.value).split("\n")
        if len(lines) > 1:
            assert lines[0] == f"{len(lines) - 1} problems:"
            lines = [line.removeprefix("  - ") for line in lines[1:]]
        assert len(lines) == len(caught.value.problems)
        assert all(line.endswith(f" ({path})") for line in lines)
        return [line.removesuffix(f" ({path})") for line in lines]

    return read


# --- the shipped figures -------------------------------------------------------------------


def test_all_47_are_read_and_typed():
    """Every shipped figure is there, in order, with the types its fields promise."""
    figures = shipped_figures()
    assert [figure.id for figure in figures] == [f"F{n:02d}" for n in range(1, 48)]
    for figure in figures:
        assert type(figure.date_start) is type(figure.date_end) is type(figure.claimed_on) is date
        assert figure.date_start <= figure.date_end <= figure.claimed_on
        assert {type(figure.low), type(figure.high)} <= {float, type(None)}
        assert figure.relation in RELATIONS
        low, high = figure.bounds
        assert 0 <= low <= high and figure.admits(low) and figure.overlaps(low, low)
        assert figure.describe().startswith(figure.relation.replace("_", " "))


def test_the_shipped_file_holds_what_is_read():
    """Nothing is lost or changed between the cells and the figures."""
    with (DATA / "reported.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, figure in zip(rows, shipped_figures(), strict=True):
        for name, cell in row.items():
            value = getattr(figure, name)
            if name in ("low", "high"):
                assert value == (float(cell) if cell else None)
            else:
                assert as_text(value) == cell


def test_claims_are_dated_by_their_article():
    """The day of the claim comes from the article alone; a bare file has none."""
    days = {figure.seed: figure.claimed_on for figure in shipped_figures()}
    assert days == {
        "000": date(2025, 1, 15),
        "001": date(2023, 12, 31),
        "002": date(2024, 1, 2),
        "003": date(2024, 1, 3),
        "004": date(2023, 2, 16),
    }
    with resources.as_file(DATA / "reported.csv") as path:
        bare = read_figures(str(path))
    assert {figure.claimed_on for figure in bare} == {None}
    assert tuple(replace(f, claimed_on=days[f.seed]) for f in bare) == shipped_figures()


def test_unit_costs_are_ranges_with_a_source():
    """Every cost range is ordered and says where it is from."""
    rows = list(csv.DictReader(io.StringIO((DATA / "unit_costs.csv").read_text("utf-8"))))
    assert [row["category"] for row in rows] == ["drone", "cruise", "ballistic", "hypersonic"]
    assert all(0 < int(row["low_usd"]) <= int(row["high_usd"]) and row["source"] for row in rows)


@pytest.mark.parametrize(
    ("name", "words", "bounds"),
    [
        ("F05", "exactly 122", (122, 122)),
        ("F06", "dozens (24 to 99)", (24, 99)),
        ("F07", "exactly 18 h", (17.5, math.nextafter(18.5, 0))),
        ("F08", "at least 39", (39, math.inf)),
        ("F09", "about 160", (144, 176)),
        ("F11", "more than $1,000,000,000", (math.nextafter(1e9, math.inf), math.inf)),
        ("F13", "more than 110", (111, math.inf)),
        ("F18", "less than 24 h", (0, math.nextafter(24, 0))),
        ("F19", "about 24 h", (pytest.approx(21.6), pytest.approx(26.4))),
        ("F21", "about 100", (90, 110)),
        ("F22", "about 0.75", (pytest.approx(0.675), pytest.approx(0.825))),
        ("F26", "about 130", (117, 143)),
        ("F27", "several dozen (36 to 96)", (36, 96)),
        ("F37", "exactly 0", (0, 0)),
    ],
)
def test_shipped_words_and_bounds(name, words, bounds):
    """Words and interval of one figure of each make."""
    (figure,) = select(shipped_figures(), ids=name)
    assert figure.describe() == words
    assert figure.bounds == bounds
    assert {type(end) for end in figure.bounds} == {float}


# --- what the words admit ------------------------------------------------------------------

BOUNDS = [
    ("exactly", 17, 17, "people", 17, 17, "exactly 17"),
    ("exactly", 0, 0, "hours", 0, math.nextafter(0.5, 0), "exactly 0 h"),
    ("exactly", 1.5, 1.5, "hours", 1.5, 1.5, "exactly 1.5 h"),
    ("exactly", 0.4, 0.4, "fraction", 0.4, 0.4, "exactly 0.4"),
    ("exactly", 2e6, 2e6, "USD", 2e6, 2e6, "exactly $2,000,000"),
    ("about", 100, 100, "people", 90, 110, "about 100"),
    ("about", 25, 25, "people", 23, 27, "about 25"),
    ("about", 4, 4, "people", 4, 4, "about 4"),
    ("about", 0, 0, "people", 0, 0, "about 0"),
    ("about", 20, 30, "people", 18, 33, "about 20 to 30"),
    ("about", 0.95, 0.95, "fraction", pytest.approx(0.855), 1, "about 0.95"),
    ("nearly", 50, 50, "people", 45, 50, "nearly 50"),
    ("nearly", 10, 10, "hours", 9, 10, "nearly 10 h"),
    ("at_least", 500, None, "people", 500, math.inf, "at least 500"),
    ("at_least", 0.5, None, "fraction", 0.5, 1, "at least 0.5"),
    ("more_than", 200, None, "people", 201, math.inf, "more than 200"),
    ("more_than", 0.5, None, "fraction", math.nextafter(0.5, 1), 1, "more than 0.5"),
    ("more_than", 3, None, "hours", math.nextafter(3, 4), math.inf, "more than 3 h"),
    ("at_most", None, 40, "people", 0, 40, "at most 40"),
    ("at_most", None, 0, "people", 0, 0, "at most 0"),
    ("less_than", None, 40, "people", 0, 39, "less than 40"),
    ("less_than", None, 2.5, "USD", 0, math.nextafter(2.5, 0), "less than $2.5"),
    ("tens", 20, 99, "people", 20, 99, "tens (20 to 99)"),
    ("dozens", 24, 99, "people", 24, 99, "dozens (24 to 99)"),
    ("several_dozen", 36, 96, "people", 36, 96, "several dozen (36 to 96)"),
    ("hundreds", 200, 999, "people", 200, 999, "hundreds (200 to 999)"),
]


@pytest.mark.parametrize(("relation", "low", "high", "unit", "least", "most", "words"), BOUNDS)
def test_bounds_of_each_relation(relation, low, high, unit, least, most, words):
    """The interval and the words of each relation, in each unit where that matters."""
    figure = said(relation, low, high, unit)
    assert figure.bounds == (least, most)
    assert figure.describe() == words


def test_the_table_of_bounds_leaves_no_relation_out():
    """Every relation is tested and defined in one line, with the range of its word."""
    assert {row[0] for row in BOUNDS} == set(RELATIONS)
    assert ABOUT_SHARE == 0.1
    for relation, meaning in RELATIONS.items():
        assert meaning and "\n" not in meaning
        if relation in ("tens", "dozens", "several_dozen", "hundreds"):
            low, high = (int(part) for part in meaning.split(":")[0].split(" to "))
            assert said(relation, low, high).bounds == (low, high)
    with pytest.raises(TypeError):
        RELATIONS["scores"] = "20 to 99"


@given(st.integers(0, 10**9), st.sampled_from(["people", "hours", "USD"]))
def test_about_never_empties_and_stays_within_its_share(number, unit):
    """The number itself is admitted, and nothing off by more than the share."""
    low, high = said("about", number, number, unit).bounds
    assert low <= number <= high
    assert low >= number * 0.9 - 1e-6 and high <= number * 1.1 + 1e-6
    if unit == "people":
        assert low == -(-number * 9 // 10) and high == number * 11 // 10


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_strict_and_open_relations_agree_on_counts(number, value):
    """Each relation on a count admits what its plain comparison does."""
    assert said("at_least", number).admits(value) == (value >= number)
    assert said("more_than", number).admits(value) == (value > number)
    assert said("at_most", None, number).admits(value) == (value <= number)
    assert said("exactly", number, number).admits(value) == (value == number)
    if number:
        assert said("less_than", None, number).admits(value) == (value < number)


@given(st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_an_interval_overlaps_where_some_value_of_it_is_admitted(low, high):
    """Overlap is that of closed intervals; an empty or NaN interval meets nothing."""
    figure = said("dozens", 24, 99)
    nearest = max(low, 24.0)  # the first admitted value not below `low`
    expected = low <= high and nearest <= high and figure.admits(nearest)
    assert figure.overlaps(low, high) is bool(expected)
    assert figure.admits(low) is figure.overlaps(low, low)


def test_admits_no_nan_and_takes_numpy_numbers():
    """NaN is never true; numpy scalars do as values and as ends."""
    for figure in shipped_figures():
        assert figure.admits(math.nan) is False
        assert figure.overlaps(math.nan, math.nan) is False
    assert said("at_least", np.int64(3)).admits(np.float64(3.0)) is True
    assert said("dozens", 24, 99).overlaps(60, 30) is False


# --- a figure is checked when made ---------------------------------------------------------

BAD = [
    (
        {"relation": "atleast"},
        "`relation` must be a known one (did you mean 'at_least'? Known: about, at_least, at_most,"
        " dozens, exactly, hundreds, less_than, more_than, nearly, several_dozen, tens), but got"
        " 'atleast' at X1.relation",
    ),
    (
        {"weapon_category": "misile"},
        "`weapon_category` must be a known one (did you mean 'missile'? Known: all, artillery,"
        " ballistic, cruise, decoy, drone, hypersonic, missile, unspecified), but got 'misile'"
        " at X1.weapon_category",
    ),
    (
        {"date_start": date(2024, 5, 3)},
        "`date_start <= date_end` must hold, but got 2024-05-03 and 2024-05-02 at X1.date_end",
    ),
    (
        {"claimed_on": date(2024, 4, 30)},
        "`date_start <= claimed_on` must hold, but got 2024-05-01 and 2024-04-30 at X1.claimed_on",
    ),
    (
        {"relation": "about", "low": 7},
        "`low <= high` must hold, but got 7 and 5 at X1.low",
    ),
    ({"low": 4}, "`low == high` must hold with 'exactly', but got 4 and 5 at X1.high"),
    (
        {"relation": "nearly", "low": 4},
        "`low == high` must hold with 'nearly', but got 4 and 5 at X1.high",
    ),
    ({"high": None}, "`high` must be given with 'exactly', but got nothing at X1.high"),
    (
        {"relation": "at_least", "high": 5000},
        "`high` must be empty with 'at_least', but got 5,000 at X1.high",
    ),
    (
        {"relation": "more_than", "low": None, "high": None},
        "`low` must be given with 'more_than', but got nothing at X1.low",
    ),
    (
        {"relation": "less_than", "high": 9},
        "`low` must be empty with 'less_than', but got 5 at X1.low",
    ),
    (
        {"relation": "at_most", "low": None, "high": None},
        "`high` must be given with 'at_most', but got nothing at X1.high",
    ),
    (
        {"relation": "dozens", "high": 99},
        "'dozens' must go from 24 to 99, but got 5 and 99 at X1.low",
    ),
    (
        {"relation": "less_than", "low": None, "high": 0},
        "some value must be possible, but none is less than 0 at X1.high",
    ),
    (
        {"relation": "more_than", "low": 1, "high": None, "unit": "fraction"},
        "some value must be possible, but none is more than 1 at X1.low",
    ),
    ({"low": 4.5}, "`low` must be a whole number of people, but got 4.5 at X1.low"),
    ({"low": -1}, "`low` must be finite and not negative, but got -1 at X1.low"),
    ({"low": math.nan}, "`low` must be finite and not negative, but got nan at X1.low"),
    ({"high": math.inf}, "`high` must be finite and not negative, but got inf at X1.high"),
    ({"low": True}, "`low` must be a number or empty, but got True at X1.low"),
    ({"low": "five"}, "`low` must be a number or empty, but got 'five' at X1.low"),
    (
        {"unit": "fraction", "low": 0.5, "high": 1.2},
        "`high` must be a fraction within 0 and 1, but got 1.2 at X1.high",
    ),
    (
        {"quantity": "response_delay", "unit": "days"},
        "`unit` must be 'hours' for 'response_delay', but got 'days' at X1.unit",
    ),
    (
        {"date_end": "2024-02-30"},
        "`date_end` must be a date such as 2024-01-02, but got '2024-02-30' at X1.date_end",
    ),
    (
        {"date_start": datetime(2024, 5, 1)},
        "`date_start` must be a date such as 2024-01-02, but got"
        " datetime.datetime(2024, 5, 1, 0, 0) at X1.date_start",
    ),
    ({"unit": "Hours"}, "`unit` must be written 'hours', but got 'Hours' at X1.unit"),
    ({"unit": "usd"}, "`unit` must be written 'USD', but got 'usd' at X1.unit"),
    ({"place": " "}, "`place` must be filled in, but got ' ' at X1.place"),
    ({"claimant": None}, "`claimant` must be text, but got None at X1.claimant"),
    ({"id": ""}, "`id` must be filled in, but got '' at figure.id"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_a_bad_figure_is_refused(changes, message):
    """Each error gives the claim, the value and the place."""
    with pytest.raises(FigureError) as caught:
        replace(SOUND, **changes)
    assert str(caught.value) == message


def test_all_that_is_wrong_is_said_at_once():
    """Several bad values make one error, in the order of the columns."""
    with pytest.raises(FigureError) as caught:
        replace(SOUND, place="", relation="roughly", low=-1)
    assert [p.place for p in caught.value.problems] == ["X1.place", "X1.relation", "X1.low"]


def test_a_figure_is_frozen_and_slotted():
    """A figure can neither be changed nor given new attributes, and can be hashed."""
    with pytest.raises(FrozenInstanceError):
        SOUND.low = 6
    assert not hasattr(SOUND, "__dict__")
    assert len({SOUND, replace(SOUND)}) == 1


# --- reading -------------------------------------------------------------------------------


# A row holds text alone, so what is wrong by its type only cannot stand in one.
IN_A_ROW = [row for row in BAD if not {type(v) for v in row[0].values()} & {bool, datetime}]


@pytest.mark.parametrize(("changes", "message"), IN_A_ROW)
def test_a_bad_row_is_refused_with_its_line(refused, changes, message):
    """What a figure refuses, its row is refused for too, and the line is named."""
    spelt = {
        "must be text, but got None": "must be filled in, but got ''",
        "got ' '": "got ''",
        "got -1": "got -1.0",
    }
    for made, read in spelt.items():
        message = message.replace(made, read)
    changes = {name: as_text(value) for name, value in changes.items()}
    assert refused(table(cells(id="X0"), cells(**changes))) == [f"{message}, line 3"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ["a table must start with a header, but got nothing at line 1"]),
        (b"\xef\xbb\xbf\n", ["a table must start with a header, but got nothing at line 1"]),
        (table(), ["a table must hold figures, but got a header alone"]),
        (
            table(cells()).encode() + b"caf\xe9,",
            ["a table must be UTF-8 text, but got the byte 0xe9 at line 3"],
        ),
        (
            table(cells()) + '"X2,900',
            ["a table must be well-formed CSV, but got: unexpected end of data at line 3"],
        ),
        (table(cells()) + "\n", ["a row must not be blank at line 3"]),
        (table([" "] * 16, cells()), ["a row must not be blank at line 2"]),
        (
            table(cells(), cells(id="X2")[:9]),
            ["a row must have 16 cells, but got 9 at X2.relation, line 3"],
        ),
        (
            table([*cells(), "more"]),
            ["a row must have 16 cells, but got 17 at X1.claimed_on, line 2"],
        ),
        (
            table(cells(note="two\nlines"), cells(id="X2"), cells()),
            ["`id` must be unique, but got 'X1' on line 2 too at X1.id, line 5"],
        ),
        (
            table(cells(high="1,000")),
            ["`high` must be a number or empty, but got '1,000' at X1.high, line 2"],
        ),
        (
            table(cells(high="1_0")),
            ["`high` must be a number or empty, but got '1_0' at X1.high, line 2"],
        ),
        (
            table(cells()).replace(",", ";"),
            ["cells must be parted by commas, but got ';' at line 1"],
        ),
        (
            table(cells()).encode("utf-16-le"),
            ["a table must be UTF-8 text, but starts with 'i\\x00d\\x00' at line 1"],
        ),
        (
            table(cells(low=-2)),
            ["`low` must be finite and not negative, but got -2.0 at X1.low, line 2"],
        ),
        (
            table(header=["low" if n == "high" else n for n in COLUMNS]),
            [
                "a column must be there once, but got 'low' again at line 1",
                "the column 'high' must be there, but is missing at line 1",
            ],
        ),
        (
            table(header=["relaton" if n == "relation" else n for n in COLUMNS]),
            [
                "a column must be a known one, but got 'relaton'; did you mean 'relation'? Known: "
                + ", ".join(sorted(COLUMNS))
                + " at line 1",
                "the column 'relation' must be there, but is missing at line 1",
            ],
        ),
        (
            table(cells(low="x"), [], cells(id="X3", place=""), cells(id="X4")[:2]),
            [
                "`low` must be a number or empty, but got 'x' at X1.low, line 2",
                "a row must not be blank at line 3",
                "`place` must be filled in, but got '' at X3.place, line 4",
                "a row must have 16 cells, but got 2 at X4.date_start, line 5",
            ],
        ),
    ],
)
def test_a_bad_table_is_refused(refused, content, expected):
    """Each defect of a table is named with its place, and all of them at once."""
    assert refused(content) == expected


def test_a_missing_file_is_refused(tmp_path):
    """No file, or a folder in its stead, is a clear error with the path."""
    path = tmp_path / "none.csv"
    with pytest.raises(FigureError) as caught:
        read_figures(path)
    message = "a table must be a readable file, but got: No such file or directory"
    assert str(caught.value) == f"{message} ({path})"
    with pytest.raises(FigureError, match="but got: Is a directory"):
        read_figures(tmp_path)
    with pytest.raises(FigureError, match="but got: embedded null byte"):
        read_figures("a\0b")


def test_columns_may_come_in_any_order_and_undated(tmp_path):
    """The header rules; spreadsheets' byte order mark and line ends do no harm."""
    order = sorted(set(COLUMNS) - {"claimed_on"})
    row = [as_text(getattr(SOUND, name)) for name in order]
    text = table(row, header=order).replace("\n", "\r\n")
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_figures(path) == (replace(SOUND, claimed_on=None),)


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from('",\n'),
    min_size=1,
    max_size=12,
).filter(lambda text: text == text.strip())


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=5), st.data())
def test_tables_round_trip_and_a_bad_row_is_found(tmp_path_factory, texts, data):
    """Any text survives a table; one spoilt cell is found on the line it stands on."""
    path = tmp_path_factory.mktemp("figures") / "table.csv"
    figures = tuple(
        replace(SOUND, id=f"X{n}", place=place, claimant=claimant, note=note)
        for n, (place, claimant, note) in enumerate(texts)
    )
    rows = [cells(figure) for figure in figures]
    path.write_text(table(*rows), encoding="utf-8", newline="")
    assert read_figures(path) == figures

    bad = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(["date_start", "relation", "low", "high", "attacker"]))
    rows[bad][COLUMNS.index(column)] = {"attacker": " "}.get(column, "??")
    path.write_text(table(*rows), encoding="utf-8", newline="")
    line = 1 + table(*rows[:bad]).count("\n")
    with pytest.raises(FigureError) as caught:
        read_figures(path)
    assert [p.place for p in caught.value.problems] == [f"X{bad}.{column}, line {line}"]


# --- selecting -----------------------------------------------------------------------------


def test_select_by_id_and_by_window():
    """Ids keep the order of the table; a window holds the whole of what is counted."""
    figures = shipped_figures()
    assert select(figures) == figures
    assert [f.id for f in select(figures, ids=["F10", "F08"])] == ["F08", "F10"]
    assert [f.id for f in select(figures, ids="F08")] == ["F08"]
    assert [f.id for f in select(figures, until=date(2023, 2, 15))] == ["F03"]
    held = select(iter(figures), since=date(2024, 1, 2), until=date(2024, 1, 2))
    assert [f.id for f in held] == [f"F{n}" for n in (*range(21, 32),)]
    assert select(figures, ids=["F08"], since=date(2024, 1, 1)) == ()


def test_select_refuses_what_it_does_not_know():
    """An unknown id names the closest; a window runs forwards."""
    figures = select(shipped_figures(), ids=["F08", "F10"])
    with pytest.raises(FigureError) as caught:
        select(figures, ids=["F8"])
    assert str(caught.value) == (
        "an id must be a known one, but got 'F8'; did you mean 'F08'? Known: F08, F10 at ids"
    )
    with pytest.raises(FigureError) as caught:
        select(figures, since=date(2024, 1, 2), until=date(2024, 1, 1))
    assert str(caught.value) == (
        "`since <= until` must hold, but got 2024-01-02 and 2024-01-01 at since"
    )


# --- disagreements -------------------------------------------------------------------------


def pairs(figures):
    """Return what disagrees as (earlier, kind, later)."""
    return [(d.earlier.id, d.kind, d.later.id) for d in disagreements(figures)]


@given(st.randoms(use_true_random=False))
def test_the_shipped_figures_disagree_as_known(random):
    """Three contradictions and two revisions, and no other, in whatever order they come."""
    figures = list(shipped_figures())
    random.shuffle(figures)
    assert pairs(figures) == [
        ("F12", "revises", "F14"),
        ("F08", "contradicts", "F10"),
        ("F14", "revises", "F15"),
        ("F21", "contradicts", "F27"),
        ("F33", "contradicts", "F34"),
    ]


def test_a_disagreement_says_why():
    """The reason gives what each of the two says, and of what."""
    found = disagreements(select(shipped_figures(), ids=["F21", "F27"]))
    assert len(found) == 1 and isinstance(found[0], Disagreement)
    assert found[0].reason == (
        "F21 says about 100 (missile, Kyiv and other cities); "
        "later F27 says several dozen (36 to 96) (all, Kyiv, Kharkiv)"
    )


def exact(number, **changes):
    """Return the changes that make a figure say exactly this number."""
    return {"low": number, "high": number, **changes}


AT_LEAST = {"relation": "at_least", "high": None}
FRACTION = {"quantity": "intercepted_fraction", "unit": "fraction"}


@pytest.mark.parametrize(
    ("first", "then", "kind"),
    [
        # one scope
        (exact(5), exact(5), None),
        (exact(5), exact(6), "revises"),
        (exact(6), exact(5), "contradicts"),
        (exact(6, weapon_category="unspecified"), exact(5), "contradicts"),
        (AT_LEAST, exact(50), "revises"),
        (exact(50), AT_LEAST, "contradicts"),
        (AT_LEAST | {"low": 25}, {"relation": "more_than", "low": 24, "high": None}, "revises"),
        (exact(30), {"relation": "dozens", "low": 24, "high": 99}, "revises"),
        (exact(100), {"relation": "dozens", "low": 24, "high": 99}, "contradicts"),
        (exact(5), {"relation": "less_than", "low": None, "high": 5}, "contradicts"),
        ({"relation": "less_than", "low": None, "high": 9}, exact(5), "revises"),
        ({"relation": "about", **exact(100)}, {"relation": "about", **exact(95)}, "contradicts"),
        # a part and its whole
        (exact(9), exact(5, weapon_category="missile"), None),
        (exact(5, weapon_category="missile"), exact(9), None),
        (exact(9, weapon_category="missile"), exact(5), "contradicts"),
        (exact(5), exact(9, weapon_category="missile"), "revises"),
        (exact(9, weapon_category="cruise"), exact(5, weapon_category="missile"), "contradicts"),
        (exact(9, weapon_category="drone"), exact(5, weapon_category="missile"), None),
        (exact(9), exact(5, place="North and other cities"), "contradicts"),
        (exact(9, place="North, South"), exact(5), None),
        (exact(9), exact(5, place="South and North regions"), "contradicts"),
        (exact(9, place="North, East"), exact(5, place="North, South"), "contradicts"),
        (exact(9), exact(5, weapon_category="drone", place="North, South"), None),
        (exact(9, weapon_category="drone", place="North, South"), exact(5), None),
        # shares do not add up
        (exact(0.9, **FRACTION), exact(0.5, **FRACTION), "contradicts"),
        (exact(0.9, **FRACTION, weapon_category="cruise"), exact(0.5, **FRACTION), None),
        # another event
        (exact(9), exact(5, place="South"), None),
        (exact(9), exact(5, place="countrywide"), None),
        (exact(9), exact(5, quantity="injured"), None),
        (exact(9), exact(5, attacker="C"), None),
        (exact(9), exact(5, defender="C"), None),
        (exact(9), exact(5, date_end=date(2024, 5, 1)), None),
        (exact(9, place="other cities"), exact(5, place="other cities"), None),
    ],
)
def test_how_two_figures_stand(first, then, kind):
    """One case of each clause of the definition, and the same the other way round in the list."""
    earlier = replace(SOUND, **first)
    later = replace(SOUND, id="X2", claimed_on=date(2024, 5, 4), **then)
    expected = [("X1", kind, "X2")] if kind else []
    assert pairs([earlier, later]) == pairs([later, earlier]) == expected


def test_a_figure_revises_the_nearest_and_contradicts_all():
    """Of 9, 3, 5: the 3 and the 5 contradict the 9, and the 5 revises the 3."""
    figures = [
        replace(SOUND, id=f"X{n}", low=number, high=number, claimed_on=date(2024, 5, 3 + n))
        for n, number in enumerate([9, 3, 5])
    ]
    assert pairs(figures) == [
        ("X0", "contradicts", "X1"),
        ("X0", "contradicts", "X2"),
        ("X1", "revises", "X2"),
    ]
    risen = [replace(f, low=n, high=n) for n, f in enumerate(figures)]
    assert pairs(risen) == [("X0", "revises", "X1"), ("X1", "revises", "X2")]


def test_claims_of_one_day_or_undated_go_by_id():
    """Without a day the last day counted stands in; ties go by id."""
    low, high = replace(SOUND, id="X1", low=3, high=3), replace(SOUND, id="X2")
    assert pairs([high, low]) == [("X1", "revises", "X2")]
    undated = replace(high, claimed_on=None)  # 2024-05-02, the day before the other's claim
    assert pairs([low, undated]) == [("X2", "contradicts", "X1")]


# --- the table -----------------------------------------------------------------------------


def test_a_table_says_all_that_the_figures_do():
    """A row a figure, in the order given, that reads back as it was."""
    figures = shipped_figures()
    found = figure_table(reversed(figures))
    assert found.index.tolist() == [figure.id for figure in reversed(figures)]
    for figure in figures:
        row = found.loc[figure.id]
        assert (row["least"], row["most"]) == figure.bounds
        assert row["says"] == figure.describe()
        assert row["claimed_on"].date() == figure.claimed_on
        for name in COLUMNS[1:]:
            value = getattr(figure, name)
            assert (
                (row[name] != row[name])
                if value is None
                else (row[name] == value) or (isinstance(value, date))
            )
    named = found[found["contradicts"] != ""]["contradicts"]
    assert named.to_dict() == {"F10": "F08", "F27": "F21", "F34": "F33"}
    assert found[found["revises"] != ""]["revises"].to_dict() == {"F14": "F12", "F15": "F14"}


def test_a_table_of_none_has_its_columns():
    """Nothing to list is an empty table, with the types of a full one where they are numbers."""
    found = figure_table([])
    assert len(found) == 0
    assert found.columns.tolist() == figure_table([SOUND]).columns.tolist()
    assert figure_table([replace(SOUND, claimed_on=None)])["claimed_on"].isna().all()


# --- the module ----------------------------------------------------------------------------


def test_docstrings_hold():
    """The examples in the docstrings run as they stand."""
    result = doctest.testmod(module)
    assert result.attempted >= 5 and result.failed == 0


def test_import_is_light():
    """Figures need neither numpy nor pandas."""
    # The package may load more than this module does, so an empty one takes its place.
    code = (
        "import sys, types; package = types.ModuleType('escalate'); "
        f"package.__path__ = [{str(Path(module.__file__).parent)!r}]; "
        "sys.modules['escalate'] = package; import escalate.figures; "
        "print({'numpy', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
