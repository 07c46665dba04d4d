"""Fits of strike series: what was put in is found, and where nothing is, nothing is said."""

import numpy as np
import pytest

from escalate.errors import EscalateError
from escalate.series import (
    FALSE_ALARM,
    calibrate_series,
    fit_excitation,
    fit_interception,
    fit_massing,
    fit_sizes,
    fit_tempo,
)
from escalate.strikes import read_strikes
from tests.strike_tables import attacks, real, write


def on(when, days, size=50.0):
    out = np.zeros(days)
    out[np.asarray(when)] = size
    return out


class TestTempo:
    def test_the_wait_and_its_interval(self):
        """The interval of 95% holds the truth in most of 100 memoryless series; seed fixed.

        Fewer than 88 of 100 would have a chance below 0.4%.
        """
        rng = np.random.default_rng(1)
        inside = 0
        for _ in range(100):
            found = fit_tempo(50.0 * (rng.random(1000) < 0.08), shuffles=1, rng=rng).wait_days
            inside += found.low <= 12.5 <= found.high
        assert inside >= 88

    def test_bunched_waits_say_less(self):
        """Of 100 intervals of 95%, fewer than 86 have a chance below 0.1%; seed fixed."""
        rng = np.random.default_rng(18)
        inside = 0
        for _ in range(100):
            waits = np.maximum(1, np.round(rng.gamma(0.4, 30.0, 80))).astype(int)
            found = fit_tempo(on(np.cumsum(waits), waits.sum() + 1), shuffles=1, rng=rng).wait_days
            inside += found.low <= 12.2 <= found.high  # 12, and 0.2 for waits below a day
        assert inside >= 86

    def test_what_has_no_memory_is_seldom_said_to_have_one(self):
        """100 tests at 5%: more than 12 have a chance below 0.2%; the rate may change slowly."""
        rng = np.random.default_rng(2)
        chance = 0.08 * (1.0 + np.sin(np.arange(1000) / 160.0))
        found = [
            fit_tempo(50.0 * (rng.random(1000) < chance), shuffles=99, rng=rng) for _ in range(100)
        ]
        assert sum(f.pvalue <= FALSE_ALARM for f in found) <= 12

    def test_regular_and_bunched(self):
        rng = np.random.default_rng(3)
        when = np.cumsum(np.ceil(rng.gamma(6.0, 2.0, 80))).astype(int)
        assert "more regular" in fit_tempo(on(when, when[-1] + 1), rng=1).verdict
        starts = np.sort(rng.choice(180, 60, replace=False)) * 6
        when = np.concatenate([starts, starts + 1])
        assert "more bunched" in fit_tempo(on(when, 1100), rng=1).verdict


class TestMassing:
    def waits(self, rng, n=150):
        return rng.integers(3, 30, n)

    def test_saving_up_is_found(self):
        rng = np.random.default_rng(4)
        waits = self.waits(rng)
        days = on(np.cumsum(waits), waits.sum() + 1, 20.0 + rng.poisson(3.0 * waits))
        found = fit_massing(days, rng=1)
        assert "a longer wait goes before a larger strike" in found.verdict
        assert "follows" not in found.verdict
        assert found.before.low > 0.5

    def test_filling_up_again_is_found(self):
        rng = np.random.default_rng(5)
        waits = self.waits(rng)
        when = np.cumsum(waits)[:-1]
        days = on(when, waits.sum() + 1, 20.0 + rng.poisson(3.0 * waits[1:]))
        found = fit_massing(days, rng=1)
        assert "a longer wait follows a larger strike" in found.verdict
        assert found.after.low > 0.5

    def test_nothing_is_seldom_found_where_nothing_is(self):
        """100 pairs of tests, 5% together; sizes grow and waits shrink, as in a war that grows."""
        rng = np.random.default_rng(6)
        told = 0
        for _ in range(100):
            waits = rng.geometric(1.0 / np.linspace(20.0, 6.0, 80))
            sizes = 20.0 + rng.negative_binomial(1.0, 1.0 / np.linspace(10.0, 80.0, 80))
            found = fit_massing(on(np.cumsum(waits), waits.sum() + 1, sizes), shuffles=99, rng=rng)
            told += "do not say" not in found.verdict
        assert told <= 14


