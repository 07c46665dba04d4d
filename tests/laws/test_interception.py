"""A layer of the defence: queues with closed forms, dated tables, and a layer fought by hand.

The tables copy cases that were evaluated independently of this library, August 2026; where a
number was also published, the publication is named.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from escalate.laws import interception
from escalate.laws.interception import common_kill_prob, engage, may_engage
from escalate.randomness import derive, poisson, uniform
from tests.naive import assert_mean, assert_share, assert_variance, fight, moments, runs


def layer(
    count=1, *, key=1, stream=0, index=0, free=None, channels=None, looks=(1,), now=0.0, kill=1.0,
    track=1.0, window=0.0, cycle=0.0, exponential=False, completed=False, magazine=-1,
):  # fmt: skip
    """Send weapons through a layer; with cycles of no length one channel does for all."""
    free = [0.0] * (1 if channels is None else channels) if free is None else free
    return engage(
        key, 0, 4 * stream, 4 * stream + 1, 4 * stream + 2, index, free, 0, len(free),
        list(looks), 0, len(looks), now, count, kill, track, window, cycle, int(exponential),
        int(completed), magazine,
    )  # fmt: skip


# ---------------------------------------------------------------------- holding back


@pytest.mark.parametrize(
    ("rank", "magazine", "hold_below", "expected"),
    [
        (0, 0, 10, True),  # the most urgent, whatever is left
        (1, 10, 10, True),
        (1, 9, 10, False),
        (1, 0, 0, True),
        (1, 0, 5, False),
        (5, -1, 10, True),  # without limit there is no running short
    ],
)
def test_who_is_engaged_when_interceptors_run_short(rank, magazine, hold_below, expected):
    assert may_engage(rank, magazine, hold_below) is expected


# ---------------------------------------------------------------------- common mode


def shared(run, prob, concentration=0.0, up_prob=1.0):
    return common_kill_prob(12, 0, 16 * run, prob, concentration, up_prob)


def test_without_scatter_the_kill_probability_is_the_mean():
    assert shared(1, 0.7) == 0.7
    assert shared(1, 0.0, 5.0) == 0.0
    assert shared(1, 1.0, 5.0) == 1.0


def test_a_layer_that_never_works_kills_nothing():
    assert all(shared(run, 0.9, 5.0, 0.0) == 0.0 for run in range(100))


def test_a_large_concentration_is_the_limit_of_independent_shots():
    assert all(abs(shared(run, 0.7, 1e8) - 0.7) < 6e-4 for run in range(runs(1000)))


@pytest.mark.parametrize(("prob", "concentration"), [(0.7, 0.2), (0.7, 5.0), (0.05, 1.0)])
def test_the_shared_kill_probability_is_beta(prob, concentration):
    drawn = [shared(run, prob, concentration) for run in range(runs(10_000))]
    # In bins, because a good part of a small concentration lies closer to 1 than doubles can.
    law = stats.beta(prob * concentration, (1.0 - prob) * concentration)
    edges = np.array([0.0, 0.01, 0.1, 0.3, 0.6, 0.9, 0.99, 1.0])
    expected = np.diff(law.cdf(edges)) * len(drawn)
    assert stats.chisquare(np.histogram(drawn, edges)[0], expected).pvalue > 1e-4
    assert_mean(drawn, prob, prob * (1.0 - prob) / (concentration + 1.0))


def test_being_down_and_scatter_are_drawn_apart():
    drawn = np.array([shared(run, 0.6, 4.0, 0.8) for run in range(runs(10_000))])
    assert_share(drawn == 0.0, 0.2)
    assert_mean(drawn[drawn > 0.0], 0.6, 0.24 / 5.0)


# Three layers, each up or down for a whole raid of 40; the product rule given which are up
# (Wilkening, Science & Global Security 8:183-215, 1999), mixed over the 2^3 states.
RAIDS = {
    "count": 40,
    "kill": (0.6, 0.5, 0.7),
    "up": (0.95, 0.9, 0.98),
    "mean": 2.970440000000001,
    "variance": 5.2281210064,
    "none": 0.07114764670803786,
    "independent_variance": 2.7498521551600006,
    "independent_none": 0.045660683864755615,
}


def leakers(raid, per_weapon):
    """Send a raid through three layers whose failures are common to it, or each weapon's own."""
    left = RAIDS["count"]
    for number, (kill, up) in enumerate(zip(RAIDS["kill"], RAIDS["up"], strict=True)):
        stream = derive(12, 1, raid, number)
        if per_weapon:
            kill, up = kill * up, 1.0
        prob = common_kill_prob(12, 1, stream, kill, 0.0, up)
        left -= engage(
            12, 1, stream ^ 4, stream ^ 5, stream ^ 6, 0, [0.0], 0, 1, [1], 0, 1, 0.0, left, prob,
            1.0, 0.0, 0.0, 0, 0, -1,
        )[0]  # fmt: skip
    return left


