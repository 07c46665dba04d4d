"""Forecasts: distributions that see the past alone, scored as they should be."""

import math
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from escalate import scores as proper
from escalate.__main__ import main
from escalate.errors import EscalateError
from escalate.forecast import (
    BASELINES,
    Forecast,
    _error,
    _gamma_waits,
    _levels,
    _log_nb,
    _renewal,
    _sum_of,
    baseline,
    forecast,
    score_forecasts,
)
from escalate.strikes import read_strikes
from tests.strike_tables import attack, attacks, real, write

START = date(2023, 1, 1)


@pytest.fixture(scope="module")
def war(tmp_path_factory):
    return read_strikes(write(tmp_path_factory.mktemp("war") / "war.csv", attacks(560)))


def plain(path, values):
    rows = [f"{START + timedelta(days=i)},{int(value)}" for i, value in enumerate(values)]
    return read_strikes(write(path / "plain.csv", rows, "date,count"))


def by_day(weeks, rng):
    """Spread the number of each week over its days."""
    return rng.multinomial(weeks, [1.0 / 7.0] * 7).ravel()


class TestForecast:
    @pytest.mark.parametrize(
        "law", [stats.nbinom(2.0, 0.05), stats.poisson(7.0), stats.binom(9, 0.3)]
    )
    def test_scores_are_those_of_the_distribution(self, law):
        made = Forecast(law.pmf(np.arange(2000)))
        for seen in (0, 3, 40):
            assert made.crps(seen) == pytest.approx(float(proper.crps(law, seen)), rel=1e-9)
            assert made.pit(seen) == pytest.approx(0.5 * (law.cdf(seen) + law.cdf(seen - 1)))
        assert made.log_score(5) == pytest.approx(float(proper.log_score(law, 5)))
        assert made.mean == pytest.approx(law.mean())
        for level in (0.05, 0.5, 0.95):
            assert made.quantile(level) == law.ppf(level)

    def test_the_crps_is_that_of_all_pairs(self):
        rng = np.random.default_rng(11)
        for size in (1, 2, 7, 40):
            p, x = rng.dirichlet(np.full(size, 0.3)), np.arange(size)
            pairs = 0.5 * (np.outer(p, p) * np.abs(x[:, None] - x)).sum()
            for seen in (0.0, 0.3, 5.0, 11.75, 90.0):
                expected = p @ np.abs(x - seen) - pairs
                assert Forecast(p).crps(seen) == pytest.approx(expected, abs=1e-12)

    def test_beyond_all_that_was_thought_possible(self):
        made = Forecast(np.array([0.5, 0.5]))
        assert made.crps(10.0) == pytest.approx(float(proper.crps_ensemble([0.0, 1.0], 10.0)))
        assert made.log_score(10) == math.inf
        assert made.cdf(10) == made.pit(11) == 1.0

    def test_certainty_scores_its_error(self):
        assert Forecast(np.array([0.0, 0.0, 1.0])).crps(5.0) == 3.0
        assert Forecast(np.array([0.0, 0.0, 1.0])).crps(0.5) == 1.5

    @pytest.mark.parametrize("make", ["quantile", "crps", "log_score"])
    def test_nonsense_is_refused(self, make):
        with pytest.raises(EscalateError):
            getattr(Forecast(np.ones(1)), make)(math.nan)