class TestSizes:
    @pytest.mark.parametrize(("mean", "k"), [(60.0, 0.75), (4.0, 1.5), (30.0, 5.0)])
    def test_what_was_put_in_is_found(self, mean, k):
        rng = np.random.default_rng(7)
        sizes = rng.negative_binomial(k, k / (k + mean), 2000)
        found = fit_sizes(sizes[sizes > 0])
        assert found.untruncated_mean == pytest.approx(mean, rel=0.15)
        assert found.dispersion.low < k < found.dispersion.high
        assert found.dispersion.value == pytest.approx(k, rel=0.2)
        assert found.mean.low < sizes[sizes > 0].mean() < found.mean.high

    def test_poisson_is_not_told_apart_from_poisson(self):
        sizes = np.random.default_rng(8).poisson(20.0, 200)
        assert "do not tell it from Poisson" in fit_sizes(sizes).verdict

    @pytest.mark.parametrize("seed", range(3))
    def test_large_strikes_are_told_from_poisson_as_small_ones_are(self, seed):
        """Means of 2,000 with a variance of 1.5 of them: a chi-squared of 750 +- 39 above 500."""
        sizes = np.random.default_rng(seed).negative_binomial(4000, 4000 / 6000, 500)
        found = fit_sizes(sizes)
        assert "over-dispersed" in found.verdict
        assert found.dispersion.low < 4000 < found.dispersion.high
        sizes = np.random.default_rng(seed).poisson(5000.0, 100)
        assert "do not tell it from Poisson" in fit_sizes(sizes).verdict

    def test_single_ones_and_masses(self):
        sizes = np.array([1] * 200 + [2] * 40 + [90] * 30)
        assert "as wide as it can be" in fit_sizes(sizes).verdict


class TestInterception:
    def strikes(self, rng, n=400, slope=0.0, rho=0.1):
        launched = np.round(np.exp(rng.uniform(0.0, 5.5, n)))
        logit = 1.0 + slope * (np.log2(launched) - np.log2(launched).mean())
        p, total = 1.0 / (1.0 + np.exp(-logit)), (1.0 - rho) / rho
        return launched, rng.binomial(launched.astype(int), rng.beta(p * total, (1.0 - p) * total))

    def test_what_was_put_in_is_found(self):
        found = fit_interception(*self.strikes(np.random.default_rng(9)))
        assert found.probability.low < 0.731 < found.probability.high
        assert found.correlation.low < 0.1 < found.correlation.high
        assert (
            "do not say that size matters; weapons of one strike share their fate" in found.verdict
        )
        assert found.pearson > 3.0

    def test_own_luck(self):
        rng = np.random.default_rng(10)
        launched = rng.integers(1, 100, 300)
        found = fit_interception(launched, rng.binomial(launched, 0.7))
        assert found.correlation.high < 0.02
        assert "may be stopped one by one" in found.verdict
        assert found.pearson == pytest.approx(1.0, abs=0.25)

    @pytest.mark.parametrize(("slope", "way"), [(-0.3, "falls"), (0.3, "rises")])
    def test_a_saturated_defence_is_seen(self, slope, way):
        found = fit_interception(*self.strikes(np.random.default_rng(11), slope=slope))
        assert f"the share stopped {way} with size" in found.verdict
        assert found.slope.low < slope < found.slope.high

    def test_a_defence_that_wears_out_while_strikes_grow_is_not(self):
        rng = np.random.default_rng(12)
        when = np.arange(400.0)
        launched = np.ceil(np.exp(when / 100.0) * rng.gamma(2.0, 3.0, 400))
        p = 1.0 / (1.0 + np.exp(-(2.0 - when / 150.0)))
        stopped = rng.binomial(launched.astype(int), rng.beta(9.0 * p, 9.0 * (1.0 - p)))
        assert "falls with size" in fit_interception(launched, stopped).verdict
        assert "do not say" in fit_interception(launched, stopped, when=when).verdict

    def test_few_strikes_do_not_pass_for_many(self):
        """20 tests at 5% of 10 strikes each: more than 4 have a chance below 0.3%."""
        rng = np.random.default_rng(19)
        found = [fit_interception(*self.strikes(rng, 10), when=np.arange(10)) for _ in range(20)]
        assert sum(f.pvalue <= FALSE_ALARM for f in found) <= 4

    def test_an_interval_is_found_on_a_rough_likelihood(self):
        """Strikes for which the search for the end of an interval once lost its bracket."""
        rng = np.random.default_rng(139)
        launched = np.round(np.exp(rng.uniform(0.0, 5.5, 20)))
        found = fit_interception(launched, rng.binomial(launched.astype(int), 0.73))
        assert found.slope.low < 0.0 < found.slope.high
        assert found.probability.low < 0.73 < found.probability.high

    def test_it_is_seldom_said_without_reason(self):
        """30 tests at 5%: more than 6 have a chance below 0.4%."""
        rng = np.random.default_rng(13)
        found = [fit_interception(*self.strikes(rng, 60)) for _ in range(30)]
        assert sum(f.pvalue <= FALSE_ALARM for f in found) <= 6