def test_layers_that_fail_for_a_whole_raid():
    values = np.arange(RAIDS["count"] + 1)
    probs = np.zeros(len(values))
    for state in range(8):
        chance, leak = 1.0, 1.0
        for number, (kill, up) in enumerate(zip(RAIDS["kill"], RAIDS["up"], strict=True)):
            works = state >> number & 1
            chance *= up if works else 1.0 - up
            leak *= 1.0 - kill if works else 1.0
        probs += chance * stats.binom.pmf(values, RAIDS["count"], leak)
    mean, variance, fourth = moments(values, probs)
    assert (mean, variance, probs[0]) == pytest.approx(
        (RAIDS["mean"], RAIDS["variance"], RAIDS["none"]), abs=1e-6
    )
    left = np.array([leakers(raid, False) for raid in range(runs(8_000))])
    assert_mean(left, mean, variance)
    assert_variance(left, mean, variance, fourth)
    assert_share(left == 0, probs[0])


def test_layers_that_fail_weapon_by_weapon_leak_as_much_with_less_scatter():
    mean, variance = RAIDS["mean"], RAIDS["independent_variance"]
    _, _, fourth = moments(np.arange(41), stats.binom.pmf(np.arange(41), 40, mean / 40.0))
    left = np.array([leakers(raid, True) for raid in range(runs(4_000))])
    assert_mean(left, mean, variance)
    assert_variance(left, mean, variance, fourth)
    assert_share(left == 0, RAIDS["independent_none"])


# A kill probability Beta(8, 2) common to a barrage of n: P(kill) = 1 - E[(1 - P)^n].
BARRAGES = {1: 0.8, 2: 0.9454545454545457, 3: 0.9818181818181818, 4: 0.993006993006993}


@pytest.mark.parametrize(("shots", "expected"), BARRAGES.items())
def test_more_shots_help_less_when_they_share_their_kill_probability(shots, expected):
    killed = [
        layer(stream=run, looks=[shots], kill=shared(run, 0.8, 10.0))[0]
        for run in range(runs(12_000))
    ]
    assert_share(killed, expected)


def test_kills_of_a_raid_are_beta_binomial():
    n, a, b = 20, 4.0, 2.0
    law = stats.betabinom(n, a, b)
    mean, variance, fourth = moments(range(n + 1), law.pmf(range(n + 1)))
    killed = [layer(n, stream=r, kill=shared(r, a / 6.0, 6.0))[0] for r in range(runs(8_000))]
    assert_mean(killed, mean, variance)
    assert_variance(killed, mean, variance, fourth)


# ---------------------------------------------------------------------- doctrine and magazine


# Shots a weapon for a chance of 0.8 that none of 20 gets through, at a single-shot kill
# probability of 0.8 and tracking of 0.995 a weapon: ln(1 - K/P)/ln(1 - k) = 3.17, so 4, and
# (0.995 (1 - 0.2^4))^20 is achieved. Formulas of Wilkening 1999, as cited above.
BARRAGE_OF_FOUR = {"achieved": 0.8760987519959621, "interceptors": 80}