class TestPieces:
    def test_the_negative_binomial(self):
        x = np.arange(50)
        np.testing.assert_allclose(
            np.exp(_log_nb(x, 7.0, 2.5)), stats.nbinom(2.5, 2.5 / 9.5).pmf(x), rtol=1e-10
        )

    def test_sums_of_independent_numbers(self):
        one, other = stats.poisson(3.0), stats.poisson(5.0)
        both = _sum_of(one.pmf(np.arange(60)), other.pmf(np.arange(80)))
        np.testing.assert_allclose(both[:30], stats.poisson(8.0).pmf(np.arange(30)), atol=1e-12)

    def test_waits_are_recovered(self):
        # 2,000 waits: the shape has a standard error of some 3%, and gamma days are rounded up.
        waits = np.ceil(np.random.default_rng(1).gamma(4.0, 3.0, 2000))
        shape, scale = _gamma_waits(waits, np.ones(len(waits)), 3)
        assert shape == pytest.approx(4.0, rel=0.1)
        assert shape * scale == pytest.approx(12.0, rel=0.05)

    def test_levels_learn_mean_and_dispersion(self):
        # A level that never moves, and weeks of k = 2: the forecast should nearly be their law.
        rng = np.random.default_rng(2)
        weeks = rng.negative_binomial(2.0, 2.0 / 72.0, 400)
        days = by_day(weeks, rng)
        made = Forecast(_levels(days.astype(float), 7))
        law = stats.nbinom(2.0, 2.0 / 72.0)
        assert made.mean == pytest.approx(70.0, rel=0.2)
        gap = np.abs(np.cumsum(made.chance)[:400] - law.cdf(np.arange(400))).max()
        assert gap < 0.1

    def test_levels_follow_what_changes(self):
        rng = np.random.default_rng(3)
        days = rng.poisson(10.0 * np.exp(np.arange(500) / 150.0))
        made = Forecast(_levels(days.astype(float), 7))
        assert made.mean == pytest.approx(7 * 10.0 * math.exp(503 / 150.0), rel=0.15)

    def test_a_strike_that_is_due(self):
        """A mass every tenth day for certain: it is in the next week or it is not."""
        days = np.zeros(400)
        days[9::10] = 50.0
        chances = [
            1.0 - Forecast(_renewal(days[:n], days[:n] >= 20, 7)).cdf(20) for n in (400, 394)
        ]
        assert chances[0] < 0.1  # ten days from the next
        assert chances[1] > 0.75  # six: all but certain, as waits are learnt from forty

    def test_numbers_of_strikes_are_those_of_a_simulation(self):
        """20,000 draws: a chance has a standard error below 0.004; four of them are allowed."""
        rng = np.random.default_rng(10)
        when = np.cumsum(np.ceil(rng.gamma(3.0, 2.0, 200)).astype(int))
        days = np.zeros(when[-1] + 3)
        days[when] = 1e4
        massed = days > 0
        age = len(days) - 1.0 - when[1:]
        shape, scale = _gamma_waits(np.diff(when), 0.5 ** (age / 365.0), 2)
        waits = np.ceil(rng.gamma(shape, scale, (20_000, 40)))
        later = waits[:, 0] > 2
        first = waits[later, :1] - 2
        arrivals = np.cumsum(np.hstack([first, waits[later, 1:]]), axis=1)
        number = (arrivals <= 7).sum(axis=1)
        made = Forecast(_renewal(days, massed, 7))
        for k in range(4):  # sizes spread around k times ten thousand
            assert made.cdf(5_000 + 10_000 * k) == pytest.approx((number <= k).mean(), abs=0.06)
        assert 1.0 - made.cdf(1000) == pytest.approx((number > 0).mean(), abs=0.016)

    def test_waits_that_remember_nothing_make_a_poisson_number(self):
        rng = np.random.default_rng(4)
        massed = rng.random(3000) < 0.1
        days = np.where(massed, 1000.0, 0.0)
        made = Forecast(_renewal(days, massed, 7))
        rate = 1.0 - massed[-365:].mean()
        assert made.cdf(500) == pytest.approx(rate**7, abs=0.1)

    def test_standard_errors_count_what_goes_together(self):
        rng = np.random.default_rng(5)
        alone = rng.normal(size=4000)
        assert _error(alone) == pytest.approx(1 / math.sqrt(4000), rel=0.15)
        steps = np.repeat(rng.normal(size=1000), 4)
        assert _error(steps) > 1.5 / math.sqrt(4000)
        assert _error(alone[:5]) == pytest.approx(alone[:5].std(ddof=1) / math.sqrt(5))
        assert math.isnan(_error(alone[:1]))