class TestExcitation:
    def pair(self, rng, cross=0.0, days=900, memory=0.0):
        """Two sides that grow together; the second answers the first's excess of the day before."""
        trend = np.log(10.0) + np.arange(days) / 300.0 + 0.7 * np.sin(np.arange(days) / 120.0)
        noise = np.zeros((2, days))
        for t in range(1, days):
            noise[:, t] = memory * noise[:, t - 1] + rng.normal(0.0, 0.5, 2)
            noise[1, t] += cross * noise[0, t - 1]
        return rng.poisson(np.exp(trend + noise))

    def test_an_answer_is_found_and_its_way(self):
        one, two = self.pair(np.random.default_rng(14), cross=0.6)
        found = fit_excitation(one, two, names=("A", "B"), shuffles=199, rng=1)
        assert "B goes up after more from A" in found.verdict
        assert "A goes" not in found.verdict
        assert found.cross[1].low > 0.0

    def test_a_common_trend_is_no_answer(self):
        """20 wars, 5% each; more than 5 have a chance below 0.1%. Both remember their own days."""
        rng = np.random.default_rng(15)
        told = 0
        for _ in range(20):
            one, two = self.pair(rng, days=400, memory=0.4)
            told += "do not say" not in fit_excitation(one, two, shuffles=99, rng=rng).verdict
        assert told <= 5

    def test_days_without_memory_are_seldom_said_to_have_one(self):
        """60 tests at 5%, more than 9 have a chance below 0.1%; the same for intervals.

        The trend holds the day itself, which is made up for.
        """
        rng = np.random.default_rng(17)
        told = inside = 0
        for _ in range(30):
            found = fit_excitation(*rng.negative_binomial(2.0, 1 / 11, (2, 300)), shuffles=79,
                                   rng=rng)  # fmt: skip
            told += sum(p <= FALSE_ALARM for p in found.own_pvalue)
            inside += sum(e.low <= 0.0 <= e.high for e in found.own)
        assert told <= 9
        assert inside >= 51

    def test_own_days(self):
        one, two = self.pair(np.random.default_rng(16), memory=0.7)
        found = fit_excitation(one, two, shuffles=199, rng=1)
        assert max(found.own_pvalue) <= 0.05
        assert min(e.low for e in found.own) > 0.0

    def test_days_without_report_are_left_out(self):
        one, two = self.pair(np.random.default_rng(14), cross=0.6).astype(float)
        two[::7] = np.nan
        found = fit_excitation(one, two, names=("A", "B"), shuffles=199, rng=1)
        assert found.days == np.isfinite(two[14:]).sum()
        assert "B goes up after more from A" in found.verdict