def test_a_barrage_of_four_achieves_what_was_planned():
    done = [layer(20, stream=r, looks=[4], kill=0.8, track=0.995) for r in range(runs(10_000))]
    assert_share([stopped == 20 for stopped, _, _ in done], BARRAGE_OF_FOUR["achieved"])
    assert {spent for _, spent, _ in done} == {BARRAGE_OF_FOUR["interceptors"]}


# One weapon at a single-shot kill probability of 0.7 (q = 0.3): four shots in whatever order
# kill with 1 - q^4, five with 1 - q^5, given as 0.998 by Atkinson and Kress, Operations
# Research 73:1767-1784, 2025. They differ in the shots they take.
DOCTRINES = [
    ((4,), 0.9919, 4.0),  # salvo
    ((1, 1, 1, 1), 0.9919, 1.417),  # shoot, look, shoot: (1 - q^4) / p
    ((2, 2), 0.9919, 2.18),  # two, look, two: 2 + 2 q^2
    ((1, 3), 0.9919, 1.9),  # one, look, three: 1 + 3 q
    ((1, 1, 1, 1, 1), 0.99757, 1.4251),
]


@pytest.mark.parametrize(("looks", "killed", "shots"), DOCTRINES)
def test_doctrines_of_equal_shots_kill_alike_and_spend_differently(looks, killed, shots):
    reached, mean, square = 1.0, 0.0, 0.0
    for look, fired in enumerate(looks):
        stop = 1.0 - 0.3**fired if look < len(looks) - 1 else 1.0
        total = sum(looks[: look + 1])
        mean += reached * stop * total
        square += reached * stop * total**2
        reached *= 1.0 - stop
    assert mean == pytest.approx(shots, abs=1e-9)
    done = [layer(stream=r, looks=looks, kill=0.7) for r in range(runs(20_000))]
    assert_share([stopped for stopped, _, _ in done], killed)
    if len(looks) == 1:
        assert {spent for _, spent, _ in done} == {shots}
    else:
        assert_mean([spent for _, spent, _ in done], shots, square - mean**2)


# A Poisson raid of mean 20 against 30 interceptors, two a weapon, kill probability 0.75.
EMPTIED = {
    "leakers": 6.172260685096653,
    "used": 29.499177205126987,
    "empty": 0.8951357188920153,
    "none": 0.06632101201643034,
}


def test_a_magazine_that_runs_empty():
    left, used = [], []
    for run in range(runs(10_000)):
        raid = poisson(16, 0, 4 * run + 3, 0, 20.0)
        stopped, spent, unengaged = layer(
            raid, key=16, stream=run, looks=[2], kill=0.75, magazine=30
        )
        assert unengaged == max(raid - 15, 0)
        left.append(raid - stopped)
        used.append(spent)
    left, used = np.array(left), np.array(used)
    assert_mean(left, EMPTIED["leakers"])
    assert_mean(used, EMPTIED["used"])
    assert_share(used == 30, EMPTIED["empty"])
    assert_share(left == 0, EMPTIED["none"])


@pytest.mark.parametrize(
    ("count", "looks", "magazine", "kill", "expected"),
    [
        (5, (2,), -1, 1.0, (5, 10, 0)),
        (5, (2,), 10, 1.0, (5, 10, 0)),
        (5, (2,), 5, 1.0, (3, 5, 2)),  # the third gets the one that is left
        (5, (2,), 0, 1.0, (0, 0, 5)),
        (3, (1, 1), 4, 0.0, (0, 4, 1)),  # two looks at each of two, none for the third
        (3, (1, 2), 4, 0.0, (0, 4, 1)),  # the second look at the second is cut off
        (0, (1,), 4, 1.0, (0, 0, 0)),
    ],
)
def test_the_last_shots_of_a_magazine(count, looks, magazine, kill, expected):
    assert layer(count, looks=looks, magazine=magazine, kill=kill) == expected