class TestModel:
    def test_only_the_past_matters(self, tmp_path):
        rows = attacks(500)
        origin = START + timedelta(days=450)
        first = read_strikes(write(tmp_path / "one.csv", rows))
        later = [r for r in rows if r.split(",")[1][:10] > str(origin + timedelta(days=1))]
        changed = [attack(r.split(",")[0], r.split(",")[1], "X-22", 500, 0) for r in later]
        second = read_strikes(write(tmp_path / "two.csv", changed + rows[len(later) :]))
        cut = read_strikes(
            write(tmp_path / "three.csv", [r for r in rows if r.split(",")[1][:10] <= str(origin)])
        )
        assert len(later) > 30
        for group in first.groups:
            for outcome in ("launched", "neutralised"):
                what = {"group": group, "outcome": outcome}
                made = [forecast(t, origin, **what) for t in (first, second, cut)]
                np.testing.assert_array_equal(made[0].chance, made[1].chance)
                np.testing.assert_array_equal(made[0].chance, made[2].chance)
                for name in BASELINES:
                    one, two = (baseline(name, t, origin, **what) for t in (first, second))
                    np.testing.assert_array_equal(one.chance, two.chance)

    def test_a_kind_of_weapon_that_is_yet_to_come_does_not_matter(self, tmp_path):
        """A war of drones, and the same with a missile after the last forecast."""
        drones = [row for row in attacks(500) if "Shahed" in row]
        last = START + timedelta(days=495)
        missile = attack(f"{last} 03:00", f"{last} 07:00", "X-101/X-555", 50, 10)
        place = next(i for i, row in enumerate(drones) if row.split(",")[0] < f"{last} 03:00")
        tables = [
            read_strikes(write(tmp_path / "one.csv", drones)),
            read_strikes(write(tmp_path / "two.csv", [*drones[:place], missile, *drones[place:]])),
        ]
        assert [t.groups for t in tables] == [("all", "drone"), ("all", "missile", "drone")]
        span = (START + timedelta(days=400), START + timedelta(days=483))
        found = [score_forecasts(t, *span, groups=("all", "drone")).weeks for t in tables]
        assert len(found[0]) == 2 * 2 * 4 * 12 and found[0].equals(found[1])
        for table in tables:
            made = forecast(table, span[1])
            np.testing.assert_array_equal(made.chance, forecast(tables[0], span[1]).chance)

    def test_scores_of_weeks_do_not_change_with_what_comes_after(self, tmp_path):
        rows = attacks(560)
        end = START + timedelta(days=483)
        after = [i for i, r in enumerate(rows) if r.split(",")[1][:10] > str(end)]
        wild = [attack(*rows[i].split(",")[:2], "X-22", 900, 900) for i in after]
        tables = [
            read_strikes(write(tmp_path / f"{k}.csv", new + rows[len(after) :]))
            for k, new in enumerate(([rows[i] for i in after], wild))
        ]
        span = (START + timedelta(days=400), end)
        one, two = (score_forecasts(t, *span).weeks for t in tables)
        assert len(after) > 50 and one.equals(two)

    @pytest.mark.parametrize("horizon", [1, 7, 28])
    def test_it_is_a_distribution(self, war, horizon):
        for group in war.groups:
            made = forecast(war, date(2024, 6, 1), horizon=horizon, group=group)
            assert made.chance.sum() == pytest.approx(1.0)
            assert (made.chance >= 0.0).all()

    def test_the_whole_is_the_sum_of_its_parts(self, war):
        whole, *parts = (
            forecast(war, date(2024, 6, 1), group=g) for g in ("all", "drone", "missile")
        )
        assert whole.mean == pytest.approx(sum(p.mean for p in parts), rel=1e-6)

    def test_coverage_on_a_war_it_describes(self, tmp_path):
        """Negative binomial weeks at one level: intervals hold what they say.

        Of 100 weeks 50 and 90 should be inside, but the dispersion is learnt: 3.5 standard errors
        of a binomial are 17 and 10. False alarm below one in a thousand, seed fixed.
        """
        rng = np.random.default_rng(6)
        weeks = rng.negative_binomial(3.0, 3.0 / 103.0, 153)
        table = plain(tmp_path, by_day(weeks, rng))
        found = score_forecasts(table, START + timedelta(days=371), date(2030, 1, 1))
        row = found.summary().loc["launched", "all", "model"]
        assert found.scored == 100
        assert row["inside_50"] == pytest.approx(0.5, abs=0.17)
        assert row["inside_90"] == pytest.approx(0.9, abs=0.1)

    def test_it_beats_the_baselines_where_there_is_something_to_know(self, tmp_path):
        rng = np.random.default_rng(7)
        # Weeks of k = 6 around a level that drifts back to its mean within half a year.
        drift = np.zeros(300)
        for week in range(1, 300):
            drift[week] = 0.96 * drift[week - 1] + rng.normal(0.0, 0.2)
        weeks = rng.negative_binomial(6.0, 6.0 / (6.0 + 200.0 * np.exp(drift)))
        table = plain(tmp_path, by_day(weeks, rng))
        found = score_forecasts(table, START + timedelta(days=400), date(2030, 1, 1))
        row = found.summary().loc["launched", "all", "model"]
        assert row["difference"] + 2.0 * row["difference_se"] < 0.0


