"""Strike tables: read as they are, cleaned by the rules, and refused with the row that is wrong."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalate.errors import EscalateError, InvalidInputError
from escalate.strikes import FORMATS, GROUPS, OUTCOMES, classify, read_strikes
from tests.strike_tables import HEADER, attack, attacks, real, write

RAW = "missile_attacks_daily.csv"


@pytest.fixture
def table(tmp_path):
    """Give a function that writes rows and reads them."""

    def read(rows, header=HEADER, end="\n", **more):
        return read_strikes(write(tmp_path / "table.csv", rows, header, end), **more)

    return read


def refused(read, *args, **more):
    with pytest.raises(InvalidInputError) as found:
        read(*args, **more)
    return found.value


class TestCleaning:
    def test_a_night_is_one_day(self, table):
        rows = [
            attack("2024-03-02 16:00", "2024-03-03 05:00", "Shahed-136/131", 5, 4),
            attack("2024-03-02 15:59", "2024-03-02 18:00", "X-59", 2, 1),
            attack("2024-03-01 3:30", "2024-03-02 09:00", "Shahed-136/131", 9, 4),
            attack("2024-02-29", "2024-03-01 09:00", "X-59", 1, 1),
        ]
        days = table(rows).daily()
        assert days["drone"].tolist() == [0.0, 9.0, 0.0, 5.0]
        assert days["missile"].tolist() == [1.0, 0.0, 2.0, 0.0]
        assert days["all"].tolist() == [1.0, 9.0, 2.0, 5.0]
        assert [f"{day:%m-%d}" for day in days.index] == ["02-29", "03-01", "03-02", "03-03"]

    def test_three_outcomes(self, table):
        (row,) = table(
            [attack("2024-03-01", "2024-03-01", "Shahed-136/131", 30, 12, 10)]
        ).events.to_dict("records")
        assert [row[name] for name in OUTCOMES] == [30, 12, 10, 22, 8]

    def test_more_stopped_than_launched_is_held_to_it_and_told(self, table):
        found = table([attack("2024-03-01", "2024-03-01", "Shahed-136/131", 16, 15, 11)])
        assert found.events["neutralised"].tolist() == [16.0]
        assert "more stopped than launched" in found.notes[0]

    def test_an_unknown_outcome_is_unknown(self, table):
        row = table([attack("2024-03-01", "2024-03-01", "X-22", 8, "NaN")]).events.iloc[0]
        assert row["launched"] == 8
        assert row[["intercepted", "neutralised", "through"]].isna().all()

    def test_without_a_number_launched_a_row_is_left_out_and_told(self, table):
        rows = [attack("2024-03-01", "2024-03-01", "C-300", n, 0) for n in ("", 3)]
        found = table(rows)
        assert found.events["launched"].tolist() == [3.0]
        assert found.notes == ("1 rows without a number launched left out",)

    def test_models_of_one_category_stay_together(self, table):
        (row,) = table(
            [attack("2024-03-01", "2024-03-01", "X-101/X-555 and Kalibr and X-22", 72, 30)]
        ).events.to_dict("records")
        assert (row["category"], row["subclass"], row["split"]) == ("cruise", "mixed", False)

    def test_categories_counted_together_are_parted_and_marked(self, table):
        events = table(
            [attack("2024-03-01", "2024-03-01", "Iskander-M and Iskander-K", 11, 10, 1)]
        ).events.set_index("category")
        assert events["launched"].to_dict() == {"ballistic": 6.0, "cruise": 5.0}
        assert events["neutralised"].sum() == 11
        assert events["split"].all()
        assert (events["neutralised"] <= events["launched"]).all()

    def test_they_are_parted_by_what_is_known(self, table):
        details = "{'X-101/X-555': 50, 'Kalibr': 6, 'Iskander-M': 4}"
        events = table(
            [attack("2024-03-01", "2024-03-01", "X-101/X-555 and Kalibr and Iskander-M", 60, 45,
                    details=details)]
        ).events.set_index("category")  # fmt: skip
        assert events["launched"].to_dict() == {"cruise": 56.0, "ballistic": 4.0}
        assert (events["neutralised"] <= events["launched"]).all()
        wrong = details.replace("50", "51")  # does not add up: equal shares
        events = table(
            [attack("2024-03-01", "2024-03-01", "X-101/X-555 and Kalibr and Iskander-M", 60, 45,
                    details=wrong)]
        ).events.set_index("category")  # fmt: skip
        assert events["launched"].to_dict() == {"cruise": 30.0, "ballistic": 30.0}

    def test_tallies_of_kills_count_as_launched_nowhere(self, table):
        rows = [
            attack("2024-03-01", "2024-03-01", m, 7, 7) for m in ("ZALA", "Lancet", "Unknown UAV")
        ]
        found = table([*rows, attack("2024-03-01", "2024-03-01", "X-22", 2, 0)])
        assert found.events["tally"].tolist() == [True, True, True, False]
        for by in ("group", "category", "subclass"):
            assert found.daily(by=by).to_numpy().max() == 2.0

    def test_posts_of_regional_commands_are_marked(self, table):
        rows = [attack("2024-03-01", "2024-03-01", "X-59", 1, 1, source=s)
                for s in ("PvKPivden/posts/x", "kpszsu/posts/x", "pvkshid/1")]  # fmt: skip
        assert table(rows).events["regional"].tolist() == [True, False, True]

    def test_a_new_model_is_other_and_told(self, table):
        found = table([attack("2030-03-01", "2030-03-01", "Oryx-9", 4, 1)])
        assert found.events["category"].tolist() == ["other"]
        assert "'Oryx-9' (1)" in found.notes[0]

    def test_a_new_model_goes_with_the_known_ones_of_its_row(self, table):
        (row,) = table(
            [attack("2030-03-01", "2030-03-01", "Shahed-136/131 and Oryx-9", 100, 80)]
        ).events.to_dict("records")
        assert (row["category"], row["launched"], row["split"]) == ("drone", 100.0, False)
        found = table([attack("2030-03-01", "2030-03-01", "X-22 and Iskander-M and Oryx-9", 9, 4)])
        assert found.events["launched"].tolist() == [5.0, 4.0]
        assert any("beside known ones" in note and "'Oryx-9' (1)" in note for note in found.notes)
        details = "{'X-22': 2, 'Oryx-9': 7}"  # unless the row says how many they were
        found = table([attack("2030-03-01", "2030-03-01", "X-22 and Oryx-9", 9, 4,
                              details=details)])  # fmt: skip
        assert found.daily()["all"].tolist() == [2.0]
        assert any("in no sum: 'Oryx-9' (1)" in note for note in found.notes)

    @pytest.mark.parametrize("model", ["X-22 AND Iskander-M", "X-22, Iskander-M", "X-22 + KN-23"])
    def test_models_may_be_joined_in_other_ways(self, table, model):
        row = attack("2024-03-01", "2024-03-01", "MODEL", 11, 5).replace("MODEL", f'"{model}"')
        categories = table([row]).events["category"].tolist()
        assert categories == ["cruise", "ballistic"]

    def test_parts_are_whole(self, table):
        details = "{'X-22': 4.5, 'Iskander-M': 5.5}"
        row = attack("2024-03-01", "2024-03-01", "X-22 and Iskander-M", 10, 5, details=details)
        assert table([row]).events["launched"].tolist() == [5.0, 5.0]

    def test_a_row_that_stands_there_twice_is_told(self, table):
        row = attack("2024-03-01", "2024-03-01", "X-22", 4, 1)
        found = table([row, row])
        assert found.daily()["all"].tolist() == [8.0]
        assert found.notes == ("1 rows that repeat another to the letter, counted all the same",)

    def test_outcomes_that_nobody_told_are_told(self, table):
        rows = [attack("2024-03-01", "2024-03-01", "X-22", 4, n) for n in (1, "")]
        assert "1 rows of unknown outcome" in table(rows).notes[0]

    @pytest.mark.parametrize(
        ("model", "kind"),
        [
            ("Shahed-136/131", ("drone", "shahed")),
            ("Iskander-M/KN-23", ("ballistic", "iskander")),
            ("Iskander-K", ("cruise", "subsonic")),
            ("C-300/C-400", ("ballistic", "s300")),
            ("X-47 Kinzhal", ("hypersonic", "hypersonic")),
            ("X-31PD", ("cruise", "supersonic")),
            ("X-35", ("cruise", "subsonic")),
            ("Intercontinental Ballistic Missile", ("ballistic", "iskander")),
            ("Молнія", ("other", "tactical_uav")),
            ("Kh-101", ("cruise", "subsonic")),
            ("\u0425-101/\u0425-555", ("cruise", "subsonic")),  # Cyrillic
            ("\u0421-300", ("ballistic", "s300")),
            ("Khrizantema", None),
            ("X-22/X-59", None),
            ("X-3", None),
            ("", None),
        ],
    )
    def test_classes(self, model, kind):
        assert classify(model) == kind


class TestFormats:
    def test_events_and_days_of_classes(self, table):
        rows = ["2024-03-01,cruise,6,3,1,1", "2024-03-03,other,6,6,0,0", "2024-03-03,drone,6,,,0"]
        found = table(rows, "date,cls,launched,intercepted,lost,alloc")
        assert found.form == "events"
        assert found.events["split"].tolist() == [True, False, False]
        assert found.daily("neutralised")["all"].tolist() == [4.0, 0.0, 0.0]
        rows = ["2024-03-01,cruise,6,3,1", "2024-03-01,drone,0,0,0", "2024-03-02,cruise,1,0,0"]
        found = table(rows, "date,class,launched,intercepted,lost")
        assert found.daily()["missile"].tolist() == [6.0, 1.0]

    def test_claims_have_two_series_and_days_without_report(self, table):
        header = ("date,bulletin_uavs,bulletin_rockets_ballistic,bulletin_cruise,flag_cumulative,"
                  "drones_claimed_downed_territory,night_claim")  # fmt: skip
        rows = ["2024-03-01,5,40,1,0,3,3", "2024-03-02,,,,0,0,0", "2024-03-04,900,0,0,1,,"]
        found = table(rows, header)
        assert (found.series, found.complete) == (("bulletin", "posts"), False)
        np.testing.assert_array_equal(
            found.daily("intercepted")["drone"], [5.0, np.nan, np.nan, np.nan]
        )
        np.testing.assert_array_equal(
            found.daily("intercepted", series="posts")["drone"], [3.0, 0.0, np.nan, np.nan]
        )
        assert list(found.daily("intercepted", series="posts")) == ["all", "drone"]
        assert found.daily("intercepted")["all"].iloc[0] == 6.0  # shelling is not in it
        assert found.daily("launched").isna().all().all()

    def test_plain(self, table):
        found = table(["2024-03-01,5", "2024-03-04,2"], "date,count")
        assert found.groups == ("all",)
        assert found.daily()["all"].tolist() == [5.0, 0.0, 0.0, 2.0]
        assert found.daily("neutralised")["all"].isna().all()
        found = table(["2024-03-01,5,5", "2024-03-02,2,"], "date,launched,destroyed")
        assert found.daily("through")["all"].tolist() == [0.0, 0.0]

    def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(self, tmp_path):
        path = tmp_path / "table.csv"
        path.write_bytes(b"\xef\xbb\xbfdate,count\r\n2024-03-01,5\r\n\r\n")
        assert read_strikes(path).daily()["all"].tolist() == [5.0]

    def test_a_quoted_cell_may_span_lines(self, table):
        rows = [
            attack("2024-03-02", "2024-03-02", "X-22", 4, 1, source='"kpszsu\nof\nthat day"'),
            attack("2024-03-01", "2024-03-01", "X-22", "x", 1),
        ]
        error = refused(table, rows)
        assert str(error.problems[0]).endswith("got 'x' at row 2 (line 5)")
        assert len(error.problems) == 1
        assert table(rows, keep_good=True).daily()["all"].tolist() == [4.0]

    def test_a_quote_left_open_costs_its_own_row_alone(self, table):
        rows = attacks(20)
        rows[3] = attack("2023-01-16", "2023-01-16", "X-22", 4, 1, source='"kpszsu')
        assert [p.place for p in refused(table, rows).problems] == ["row 4 (line 5)"]
        assert len(table(rows, keep_good=True).events) == len(table(attacks(20)).events) - 1

    def test_old_line_ends(self, tmp_path):
        path = tmp_path / "table.csv"
        path.write_bytes(b"date,count\r2024-03-01,5\r2024-03-02,6\r")
        assert read_strikes(path).daily()["all"].tolist() == [5.0, 6.0]

    def test_the_newest_may_come_first(self, table):
        found = table(["2024-03-03,5", "2024-03-02,4", "2024-03-01,3"], "date,count")
        assert found.daily()["all"].tolist() == [3.0, 4.0, 5.0]

    def test_weeks_begin_where_they_are_told_to(self, table):
        rows = [f"2024-03-{day:02},{day}" for day in range(3, 31)]
        found = table(rows, "date,count")
        for start in (date(2024, 3, 1), date(2024, 3, 8), date(2024, 2, 2)):
            weeks = found.weekly(start=start)
            assert weeks.index[0] == pd.Timestamp("2024-03-08")
            assert weeks["all"].iloc[0] == 8 + 9 + 10 + 11 + 12 + 13 + 14
        assert len(found.weekly(start=date(2024, 6, 1))) == 0

    def test_weeks_are_whole(self, table):
        rows = [f"2024-03-{day:02},{day}" for day in range(1, 24)]
        found = table(rows, "date,count")
        assert found.weekly()["all"].tolist() == [28.0, 77.0, 126.0]
        assert found.weekly(start=date(2024, 3, 3), days=10)["all"].tolist() == [75.0, 175.0]
        assert found.weekly().index[1] == pd.Timestamp("2024-03-08")

    def test_groups_hold_no_category_twice(self):
        held = [name for group, names in GROUPS.items() if group != "all" for name in names]
        assert len(held) == len(set(held))
        assert set(held) < set(GROUPS["all"])

    @pytest.mark.parametrize(
        ("asked", "word"),
        [({"by": "colour"}, "unknown by 'colour'"), ({"series": "posts"}, "unknown series"),
         ({"outcome": "launch"}, "did you mean 'launched'")],
    )  # fmt: skip
    def test_unknown_names_are_refused(self, table, asked, word):
        with pytest.raises(EscalateError, match=word):
            table(["2024-03-01,5"], "date,count").daily(**asked)
        with pytest.raises(EscalateError, match="1 <= days"):
            table(["2024-03-01,5"], "date,count").weekly(days=0)


BAD = [
    ("2024-02-05,x,1,0", "`launched` must be a number, but got 'x'"),
    ("2024-02-05,1_0,1,0", "`launched` must be a number"),
    ("2024-02-05,-3,1,0", "`launched` must not be negative, but got -3"),
    ("2024-02-05,2.5,1,0", "`launched` must be a whole number"),
    ("2024-02-05,1e300,1,0", "`launched` must be a whole number up to 1,000,000"),
    ("2024-02-05,,1,0", "`launched` must be a number, but is empty"),
    ("2024-02-05,3,1,4", "`lost <= launched` must hold, but got 4 and 3"),
    ("2024-02-05,3,4,0", "`intercepted <= launched` must hold, but got 4 and 3"),
    ("2024-02-30,3,1,0", "`date` must be a day of this century"),
    ("05.02.2024,3,1,0", "`date` must be a day of this century"),
    ("1024-02-05,3,1,0", "`date` must be a day of this century"),
    ("2024-02-05,3,1", "a row must have 5 cells, but got 4"),
    ('2024-02-05,3,1,"0', "a row must be well-formed CSV"),
    ("", "a row must not be blank"),
    ("2024-02-05,3,1,\x00", "a row must be UTF-8 text"),
    ("2023-02-05,3,1,0", "days must be in order, but got 2023-02-05 next to 2024-02-04"),
    ("2025-02-05,3,1,0", "days must be in order, but got 2025-02-05 next to 2024-02-04"),
]


class TestRefusals:
    HEADER = "date,cls,launched,intercepted,lost"

    def rows(self, bad):
        good = [f"2024-02-0{day},drone,9,5,1" for day in (1, 2, 3, 4, 6, 7)]
        day, _, rest = bad.partition(",")
        return [*good[:4], f"{day},drone,{rest}" if rest else bad, *good[4:]]

    @pytest.mark.parametrize(("bad", "message"), BAD)
    def test_what_is_wrong_and_where(self, table, bad, message):
        error = refused(table, self.rows(bad), self.HEADER)
        assert [p.place for p in error.problems] == ["row 5 (line 6)"]
        assert message in str(error)
        assert "table.csv" in str(error)

    @pytest.mark.parametrize(("bad", "message"), BAD)
    def test_the_good_rows_if_asked_for(self, table, bad, message):
        found = table(self.rows(bad), self.HEADER, keep_good=True)
        assert len(found.events) == 6
        assert message in str(found.problems[0])
        assert (found.first, found.last) == (date(2024, 2, 1), date(2024, 2, 7))

    def test_bytes_that_are_no_text(self, tmp_path):
        path = tmp_path / "table.csv"
        path.write_bytes(b"date,count\n2024-02-01,5\n2024-02-02,\xff\xfe\n2024-02-03,1\n")
        error = refused(read_strikes, path)
        assert "row 2 (line 3)" in str(error)
        assert read_strikes(path, keep_good=True).daily()["all"].tolist() == [5.0, 0.0, 1.0]

    def test_a_torn_table(self, tmp_path):
        whole = "\n".join([HEADER, *attacks(20)]) + "\n"
        cut = whole[: int(0.8 * len(whole))].rstrip("\n")
        last = cut.count("\n")
        while cut.rsplit("\n", 1)[1].count(",") > 8:
            cut = cut[:-10]
        path = tmp_path / "table.csv"
        path.write_text(cut)
        error = refused(read_strikes, path)
        assert f"row {last} (line {last + 1})" in str(error)
        assert "cut off" in str(error)
        assert len(read_strikes(path, keep_good=True).problems) == 1

    def test_a_last_number_that_may_have_lost_its_digits(self, table):
        error = refused(table, ["2024-02-01,100", "2024-02-02,12"], "date,count", end="")
        assert "stops after '12'" in str(error)
        assert "row 2 (line 3)" in str(error)

    def test_a_last_cell_that_counts_is_looked_at_in_every_format(self, table):
        rows = ["2024-02-01,drone,20,5,1", "2024-02-02,drone,20,5,1"]
        error = refused(table, rows, "date,cls,launched,intercepted,lost", end="")
        assert "`lost` must be followed by a line end" in str(error)

    def test_more_lost_than_launched(self, table):
        error = refused(table, [attack("2024-02-02", "2024-02-02", "Shahed-136/131", 10, "", 15)])
        assert "`not_reach_goal <= launched` must hold, but got 15 and 10 at row 1" in str(error)

    def test_an_end_before_its_start(self, table):
        rows = [attack("2024-02-02 09:00", "2024-02-02 08:00", "X-22", 1, 0)]
        assert "`time_start <= time_end` must hold" in str(refused(table, rows))

    def test_all_that_is_wrong_is_told_at_once_but_not_endlessly(self, table):
        rows = [f"2024-02-0{day},x" for day in range(1, 10)]
        assert len(refused(table, rows, "date,count").problems) == 9
        error = refused(table, rows * 10, "date,count")
        assert str(error.problems[-1]) == "and 70 more problems"

    @pytest.mark.parametrize(
        ("header", "message"),
        [
            ("time_start,time_end,model,launchd,destroyed", "must have the column 'launched'"),
            ("time_start,time_end,model,launchd,destroyed", "is it 'launchd'?"),
            ("a,b,c", "a header must be of a known format, but got 'a, b, c'"),
            ("date,date", "a column must be there once"),
            ("date,count,colour", "no more, but got 'date, count, colour'"),
            ("Date,Launched", "a plain table must have the columns 'date', 'count' or 'launched'"),
            ("date;count", "cells must be parted by commas, but got ';' in 'date;count'"),
            ("d\0a\0t\0e\0", "a strike table must be UTF-8 text, but got"),
            ('"date,count', "a header must be well-formed CSV"),
            ("", "must start with a header, but got nothing"),
        ],
    )
    def test_a_wrong_header(self, table, header, message):
        assert message in str(refused(table, ["1,2,3"], header))
        assert message in str(refused(table, ["1,2,3"], header, keep_good=True))

    def test_nothing_to_read(self, tmp_path):
        for path, message in (
            (tmp_path, "a strike table must be a readable file"),
            (tmp_path / "none.csv", "No such file"),
            (write(tmp_path / "empty.csv", [], header="", end=""), "but got nothing"),
            (write(tmp_path / "header.csv", []), "a header alone"),
            (
                write(
                    tmp_path / "unknown.csv", [attack("2024-02-01", "2024-02-01", "X-22", "", 0)]
                ),
                "none with a number launched",
            ),
            (write(tmp_path / "bad.csv", ["1,2"], "date,count"), "must be a day"),
        ):
            assert message in str(refused(read_strikes, path))
            assert message in str(refused(read_strikes, path, keep_good=True))

    def test_a_number_given_twice(self, table):
        rows = ["2024-02-01,drone,1,0,0", "2024-02-01,drone,1,0,0"]
        error = refused(table, rows, "date,class,launched,intercepted,lost")
        assert "drone of 2024-02-01 is in row 1 as well" in str(error)
        error = refused(table, ["2024-02-01,1", "2024-02-01,1"], "date,count")
        assert "in order, each once" in str(error)


WHOLE = "\n".join([HEADER, *attacks(12)]) + "\n"
PLAIN = "date,launched,destroyed\n" + "".join(
    f"2024-01-{d:02},{d},{d // 2}\n" for d in range(1, 20)
)


@given(
    whole=st.sampled_from([WHOLE, PLAIN]),
    cut=st.floats(0.0, 1.0),
    changes=st.lists(st.tuples(st.floats(0.0, 1.0), st.binary(min_size=0, max_size=3)), max_size=4),
    keep_good=st.booleans(),
)
def test_whatever_happens_to_a_file_it_is_read_or_refused(
    tmp_path_factory, whole, cut, changes, keep_good
):
    raw = bytearray(whole.encode()[: int(cut * len(whole.encode()))])
    for place, junk in changes:
        at = int(place * len(raw))
        raw[at : at + len(junk)] = junk
    path = tmp_path_factory.mktemp("fuzz") / "table.csv"
    path.write_bytes(bytes(raw))
    try:
        found = read_strikes(path, keep_good=keep_good)
    except InvalidInputError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)
        return
    assert keep_good or not found.problems
    for outcome in OUTCOMES:
        assert (found.daily(outcome).fillna(0.0) >= 0.0).all().all()
    assert found.daily().shape[0] == (found.last - found.first).days + 1


class TestRealTables:
    """What the rules make of the table as it is, against its cleaned forms."""

    @pytest.mark.parametrize("name", ["ru_to_ua_events.csv", "ru_to_ua_daily.csv"])
    def test_the_rules_give_the_cleaned_table(self, name):
        ours, theirs = read_strikes(real(RAW)), read_strikes(real(name))
        for outcome in ("launched", "intercepted", "lost", "neutralised"):
            one, other = (t.daily(outcome, by="category") for t in (ours, theirs))
            days = one.index.intersection(other.index)
            assert len(days) > 1000
            names = list(one)
            pd.testing.assert_frame_equal(
                one.loc[days], other[names].loc[days], check_names=False, check_freq=False
            )

    def test_an_overnight_strike_is_one_day(self):
        day = read_strikes(real(RAW)).daily(by="category").loc["2025-01-15"]
        # Drones since the evening before, missiles in the morning; not those of the next evening.
        assert day.drop("drone").sum() == 43
        assert day["drone"] == 74

    def test_every_format_is_known_by_its_header(self):
        forms = [read_strikes(real(name)).form for name in (
            RAW, "ru_to_ua_events.csv", "ru_to_ua_daily.csv", "ua_to_ru_daily.csv"
        )]  # fmt: skip
        assert forms == list(FORMATS)[:4]

    def test_every_model_is_known(self):
        assert not any("nobody knows" in note for note in read_strikes(real(RAW)).notes)