def test_shots_at_a_weapon_that_is_not_tracked_are_wasted():
    assert layer(6, looks=[1, 1], kill=1.0, track=0.0) == (0, 12, 0)


def test_a_certain_shot_kills_at_once_and_a_hopeless_one_never():
    assert layer(50, looks=[1, 1], kill=1.0) == (50, 50, 0)
    assert layer(50, looks=[1, 1], kill=0.0) == (0, 100, 0)


# ---------------------------------------------------------------------- channels


# Sixty weapons at once, six channels, cycles of 8 min, 30 min in the layer, kill probability
# 0.8. Fixed cycles, completed in time: 6 * floor(30 / 8). Exponential cycles, begun in time:
# min(60, 6 + Poisson(6 * 30 / 8)).
BURST = {"fixed": 18, "fixed_leak": 45.6, "begun": 28.499999991458836, "begun_leak": 37.2}
MINUTES = 1.0 / 60.0


def burst(run, kill, **how):
    return layer(
        60, key=20, stream=run, channels=6, kill=kill, window=30 * MINUTES, cycle=8 * MINUTES, **how
    )


def test_a_burst_against_fixed_cycles_meets_a_sharp_capacity():
    done = [burst(run, 0.8, completed=True) for run in range(runs(3_000))]
    assert {60 - unengaged for _, _, unengaged in done} == {BURST["fixed"]}
    assert_mean([60 - stopped for stopped, _, _ in done], BURST["fixed_leak"], 18 * 0.8 * 0.2)


def test_a_burst_against_exponential_cycles_meets_a_poisson_capacity():
    begun = np.minimum(60, 6 + np.arange(200))
    mean, variance, fourth = moments(begun, stats.poisson.pmf(np.arange(200), 22.5))
    assert mean == pytest.approx(BURST["begun"], abs=1e-8)
    done = [burst(run, 0.8, exponential=True) for run in range(runs(3_000))]
    engaged = [60 - unengaged for _, _, unengaged in done]
    assert_mean(engaged, mean, variance)
    assert_variance(engaged, mean, variance, fourth)
    assert_mean([60 - s for s, _, _ in done], BURST["begun_leak"], 0.16 * mean + 0.64 * variance)


@pytest.mark.parametrize(("completed", "engaged"), [(False, 4), (True, 3)])
@given(now=st.floats(0.0, 1e4))
def test_whole_cycles_fit_a_window_whenever_it_begins(now, completed, engaged):
    # Three cycles of ten minutes in half an hour; a fourth may begin as the window ends.
    _, _, unengaged = layer(
        10, now=now, channels=1, window=0.5, cycle=1.0 / 6.0, completed=completed
    )
    assert 10 - unengaged == engaged


def stream_of_raids(rate, arrivals, key, **how):
    """Give for each of many weapons that arrive singly whether it was engaged."""
    free = [0.0] * how.pop("channels")
    windows = how.pop("windows", None)
    at, engaged = 0.0, []
    for i in range(arrivals):
        at -= math.log(uniform(key, 1, 7, i)) / rate
        window = windows(i) if windows else how["window"]
        _, _, unengaged = layer(
            key=key, stream=1, index=i, free=free, now=at, **{**how, "window": window}
        )
        engaged.append(1 - unengaged)
    return np.array(engaged)


def assert_lost(engaged, expected):
    """Compare a long run's lost share by the means of 60 stretches, the first one left out.

    With so few stretches four standard errors are overstepped in 2e-4 of all cases.
    """
    stretches = np.array_split(1.0 - engaged, 61)[1:]
    assert_mean([stretch.mean() for stretch in stretches], expected)


def erlang_b(load, channels):
    blocked = 1.0
    for c in range(1, channels + 1):
        blocked = load * blocked / (c + load * blocked)
    return blocked


