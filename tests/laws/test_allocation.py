"""Who launches what at whom: tables, a claim-by-claim oracle and exact distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from escalate.laws import allocation
from escalate.laws.allocation import allocate, spread, wanted_size
from escalate.rules import CATEGORIES
from escalate.scenario import POLICIES
from tests.naive import assert_mean, assert_share, one_by_one, runs, systematic, webster

DRONE, CRUISE, BALLISTIC, HYPERSONIC, DECOY, ARTILLERY = range(len(CATEGORIES))


def counts(policy, wanted, spare, weights=None, costs=None, categories=None):
    """Ask a policy, by name, what it launches."""
    n = len(spare)
    out = [0] * n
    allocate(
        POLICIES.index(policy), wanted, spare, weights or [1.0] * n, costs or [0.0] * n,
        categories or [DRONE] * n, out,
    )  # fmt: skip
    return out


@pytest.mark.parametrize(
    ("wanted", "spare", "weights", "expected"),
    [
        (0, [5, 5], [1.0, 1.0], [0, 0]),
        (10, [60, 30, 10], [1.0, 1.0, 1.0], [6, 3, 1]),
        (10, [50, 50], [3.0, 1.0], [8, 2]),  # claims of 7.5 and 2.5: the first of equals
        (10, [50, 0], [1.0, 1.0], [10, 0]),
        (10, [50, 50], [1.0, 0.0], [10, 0]),
        (10, [4, 3], [1.0, 1.0], [4, 3]),  # no more than there is
        (10, [4, 50], [100.0, 1.0], [4, 6]),  # what one lacks the others make up
        (3, [5, 5], [0.0, 0.0], [0, 0]),
        (1, [1, 1], [5e-324, 5e-324], [1, 0]),  # however small the weight
        (2, [1, 1], [5e-324, 5e-324], [1, 1]),
        (3, [3, 0], [5e-324, 1.0], [3, 0]),
        (3, [], [], []),
    ],
)
def test_in_proportion_to_what_is_to_spare(wanted, spare, weights, expected):
    assert counts("proportional", wanted, spare, weights) == expected


@pytest.mark.parametrize(
    ("wanted", "spare", "expected"),
    [
        # Claims in order: 53, 24, 23, 53/3, 53/5, 24/3, 23/3, before 53/7. The largest
        # remainder would give 4, 2, 1 and the largest average, with divisors 1, 2, 3, so too.
        (7, [53, 24, 23], [3, 2, 2]),
        # The divisor 5.06 rounds 10.47, 6.52, 1.98 and 0.79 to as many as wanted.
        (20, [53, 33, 10, 4], [10, 7, 2, 1]),
    ],
)
def test_counts_are_rounded_as_webster_does(wanted, spare, expected):
    assert counts("proportional", wanted, spare) == expected


@pytest.mark.parametrize(
    ("wanted", "spare", "weights", "costs", "expected"),
    [
        (5, [3, 9, 9], [1.0, 1.0, 1.0], [30.0, 10.0, 20.0], [0, 5, 0]),
        (12, [3, 9, 9], [1.0, 1.0, 1.0], [30.0, 10.0, 20.0], [0, 9, 3]),
        (12, [3, 9, 9], [1.0, 0.0, 1.0], [30.0, 10.0, 20.0], [3, 0, 9]),
        (99, [3, 9, 9], [1.0, 1.0, 1.0], [30.0, 10.0, 20.0], [3, 9, 9]),
        (4, [3, 9], [1.0, 1.0], [10.0, 10.0], [3, 1]),  # the first of equals
    ],
)
def test_the_cheapest_first(wanted, spare, weights, costs, expected):
    assert counts("cheapest_first", wanted, spare, weights, costs) == expected


@pytest.mark.parametrize(
    ("wanted", "spare", "categories", "expected"),
    [
        (8, [20, 20, 20], [CRUISE, DRONE, DECOY], [0, 4, 4]),
        (50, [20, 20, 20], [CRUISE, DRONE, DECOY], [10, 20, 20]),
        (99, [20, 20, 20], [CRUISE, DRONE, DECOY], [20, 20, 20]),
        (6, [20, 10, 0], [CRUISE, BALLISTIC, DRONE], [4, 2, 0]),
    ],
)
def test_drones_and_decoys_first(wanted, spare, categories, expected):
    assert counts("drones_and_decoys_first", wanted, spare, categories=categories) == expected


@pytest.mark.parametrize(
    ("wanted", "spare", "categories", "expected"),
    [
        (9, [90, 9, 30], [DRONE, CRUISE, BALLISTIC], [3, 3, 3]),
        (9, [90, 1, 30], [DRONE, CRUISE, BALLISTIC], [4, 1, 4]),
        (8, [60, 20, 40], [DRONE, DRONE, CRUISE], [3, 1, 4]),
        (4, [60, 0, 0], [DRONE, HYPERSONIC, ARTILLERY], [4, 0, 0]),
        (3, [3, 300], [DRONE, CRUISE], [2, 1]),  # the first of equals, however few there are
    ],
)
def test_an_equal_share_per_category(wanted, spare, categories, expected):
    assert counts("equal_share", wanted, spare, categories=categories) == expected


def test_policies_are_numbered_as_scenarios_name_them():
    arsenal = (7, [5, 6, 7, 8], [1.0, 2.0, 1.0, 0.5], [4.0, 3.0, 2.0, 1.0], [1, 0, 2, 4])
    for number, name in enumerate(POLICIES):
        by_number, by_name = [0] * 4, [0] * 4
        allocate(number, *arsenal, by_number)
        getattr(allocation, name)(*arsenal, by_name)
        assert by_number == by_name != [0] * 4


weapons = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from([0.0, 1e-300, 0.25, 1.0, 3.0]),
        st.sampled_from([0.0, 1.0, 2.0, 5.0]),
        st.integers(0, 5),
    ),
    max_size=6,
).map(lambda rows: [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []])


@given(st.sampled_from(POLICIES), st.integers(0, 120), weapons)
def test_as_many_as_wanted_if_they_are_there_and_never_more(policy, wanted, arsenal):
    spare, weights, costs, categories = arsenal
    out = counts(policy, wanted, spare, weights, costs, categories)
    usable = sum(s for s, weight in zip(spare, weights, strict=True) if weight > 0.0)
    assert sum(out) == min(wanted, usable)
    assert all(0 <= n <= s for n, s in zip(out, spare, strict=True))
    assert all(n == 0 for n, weight in zip(out, weights, strict=True) if weight == 0.0)


@pytest.mark.parametrize("policy", ["proportional", "equal_share"])
@pytest.mark.parametrize("weights", [[5e-324, 5e-324], [1e300, 5e-324], [5e-324, 1.0]])
def test_a_weight_hardly_above_zero_is_one_above_zero(policy, weights):
    out = counts(policy, 40, [30, 20], weights, categories=[DRONE, DRONE])
    assert sum(out) == 40


@given(st.integers(0, 120), weapons)
def test_the_proportional_policy_claim_by_claim(wanted, arsenal):
    spare, weights, _, _ = arsenal
    shares = [s * weight for s, weight in zip(spare, weights, strict=True)]
    assert counts("proportional", wanted, spare, weights) == webster(wanted, spare, shares)


@given(st.integers(0, 120), weapons)
def test_the_cheapest_policy_weapon_by_weapon(wanted, arsenal):
    spare, weights, costs, _ = arsenal
    got = counts("cheapest_first", wanted, spare, weights, costs)
    assert got == one_by_one(wanted, spare, weights, costs)


@given(st.integers(0, 60), weapons)
def test_the_exhausting_policy_claim_by_claim(wanted, arsenal):
    spare, weights, _, categories = arsenal
    parts = [
        [
            s * weight * ((c in (DRONE, DECOY)) is cheap)
            for s, weight, c in zip(spare, weights, categories, strict=True)
        ]
        for cheap in (True, False)
    ]
    first = webster(wanted, spare, parts[0])
    rest = webster(wanted - sum(first), spare, parts[1])
    got = counts("drones_and_decoys_first", wanted, spare, weights, categories=categories)
    assert got == [a + b for a, b in zip(first, rest, strict=True)]


@given(st.integers(0, 60), st.lists(st.integers(61, 90), min_size=6, max_size=6))
def test_equal_shares_differ_by_one_while_no_category_runs_out(wanted, spare):
    out = counts("equal_share", wanted, spare, categories=list(range(6)))
    assert max(out) - min(out) <= 1


@given(st.integers(0, 80), weapons)
def test_one_more_wanted_takes_nothing_from_any_weapon(wanted, arsenal):
    spare, weights, costs, categories = arsenal
    for policy in POLICIES:
        fewer = counts(policy, wanted, spare, weights, costs, categories)
        more = counts(policy, wanted + 1, spare, weights, costs, categories)
        assert all(a <= b for a, b in zip(fewer, more, strict=True))


# ---------------------------------------------------------------------- over targets


def aimed(count, weights, u):
    out = [0] * len(weights)
    spread(count, weights, u, out)
    return out


@pytest.mark.parametrize(
    ("count", "weights", "u", "expected"),
    [
        (0, [1.0, 1.0], 0.5, [0, 0]),
        (4, [1.0, 1.0], 0.9, [2, 2]),
        (3, [1.0, 1.0], 0.4, [1, 2]),
        (3, [1.0, 1.0], 0.6, [2, 1]),
        (1, [1.0, 3.0], 0.8, [1, 0]),
        (1, [1.0, 3.0], 0.7, [0, 1]),
        (5, [2.0], 0.3, [5]),
        (5, [0.0, 2.0, 0.0], 0.999999, [0, 5, 0]),
        (2, [1.0, 0.0, 1.0], 0.2, [1, 0, 1]),
    ],
)
def test_weapons_over_targets(count, weights, u, expected):
    assert aimed(count, weights, u) == expected


# Steps of 1/2048 and totals below it keep the two from meeting a tie from different sides.
grid_draw = st.integers(0, 1023).map(lambda n: (2 * n + 1) / 2048)
small_weights = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=8).filter(sum)


@given(st.integers(0, 60), small_weights, grid_draw)
def test_weapons_laid_along_a_line_of_targets(count, weights, u):
    assert aimed(count, weights, u) == systematic(count, weights, u)


@given(
    st.integers(0, 10**6),
    st.lists(st.floats(0.0, 1e6), min_size=1, max_size=8).filter(lambda w: sum(w) > 0.0),
    st.floats(2.0**-53, 1.0 - 2.0**-53),
)
def test_all_find_a_target_and_none_is_a_whole_weapon_off(count, weights, u):
    out = aimed(count, weights, u)
    assert sum(out) == count
    total = math.fsum(weights)
    for n, weight in zip(out, weights, strict=True):
        assert abs(n - count * weight / total) < 1.0 + 1e-6
        assert weight > 0.0 or n == 0


@pytest.mark.parametrize(("count", "weights"), [(3, [1, 1, 2]), (7, [5, 1, 3, 2]), (1, [3, 4])])
def test_the_mean_over_all_draws_is_exact(count, weights):
    draws = [(2 * k + 1) / 8448 for k in range(4224)]  # divisible by every total here
    mean = np.mean([aimed(count, [float(w) for w in weights], u) for u in draws], axis=0)
    assert mean == pytest.approx(count * np.array(weights) / sum(weights), abs=1.0 / 4224)


# ---------------------------------------------------------------------- sizes


@pytest.mark.parametrize("mean", [0.0, 1.0, 37.0, 1e9, 1e30])
def test_a_whole_size_without_dispersion_is_its_mean(mean):
    assert {wanted_size(1, 2, stream, mean, 0.0) for stream in range(20)} == {int(min(mean, 1e9))}


@pytest.mark.parametrize("mean", [0.3, 1.5, 12.9])
def test_a_fraction_of_a_size_is_rounded_up_with_that_chance(mean):
    sizes = np.array([wanted_size(8, 2, 4 * run, mean, 0.0) for run in range(runs(6_000))])
    whole, rest = divmod(mean, 1.0)
    assert set(sizes.tolist()) == {int(whole), int(whole) + 1}
    assert_share(sizes == whole + 1, rest)


@pytest.mark.parametrize(("mean", "k"), [(30.0, 4.0), (6.0, 0.8), (1.5, 0.3), (700.0, 50.0)])
def test_a_dispersed_size_is_negative_binomial(mean, k):
    law = stats.nbinom(k, k / (k + mean))
    sizes = np.array([wanted_size(8, 0, 4 * run, mean, k) for run in range(runs(6_000))])
    edges = np.unique([0, *law.ppf([0.2, 0.4, 0.6, 0.8]).astype(int) + 1, 10**9])
    probs = np.diff([0.0, *law.cdf(edges[1:-1] - 1), 1.0])
    seen = np.histogram(sizes, edges)[0]
    assert stats.chisquare(seen, probs * len(sizes)).pvalue > 1e-4  # the test's level
    assert_mean(sizes, mean, law.var())


def test_a_huge_dispersed_size_keeps_the_scatter_of_its_gamma():
    sizes = np.array([wanted_size(8, 1, 4 * run, 4e7, 2.0) for run in range(runs(3_000))])
    assert_mean(sizes / 4e7, 1.0, 0.5)
    assert stats.kstest(sizes / 2e7, stats.gamma(2.0).cdf).pvalue > 1e-4  # the test's level