class TestBaselines:
    def test_what_they_say(self, tmp_path):
        values = np.random.default_rng(8).poisson(6.0, 371)
        table = plain(tmp_path, values)
        origin = START + timedelta(days=371)
        weeks = values.reshape(-1, 7).sum(axis=1)
        assert baseline("last value", table, origin).quantile(0.5) == weeks[-1]
        made = baseline("52-week climatology", table, origin)
        for x in (30, 42, 50):
            assert made.cdf(x) == pytest.approx((weeks[-52:] <= x).mean())
        made = baseline("8-week NB", table, origin)
        assert made.mean == pytest.approx(weeks[-8:].mean(), rel=1e-6)

    def test_the_rolling_one_has_the_variance_of_its_weeks(self, tmp_path):
        values = np.random.default_rng(9).negative_binomial(0.5, 0.02, 371)
        made = baseline("8-week NB", plain(tmp_path, values), START + timedelta(days=371))
        x = np.arange(len(made.chance))
        weeks = values.reshape(-1, 7).sum(axis=1)[-8:]
        assert made.chance @ (x - made.mean) ** 2 == pytest.approx(weeks.var(ddof=1), rel=1e-3)


class TestScores:
    def test_one_week_by_hand(self, war):
        origin = date(2024, 6, 1)
        found = score_forecasts(war, origin, origin + timedelta(days=13), groups=("drone",))
        assert (found.scored, found.asked) == (2, 2)
        week = found.weeks.iloc[0]
        seen = war.daily()["drone"].loc["2024-06-01":"2024-06-07"].sum()
        assert week["observed"] == seen
        assert week["crps"] == forecast(war, origin, group="drone").crps(seen)
        assert len(found.weeks) == 2 * 2 * 4  # outcomes, weeks, forecasts
        past = war.daily()["drone"].loc[:"2024-05-31"].to_numpy()
        year = past[-364:].reshape(52, 7).sum(axis=1)
        given = found.weeks[found.weeks["forecast"] == "52-week climatology"]
        assert given["crps"].iloc[0] == pytest.approx(float(proper.crps_ensemble(year, seen)))
        own = found.weeks[found.weeks["forecast"] == "last value"]
        np.testing.assert_allclose(own["crps"], (own["observed"] - own["q50"]).abs())

    def test_a_table_that_ends_before(self, war):
        found = score_forecasts(war, date(2024, 6, 1), date(2024, 12, 31), outcomes=("launched",))
        assert found.asked == 30
        assert found.scored == ((war.last - date(2024, 6, 1)).days + 1) // 7

    @pytest.mark.parametrize(
        ("start", "end", "more", "message"),
        [
            (date(2023, 6, 1), date(2024, 7, 1), {}, "364 days have been seen"),
            (date(2024, 6, 1), date(2024, 5, 1), {}, "`start <= end` must hold"),
            (date(2024, 6, 1), date(2024, 6, 4), {}, "must hold a forecast of 7 days"),
            (date(2030, 6, 1), date(2030, 9, 1), {}, "the table ends on"),
            (date(2024, 6, 1), date(2024, 7, 1), {"horizon": 0}, "`1 <= horizon` must hold"),
            (date(2024, 2, 1), date(2024, 7, 1), {"horizon": 99}, "`1 <= horizon <= 91` must hold"),
            (date(2024, 6, 1), date(2024, 7, 1), {"groups": ("x",)}, "unknown group 'x'"),
            (date(2024, 6, 1), date(2024, 7, 1), {"outcomes": ("x",)}, "unknown outcome 'x'"),
        ],
    )
    def test_what_cannot_be_scored(self, war, start, end, more, message):
        with pytest.raises(EscalateError, match=message):
            score_forecasts(war, start, end, **more)

    def test_days_come_in_several_types(self, war):
        when = ("2024-06-01", datetime(2024, 6, 1, 9), pd.Timestamp("2024-06-01"), np.datetime64)
        first = forecast(war, date(2024, 6, 1)).mean
        assert [forecast(war, day).mean for day in when[:3]] == [first] * 3
        assert war.weekly(start="2024-06-01").index[0] == war.weekly(start=when[2]).index[0]
        for wrong in (None, 3, "June", pd.NaT, when[3]):
            with pytest.raises(EscalateError, match="`start` must be a day such as 2024-01-31"):
                score_forecasts(war, wrong, date(2024, 7, 1))
        for name, ask in (("horizon", score_forecasts), ("days", None)):
            with pytest.raises(
                EscalateError, match=f"`{name}` must be a whole number, but got 7.0"
            ):
                if ask:
                    ask(war, date(2024, 6, 1), date(2024, 7, 1), horizon=7.0)
                else:
                    war.weekly(days=7.0)

    def test_a_week_without_reports_to_score_by(self, tmp_path):
        header = "date,bulletin_uavs,drones_claimed_downed_territory"
        rows = [f"{START + timedelta(days=i)},{'' if i == 402 else 4},4" for i in range(407)]
        table = read_strikes(write(tmp_path / "claims.csv", rows, header))
        start = START + timedelta(days=400)
        with pytest.raises(EscalateError, match="but no 7 days from 2024-02-05 on have a report"):
            score_forecasts(table, start, start + timedelta(days=6), outcomes=("intercepted",))

    def test_more_than_can_be_forecast(self, tmp_path):
        table = plain(tmp_path, [9000] * 500)
        with pytest.raises(EscalateError, match="60,000 weapons at most .* but brought 63,000"):
            forecast(table, date(2024, 2, 1))

    def test_kill_tallies_are_no_strikes(self, tmp_path):
        rows = [attack(f"{d}", f"{d}", "Orlan-10", 3, 3)
                for d in (START + timedelta(days=i) for i in range(500))]  # fmt: skip
        table = read_strikes(write(tmp_path / "tallies.csv", rows))
        with pytest.raises(EscalateError, match="must hold strike weapons"):
            score_forecasts(table, date(2024, 2, 1), date(2024, 3, 1))

    def test_a_table_with_gaps_is_refused(self, tmp_path):
        header = "date,bulletin_uavs,drones_claimed_downed_territory"
        rows = [f"{START + timedelta(days=i)},{'' if i == 9 else 4},4" for i in range(500)]
        table = read_strikes(write(tmp_path / "claims.csv", rows, header))
        with pytest.raises(EscalateError, match="1 have none, the first of them 2023-01-10"):
            score_forecasts(table, date(2024, 2, 1), date(2024, 3, 1), outcomes=("intercepted",))
        with pytest.raises(EscalateError, match="must say what was launched"):
            score_forecasts(table, date(2024, 2, 1), date(2024, 3, 1), outcomes=("launched",))
        with pytest.raises(EscalateError, match="unknown baseline"):
            baseline("first value", table, date(2024, 2, 1))