# Erlang's loss formula: B(0) = 1, B(c) = a B / (c + a B). The values for one Erlang and for
# ten are those of the test suite of pyworkforce (test_erlang_b.py at ca48925).
ERLANG_LOSS = [
    (8.0, 2.0, 6, 0.11716247139588101),
    (1.0, 1.0, 1, 0.5),
    (1.0, 1.0, 2, 0.2),
    (10.0, 1.0, 17, 0.012948875224726571),
]


@pytest.mark.parametrize("exponential", [True, False], ids=["exponential", "fixed"])
@pytest.mark.parametrize(("rate", "ended_rate", "channels", "lost"), ERLANG_LOSS)
def test_without_a_window_the_layer_is_an_erlang_loss_system(
    rate, ended_rate, channels, lost, exponential
):
    # The formula holds whatever the cycle's distribution of that mean.
    assert erlang_b(rate / ended_rate, channels) == pytest.approx(lost, abs=1e-9)
    engaged = stream_of_raids(
        rate, runs(30_000), 17, channels=channels, cycle=1.0 / ended_rate,
        exponential=exponential, window=0.0,
    )  # fmt: skip
    assert_lost(engaged, lost)


def test_leakers_past_a_loss_system_are_those_not_engaged_and_those_missed():
    total_leak = 0.2937299771167048  # B(6, 4) + (1 - B) 0.2, in the case of the first row above
    free, stopped, arrivals, at = [0.0] * 6, [], runs(30_000), 0.0
    for i in range(arrivals):
        at -= math.log(uniform(17, 2, 7, i)) / 8.0
        how = {"kill": 0.8, "cycle": 0.5, "exponential": True}
        stopped.append(layer(key=17, stream=2, index=i, free=free, now=at, **how)[0])
    assert_lost(np.array(stopped), total_leak)


# Thirteen channels, 10/3 arrivals and 1/3 ends a time unit, patience exponential of rate 0.2:
# the share lost of the Erlang A queue, 0.025 in pyworkforce's docs/guide/erlanga.md.
ERLANG_A = {"rate": 10.0 / 3.0, "ended": 1.0 / 3.0, "channels": 13, "lost": 0.02496330363357189}


def test_random_windows_make_it_an_erlang_a_queue():
    engaged = stream_of_raids(
        ERLANG_A["rate"], runs(60_000), 19, channels=13, cycle=1.0 / ERLANG_A["ended"],
        exponential=True, windows=lambda i: -math.log(uniform(19, 2, 8, i)) / 0.2,
    )  # fmt: skip
    assert_lost(engaged, ERLANG_A["lost"])


def lost_with_patience(rate, ended, channels, window):
    """Give the share lost of Poisson arrivals that leave unserved after a fixed window.

    D. Y. Barrer, "Queuing with impatient customers and indifferent clerks", Operations
    Research 5:644-649, 1957. With p(n) = p(0) a^n / n! the chance of n < c in the layer, the
    wait an arrival would have has density r p(c-1) exp(-(c m - r) t) up to the window, since
    all who would wait so long join, and falls off as exp(-c m t) beyond it, where none does.
    """
    load, drain = rate / ended, channels * ended
    below = [load**n / math.factorial(n) for n in range(channels)]
    rise = rate - drain
    up_to = window if rise == 0.0 else math.expm1(rise * window) / rise
    beyond = math.exp(rise * window) / drain
    return rate * below[-1] * beyond / (sum(below) + rate * below[-1] * (up_to + beyond))


@pytest.mark.parametrize(
    ("rate", "channels", "window"),
    [(8.0, 3, 0.3), (8.0, 4, 0.5), (4.0, 3, 0.4), (20.0, 3, 1.0)],
    ids=["overloaded", "critical", "light", "swamped"],
)
def test_a_fixed_window_loses_what_barrer_says(rate, channels, window):
    engaged = stream_of_raids(
        rate, runs(30_000), 57, channels=channels, cycle=0.5, exponential=True, window=window
    )
    assert_lost(engaged, lost_with_patience(rate, 2.0, channels, window))


