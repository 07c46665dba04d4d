"""Waves and flight: hand arithmetic, and hours counted one at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escalate.laws.flight import (
    alert_added_hours,
    entry_hours,
    flight_hours,
    wave_count,
    wave_offset_hours,
    window_left_hours,
)
from tests.naive import hours_covered

hours = st.floats(0.0, 1e5)


@pytest.mark.parametrize(
    ("depth_km", "speed_km_per_hour", "expected"),
    [
        (0.0, 800.0, 0.0),
        (800.0, 800.0, 1.0),
        (450.0, 180.0, 2.5),
        (100.0, 7200.0, 1.0 / 72.0),
    ],
)
def test_flight_takes_distance_over_speed(depth_km, speed_km_per_hour, expected):
    assert flight_hours(depth_km, speed_km_per_hour) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("waves", "duration_hours", "expected"),
    [
        (1, 6.0, [0.0]),  # one wave leaves at once, however long the strike is meant to be
        (2, 6.0, [0.0, 6.0]),
        (4, 6.0, [0.0, 2.0, 4.0, 6.0]),
        (3, 0.0, [0.0, 0.0, 0.0]),
    ],
)
def test_waves_leave_evenly_spaced(waves, duration_hours, expected):
    assert [wave_offset_hours(w, waves, duration_hours) for w in range(waves)] == expected


@pytest.mark.parametrize(
    ("count", "waves", "expected"),
    [
        (0, 3, [0, 0, 0]),
        (2, 3, [0, 1, 1]),
        (6, 3, [2, 2, 2]),
        (7, 3, [2, 2, 3]),
        (10, 4, [2, 3, 2, 3]),
        (5, 1, [5]),
    ],
)
def test_counts_of_waves(count, waves, expected):
    assert [wave_count(count, w, waves) for w in range(waves)] == expected


@given(st.integers(0, 10**9), st.integers(1, 200))
def test_waves_share_all_weapons_and_differ_by_one_at_most(count, waves):
    counts = [wave_count(count, w, waves) for w in range(waves)]
    assert sum(counts) == count
    assert max(counts) - min(counts) <= 1


@given(st.integers(0, 500), st.integers(1, 40))
def test_no_stretch_of_waves_is_a_whole_weapon_ahead(count, waves):
    left = 0
    for w in range(waves):
        left += wave_count(count, w, waves)
        assert 0 <= (w + 1) * count - left * waves < waves


@pytest.mark.parametrize(
    ("depart_hours", "impact_hours", "ahead_hours", "expected"),
    [
        (10.0, 14.0, 1.0, 13.0),
        (10.0, 14.0, 4.0, 10.0),
        (10.0, 14.0, 9.0, 10.0),  # launched inside the layer
        (10.0, 14.0, 0.0, 14.0),
    ],
)
def test_a_weapon_enters_a_layer_no_earlier_than_it_is_launched(
    depart_hours, impact_hours, ahead_hours, expected
):
    assert entry_hours(depart_hours, impact_hours, ahead_hours) == expected


@given(hours, hours, hours, hours)
def test_layers_further_out_are_entered_no_later(depart_hours, flight, ahead_hours, more):
    inner = entry_hours(depart_hours, depart_hours + flight, ahead_hours)
    outer = entry_hours(depart_hours, depart_hours + flight, ahead_hours + more)
    assert depart_hours <= outer <= inner <= depart_hours + flight


@pytest.mark.parametrize(
    ("window_hours", "depart_hours", "impact_hours", "beyond_hours", "expected"),
    [
        (2.0, 10.0, 14.0, 1.0, 2.0),  # from 11 to 13
        (2.0, 11.0, 14.0, 1.0, 2.0),  # launched as the window begins
        (2.0, 12.5, 14.0, 1.0, 0.5),  # launched within it
        (2.0, 13.0, 14.0, 1.0, 0.0),
        (2.0, 13.5, 14.0, 1.0, 0.0),  # launched beyond the layer
        (2.0, 14.0, 14.0, 0.0, 0.0),
        (0.0, 10.0, 14.0, 1.0, 0.0),
    ],
)
def test_a_short_flight_cuts_a_layer_s_window(
    window_hours, depart_hours, impact_hours, beyond_hours, expected
):
    got = window_left_hours(window_hours, depart_hours, impact_hours, beyond_hours)
    assert got == expected


@given(*[st.integers(0, 50).map(float)] * 4)
def test_a_window_lasts_from_one_layer_s_entry_to_the_next_one_s(window, depart, flight, beyond):
    impact = depart + flight
    begin = entry_hours(depart, impact, window + beyond)
    end = entry_hours(depart, impact, beyond)
    assert window_left_hours(window, depart, impact, beyond) == end - begin


@given(hours, hours, hours, hours)
def test_a_long_flight_leaves_a_window_to_the_last_bit(window, depart, flight, beyond):
    left = window_left_hours(window, depart, depart + flight, beyond)
    assert 0.0 <= left <= window + 1e-9
    if depart <= depart + flight - (window + beyond):
        assert left == window


@pytest.mark.parametrize(
    ("alert_until", "start", "end", "expected"),
    [
        (0.0, 5.0, 7.0, 2.0),  # after the last one
        (6.0, 5.0, 7.0, 1.0),  # overlaps it
        (9.0, 5.0, 7.0, 0.0),  # lies inside it
        (5.0, 5.0, 7.0, 2.0),  # touches it
        (0.0, 5.0, 5.0, 0.0),
    ],
)
def test_an_alert_adds_what_is_not_covered_yet(alert_until, start, end, expected):
    assert alert_added_hours(alert_until, start, end) == expected


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=12))
def test_alerts_add_up_to_the_hours_covered(alerts):
    spans = sorted((start, start + length) for start, length in alerts)
    until, total = 0, 0
    for start, end in spans:
        total += alert_added_hours(until, start, end)
        until = max(until, end)
    assert total == hours_covered(spans)