class TestCommand:
    def run(self, *words):
        return main(["forecast", *map(str, words)])

    def test_it_prints_model_and_baselines(self, war, capsys):
        assert self.run(war.file, "--from", "2024-04-01", "--to", "2024-12-31") == 0
        said = capsys.readouterr().out
        assert "asked for 39; the table ends on 2024-07-13, so 14 were scored" in said
        for name in ("model", *BASELINES):
            assert said.count(f"  {name} ") == 6
        for what in ("all strike weapons", "missiles", "drones"):
            assert f"{what}, launched" in said
            assert f"{what}, neutralised" in said

    def test_bad_rows_are_left_out_only_if_asked(self, tmp_path, capsys):
        rows = [f"{START + timedelta(days=i)},{'x' if i == 3 else 4}" for i in range(500)]
        path = write(tmp_path / "plain.csv", rows, "date,count")
        words = (path, "--from", "2024-04-01", "--to", "2024-04-28", "--horizon", "14")
        assert self.run(*words) == 2
        refused = capsys.readouterr().err
        assert "row 4" in refused and "add --keep-good" in refused
        assert self.run(*words, "--keep-good") == 0
        assert "left out 1 rows" in capsys.readouterr().out

    def test_it_says_what_the_rules_of_cleaning_did(self, tmp_path, capsys):
        rows = [attack("2024-07-20", "2024-07-20", "Oryx-9", 900, 1), *attacks(560)]
        path = write(tmp_path / "war.csv", rows)
        assert self.run(path, "--from", "2024-07-01", "--to", "2024-07-13") == 0
        said = capsys.readouterr().out
        assert "note: 1 rows of a model nobody knows here, 900 weapons taken as `other`" in said
        assert "'Oryx-9' (1)" in said
        assert "1 forecast of a week, 2024-07-01" in said
        assert "nan" not in said

    def test_a_horizon_that_is_none(self, capsys):
        for word in ("0", "-1", "x"):
            with pytest.raises(SystemExit):
                self.run("x.csv", "--from", "2024-04-01", "--to", "2024-04-28", "--horizon", word)
            assert "argument --horizon: must be" in capsys.readouterr().err

    def test_a_date_that_is_none(self, capsys):
        with pytest.raises(SystemExit):
            self.run("x.csv", "--from", "April", "--to", "2024-04-28")
        assert "must be a day such as 2025-04-21, but got 'April'" in capsys.readouterr().err


def test_the_real_table_is_forecast_better_than_by_the_baselines():
    """All strike weapons over the last quarter of the weeks given, as documented."""
    table = read_strikes(real("ru_to_ua_daily.csv"))
    found = score_forecasts(
        table,
        date(2024, 11, 11),
        date(2025, 7, 20),
        groups=("all", "missile"),
        outcomes=("launched",),
    ).summary()
    for group in ("all", "missile"):
        assert found.loc["launched", group, "model"]["difference"] < 0.0