def test_limits_of_barrer_s_formula():
    assert lost_with_patience(8.0, 2.0, 6, 0.0) == pytest.approx(erlang_b(4.0, 6), rel=1e-12)
    assert lost_with_patience(8.0, 2.0, 3, 60.0) == pytest.approx(0.25, rel=1e-12)  # overload
    assert lost_with_patience(8.0, 2.0, 6, 60.0) < 1e-12


def test_a_layer_without_channels_engages_nothing():
    assert layer(7, free=[], window=9.0) == (0, 0, 7)


def test_channels_outside_the_layer_are_left_alone():
    free = [0.0, 5.0, 0.0, 0.0, 3.0]
    engage(1, 0, 0, 1, 2, 0, free, 2, 2, [1], 0, 1, 10.0, 4, 0.5, 1.0, 2.0, 1.0, 0, 0, -1)
    assert free == [0.0, 5.0, 12.0, 12.0, 3.0]


def test_every_look_of_every_weapon_has_a_draw_of_its_own(monkeypatch):
    taken = []

    def fair(key0, key1, stream, index):
        taken.append((stream, index))
        return 0.5

    def two(key0, key1, stream, block):
        return tuple(fair(key0, key1, stream, 2 * block + bit) for bit in (0, 1))

    monkeypatch.setattr(interception, "uniform", fair)
    monkeypatch.setattr(interception, "uniforms", two)
    layer(3, stream=5, index=100, looks=[1, 1], kill=0.0, track=0.9, cycle=1.0, exponential=True,
          window=99.0)  # fmt: skip
    looks = [(stream, i) for i in range(100, 106) for stream in (20, 21)]
    assert sorted(taken) == sorted([*looks, (22, 100), (22, 102), (22, 104)])


@pytest.mark.parametrize("first", [100, 101])
def test_a_look_s_draw_is_that_of_its_number(first, monkeypatch):
    def numbered(key0, key1, stream, block):
        return 2.0 * block, 2.0 * block + 1.0

    monkeypatch.setattr(interception, "uniforms", numbered)
    for weapons in range(1, 6):
        # A miss is certain, but for a draw that is its number.
        stopped, _, _ = layer(weapons, index=first, kill=-(first + 2.5))
        assert stopped == max(weapons - 4, 0), weapons


def test_looks_are_read_from_the_layer_s_own_place():
    got = engage(
        1, 0, 0, 1, 2, 0, [0.0], 0, 1, [9, 2, 3, 9], 1, 2, 0.0, 2, 0.0, 1.0, 0, 0, 0, 0, -1
    )
    assert got == (0, 10, 0)


# ---------------------------------------------------------------------- against the dumb layer

raids_strategy = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 6), st.integers(0, 12)), max_size=6
)


def both(raids, channels, looks, cycle, kill, track, *, exponential, completed, magazine):
    """Fight raids once by the law and once moment by moment, on the same draws."""
    raids = sorted(raids, key=lambda raid: raid[0])
    streams = (101, 102, 103)
    looks = list(looks)

    def drawn_cycle(i, look):
        if not exponential:
            return cycle
        return -cycle * math.log(uniform(5, 6, streams[1], i * len(looks) + look))

    naive = fight(
        raids, channels, looks, drawn_cycle,
        lambda i, look, shots: (
            uniform(5, 6, streams[0], i * len(looks) + look) >= (1.0 - kill) ** shots
        ),
        lambda i: uniform(5, 6, streams[2], i * len(looks)) < track,
        completed=completed, magazine=None if magazine < 0 else magazine,
    )  # fmt: skip
    free, first, got = [0.0] * channels, 0, []
    for now, count, window in raids:
        totals = engage(
            5, 6, *streams, first * len(looks), free, 0, channels, looks, 0, len(looks),
            float(now), count, kill, track, float(window), cycle, int(exponential),
            int(completed), magazine,
        )  # fmt: skip
        if magazine >= 0:
            magazine -= totals[1]
        got.append(totals)
        first += count
    return got, naive