@pytest.fixture(scope="module")
def war(tmp_path_factory):
    folder = tmp_path_factory.mktemp("war")
    return [read_strikes(write(folder / f"{seed}.csv", attacks(500, seed))) for seed in (1, 2)]


class TestAll:
    def test_a_table_of_all(self, war):
        found = calibrate_series(*war, shuffles=99, rng=1)
        table = found.table()
        assert list(found.sizes) == ["ballistic", "cruise", "drone"]
        assert set(found.interception) == {
            "ballistic, iskander",
            "cruise, subsonic",
            "drone, shahed",
        }
        value = table.set_index(["fit", "of", "quantity"])["value"]
        assert value["interception", "drone, shahed", "probability"] == pytest.approx(0.8, abs=0.03)
        assert value["sizes", "drone", "dispersion"] == pytest.approx(2.0, rel=0.25)
        assert value["tempo", "", "wait_days"] == pytest.approx(10.0, rel=0.35)
        fitted = table[table["quantity"] != "variation"]  # that one has the range of chance
        assert (fitted["low"] <= fitted["value"]).all()
        assert (fitted["value"] <= fitted["high"]).all()
        assert len(found.text().splitlines()) == 2 + 3 + 3 + 1

    def test_the_same_seed_says_the_same(self, war):
        one, two = (calibrate_series(*war, shuffles=19, rng=5).table() for _ in range(2))
        assert one.equals(two)
        assert calibrate_series(war[0], shuffles=19, rng=5).excitation is None

    def test_estimates_do_not_enter_interception(self, war, tmp_path):
        rows = attacks(300)
        clean = calibrate_series(read_strikes(write(tmp_path / "a.csv", rows)), shuffles=9, rng=1)
        split = [r.replace("X-101/X-555", "X-101/X-555 and Iskander-M") for r in rows]
        found = calibrate_series(read_strikes(write(tmp_path / "b.csv", split)), shuffles=9, rng=1)
        assert "cruise, subsonic" in clean.interception
        assert "cruise, subsonic" not in found.interception
        assert found.sizes["cruise"].strikes > 10


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fit_tempo([1.0, -1.0]), "daily"),
        (lambda: fit_tempo([[1.0]]), "must have shape"),
        (lambda: fit_tempo(np.zeros(99)), "needs 10 days that count, but got 0"),
        (lambda: fit_massing(np.zeros(99)), "needs 10 days that count"),
        (lambda: fit_sizes([0.0] * 20), "sizes"),
        (lambda: fit_sizes([1.0] * 5), "needs 10 strikes, but got 5"),
        (lambda: fit_interception([1.0] * 10, [2.0] * 10), "`stopped <= launched` must hold"),
        (lambda: fit_interception([1.0] * 10, [1.0] * 9), "must have one shape"),
        (lambda: fit_interception([1.0] * 10, [1.0] * 10, when=[0.0]), "`when` must have"),
        (lambda: fit_excitation(np.zeros(400), np.zeros(300)), "must have one shape"),
        (lambda: fit_excitation(np.zeros(100), np.zeros(100)), "`244 <= days` must hold"),
        (lambda: fit_excitation(np.zeros(400), np.zeros(400), trend_days=8), "must be odd"),
    ],
)
def test_nonsense_is_refused(make, message):
    with pytest.raises(EscalateError, match=message):
        make()


def test_the_real_tables_show_no_saturation():
    """As documented: the share of drones stopped does not fall with the size of a strike."""
    found = calibrate_series(read_strikes(real("missile_attacks_daily.csv")), shuffles=19, rng=1)
    assert "do not say that size matters" in found.interception["drone, shahed"].verdict
    assert all(fit.slope.high > 0.0 for fit in found.interception.values())