@given(
    raids_strategy, st.integers(0, 4), st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(0, 9), st.sampled_from([0.0, 0.4, 0.9, 1.0]), st.sampled_from([1.0, 0.6]),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_a_layer_fought_moment_by_moment(
    raids, channels, looks, cycle, kill, track, exponential, completed
):
    got, naive = both(
        raids, channels, looks, float(cycle), kill, track, exponential=exponential,
        completed=completed, magazine=-1,
    )  # fmt: skip
    assert got == naive


@given(
    raids_strategy, st.integers(1, 4), st.integers(1, 3), st.integers(0, 9),
    st.sampled_from([0.0, 0.4, 1.0]), st.booleans(), st.integers(0, 20),
)  # fmt: skip
def test_a_magazine_fought_moment_by_moment(
    raids, channels, shots, cycle, kill, completed, magazine
):
    # With one look and fixed cycles shots are fired in the order in which weapons arrive, so
    # setting them aside in that order is no approximation.
    got, naive = both(
        raids, channels, [shots], float(cycle), kill, 1.0, exponential=False,
        completed=completed, magazine=magazine,
    )  # fmt: skip
    assert got == naive


# ---------------------------------------------------------------------- what must always hold

anything = {
    "channels": st.integers(0, 4),
    "looks": st.lists(st.integers(1, 3), min_size=1, max_size=3),
    "now": st.floats(0.0, 1e3),
    "kill": st.floats(0.0, 1.0),
    "track": st.floats(0.0, 1.0),
    "window": st.floats(0.0, 10.0),
    "cycle": st.floats(0.0, 5.0),
    "exponential": st.booleans(),
    "completed": st.booleans(),
}


@given(st.integers(0, 30), st.integers(-1, 40), st.fixed_dictionaries(anything))
def test_no_more_is_stopped_or_spent_than_there_is(count, magazine, how):
    stopped, spent, unengaged = layer(count, magazine=magazine, **how)
    assert 0 <= stopped <= count - unengaged <= count
    assert count - unengaged <= spent <= (count - unengaged) * sum(how["looks"])
    assert magazine < 0 or spent <= magazine


@given(st.integers(0, 12), st.integers(0, 12), st.fixed_dictionaries(anything))
def test_weapons_that_arrive_together_may_be_sent_in_any_portions(first, second, how):
    channels = how.pop("channels")
    together, apart = [0.0] * channels, [0.0] * channels
    whole = layer(first + second, free=together, magazine=20, **how)
    one = layer(first, free=apart, magazine=20, **how)
    two = layer(second, free=apart, index=first * len(how["looks"]), magazine=20 - one[1], **how)
    assert tuple(a + b for a, b in zip(one, two, strict=True)) == whole
    assert apart == together


@given(st.integers(0, 40), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.integers(1, 4))
def test_a_better_shot_stops_no_fewer_on_the_same_draws(count, kill, other, looks):
    low, high = sorted((kill, other))
    worse = layer(count, kill=low, looks=[1] * looks)
    better = layer(count, kill=high, looks=[1] * looks)
    assert worse[0] <= better[0]
    assert worse[1] >= better[1]


@given(st.integers(0, 20), st.integers(0, 20), st.floats(0.0, 1.0))
def test_what_becomes_of_a_weapon_does_not_depend_on_those_after_it(count, more, kill):
    alone = layer(count, kill=kill)[0]
    assert alone <= layer(count + more, kill=kill)[0] <= alone + more


@given(st.integers(1, 30), st.integers(0, 4), st.floats(0.0, 5.0), st.floats(0.01, 2.0))
def test_a_longer_window_engages_no_fewer(count, channels, window, cycle):
    short = layer(count, channels=channels, window=window, cycle=cycle)
    long = layer(count, channels=channels, window=window + 1.0, cycle=cycle)
    assert long[2] <= short[2]
