"""Calibration: known posteriors found, whoever samples; the war's own likelihood; what is said."""

import math

import numpy as np
import pytest
from scipy import special, stats

import escalate as esc
from benchmarks.sbc import FIGURES, PRIORS, scenario
from escalate.calibration import METHODS, Model, calibrate, load_fit, optimise
from escalate.calibration.model import Space
from escalate.errors import EscalateError, ResultError, ScenarioError
from escalate.figures import shipped_figures
from escalate.observation import Observation
from escalate.randomness import Seed
from escalate.theory.inference import abc_normal_posterior
from escalate.truths import figure_values
from tests.toys import PRIORS as TOY_PRIORS
from tests.toys import Hidden, Normal

LIBRARY = pytest.mark.filterwarnings("ignore::DeprecationWarning")
GAIN, PROB = list(PRIORS)[:2]


def toy(**how):
    given = {"priors": TOY_PRIORS, "budget": 84_000, "wars": 10, "rng": 1, "workers": 1}
    tolerance = how.pop("tolerance", 0.5)
    return calibrate(Normal(tolerance, **how.pop("model", {})), **{**given, **how})


@pytest.fixture(scope="module")
def fit():
    return calibrate(scenario(), FIGURES, PRIORS, budget=16_000, wars=16, together="war", rng=1)


WAYS = [pytest.param(name, marks=[LIBRARY] if name == "emcee" else []) for name in METHODS]


def skip_without(method):
    if method == "emcee":
        pytest.importorskip("emcee")


# Known posteriors.


@pytest.mark.parametrize("tolerance", [2.0, 1.0, 0.5, 0.1])
@pytest.mark.parametrize("method", WAYS)
def test_D11_the_posterior_of_each_tolerance(method, tolerance):
    """Each of 24 z-tests at 4.5 standard errors: a false alarm in 6,000 choices of the seed."""
    skip_without(method)
    found = toy(method=method, tolerance=tolerance)
    known = abc_normal_posterior(1.5, tolerance)
    row = found.summary().loc["theta"]
    error = float(known.sd) / math.sqrt(found.ess)
    assert row["mean"] == pytest.approx(float(known.mean), abs=4.5 * error)
    # The variance of a sample variance, for a kurtosis that is at most the normal one.
    assert row["sd"] == pytest.approx(float(known.sd), abs=4.5 * error / math.sqrt(2.0))


@pytest.mark.parametrize("method", ["population", "prior"])
def test_the_evidence_is_the_chance_of_being_accepted(method):
    found = toy(method=method)
    value, error = found.log_evidence
    assert value == pytest.approx(math.log(float(abc_normal_posterior(1.5, 0.5).acceptance)),
                                  abs=4.5 * error)  # fmt: skip
    assert 0.0 < error < 0.05


@pytest.mark.parametrize("method", ["population", "prior"])
def test_a_likelihood_that_is_random_but_right_on_average_will_do(method):
    """Posterior, evidence and what is left out, with 2 wars a point, within 4.5 standard errors.

    Of 16 z-scores of the evidence the root mean square is 1 give or take 0.18; four of these.
    """
    data, s2 = (1.0, 0.2, 3.0), 1.25
    toy = Hidden(data=data)
    how = {"priors": TOY_PRIORS, "method": method, "wars": 2, "workers": 1}
    found = calibrate(toy, budget=60_000, rng=1, **how)
    row, sd = found.summary().loc["theta"], math.sqrt(1.0 / (1.0 + 3.0 / s2))
    error = 4.5 * sd / math.sqrt(found.ess)
    assert row["mean"] == pytest.approx(sd * sd * sum(data) / s2, abs=error)
    assert row["sd"] == pytest.approx(sd, abs=error)
    for i, score in enumerate(found.leave_out()["log_score"]):
        others = tuple(d for k, d in enumerate(data) if k != i)
        expected = toy.law.logpdf(data) - Hidden(data=others).law.logpdf(others)
        assert score == pytest.approx(expected, abs=0.1)
    off = []
    for seed in range(16):
        value, error = calibrate(toy, budget=6_000, rng=seed, **how).log_evidence
        off.append((value - toy.law.logpdf(data)) / error)
    assert 0.28 < math.sqrt(np.mean(np.square(off))) < 1.72


def test_a_war_is_judged_by_its_own_likelihood():
    """The mean over wars of the product over reports, and no other."""
    model = Model(scenario(), FIGURES, together="war")
    space = Space(PRIORS)
    values = space.values(np.array([[0.3, -0.2, 0.1, 0.5], [1.0, 1.0, -1.0, 0.0]]))
    truths = model.truths(values, 5, Seed.of(3), first=7)
    for i in range(2):
        changes = {
            path: values[name][i].item()
            for name in space.names
            for path in name.split(" = ")
            if not path.startswith("observation.")
        }
        seen = Observation().replace(
            {"observation.bias_log.B officials": values[space.names[3]][i].item()}
        )
        changed = scenario().replace(changes)
        for k in range(5):
            run = esc.simulate(changed, rng=3, replication=(7 + i) * 5 + k, engine="compiled")
            own = [esc.metrics.figure_value(run, f) for f in FIGURES]
            np.testing.assert_array_equal(truths[i, k], own)
        each = seen.log_likelihood(truths[i], FIGURES).sum(axis=1)
        expected = special.logsumexp(each) - math.log(5)
        found = model.log_likelihood(truths, values)[i]
        np.testing.assert_allclose(found, [expected], rtol=1e-12)


def test_exchanges_are_multiplied_and_revised_figures_left_out():
    winter = esc.load_scenario("winter-2023-24")
    model = Model(winter, esc.comparison.figures_of(winter))
    counted = [model.figures[i].id for part in model.exchanges.values() for i in part]
    assert len(counted) == len(set(counted)) == 36 and not {"F12", "F14"} & set(counted)
    values = {"observation.lapse_prob": np.array([0.02, 0.1])}
    truths = figure_values(winter, model.figures, replications=12, rng=1).reshape(2, 6, -1)
    found = model.log_likelihood(truths, values)
    for e, members in enumerate(model.exchanges.values()):
        seen = Observation(lapse_prob=0.1)
        each = seen.log_likelihood(truths[1], model.figures)[:, members].sum(axis=1)
        assert found[1, e] == pytest.approx(special.logsumexp(each) - math.log(6))
    together = Model(winter, model.figures, together="war")
    assert {i for p in together.exchanges.values() for i in p} == {
        i for p in model.exchanges.values() for i in p
    }


def test_paths_that_share_a_value_share_it():
    model = Model(scenario(), FIGURES)
    values = Space(PRIORS).values(np.array([[0.0, 0.0, 1.3, 0.0]]))
    changed = model._at(values, 0)
    rates = {side.targets["towns"].killed_per_hit for side in changed.sides.values()}
    assert rates == {values[list(values)[2]][0].item()} != {0.5}


def test_a_whole_number_stays_whole():
    path = "sides.B.layers.guns.channels"
    law = stats.randint(3, 9)
    values = Space({path: law}).values(np.linspace(-4.0, 4.0, 4001)[:, None])
    assert set(values[path].tolist()) == set(range(3, 9))
    assert Model(scenario(), FIGURES)._at(values, 0).sides["B"].layers["guns"].channels == 3


# The same result, however it comes about.


def same(first, second):
    assert first.points.keys() == second.points.keys()
    for name in first.points:
        np.testing.assert_array_equal(first.points[name], second.points[name])
    np.testing.assert_array_equal(first.log_weight, second.log_weight)


@pytest.mark.parametrize("method", WAYS)
def test_the_result_does_not_depend_on_workers(method):
    skip_without(method)
    one, two = (
        calibrate(scenario(), FIGURES, PRIORS, method=method, budget=3_000, wars=4, rng=5,
                  workers=n) for n in (1, 3)
    )  # fmt: skip
    same(one, two)
    other = calibrate(scenario(), FIGURES, PRIORS, method=method, budget=3_000, wars=4, rng=6)
    assert not np.array_equal(one.points["z"], other.points["z"])


@pytest.mark.parametrize("method", WAYS)
def test_a_calibration_that_was_killed_goes_on(method, tmp_path):
    skip_without(method)
    how = {"method": method, "budget": 9_000}
    whole = toy(**how)

    def killed(done, total):
        if done > 0.6 * total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        toy(**how, store=tmp_path / "fit", progress=killed)
    kept = sorted(path.name for path in (tmp_path / "fit").glob("generation-*.npz"))
    assert 3 <= len(kept) <= 8
    seen = []
    again = toy(**how, store=tmp_path / "fit", progress=lambda done, total: seen.append(done))
    same(whole, again)
    same(whole, toy(**how, store=tmp_path / "fit"))


def test_a_store_of_something_else_is_kept(tmp_path):
    how = {"method": "prior", "budget": 2_000}
    toy(**how, store=tmp_path / "fit")
    with pytest.raises(ResultError, match="there is another calibration, which is kept"):
        toy(**how, store=tmp_path / "fit", rng=2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(ResultError, match="there is something else, which is kept"):
        toy(**how, store=tmp_path / "full")
    (tmp_path / "fit" / "generation-002.npz").write_bytes(b"no")
    with pytest.raises(ResultError, match="is no generation, or a damaged one"):
        toy(**how, store=tmp_path / "fit")


def test_a_fit_is_saved_and_loaded(fit, tmp_path):
    again = load_fit(fit.save(tmp_path / "fit.nc"))
    same(fit, again)
    assert again.model.figures == fit.model.figures
    assert again.model.scenario == fit.model.scenario
    assert again.model.together == "war" and again.wars == fit.wars
    assert again.predictive().equals(fit.predictive())
    assert again.posterior.equals(fit.posterior)
    assert again.summary().equals(fit.summary())
    (tmp_path / "bad.nc").write_bytes(b"no")
    with pytest.raises(ResultError, match="is no saved fit, or a damaged one"):
        load_fit(tmp_path / "bad.nc")


def test_progress_is_told(capsys):
    seen = []
    toy(budget=4_000, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen) and seen[-1][0] == seen[-1][1] <= 4_000
    toy(budget=4_000, progress=True)
    assert "war" in capsys.readouterr().err


# What is said of it.


def test_draws_are_as_arviz_takes_them(fit):
    posterior = fit.posterior
    assert set(posterior.data_vars) == set(fit.names)
    assert all(v.dims == ("chain", "draw") for v in posterior.data_vars.values())
    assert posterior.sizes == {"chain": 4, "draw": 1000}
    assert fit.log_likelihood.sizes == {"chain": 4, "draw": 1000}
    rows = fit.summary()
    for name in fit.names:
        off = float(posterior[name].mean()) - rows.loc[name, "mean"]
        assert abs(off) < 0.1 * rows.loc[name, "sd"]


@pytest.mark.filterwarnings("ignore")
def test_arviz_takes_them(fit):
    az = pytest.importorskip("arviz")
    table = az.summary(fit.posterior)
    assert list(table.index) == fit.names
    held = az.InferenceData(posterior=fit.posterior, log_likelihood=fit.log_likelihood)
    assert held.posterior.sizes["draw"] == 1000


def test_effective_draws_are_counted_for_each_war(fit):
    assert fit.fought <= 16_000 and 0 < fit.ess < fit.fought / 20
    assert fit.ess_per_war == fit.ess / fit.fought
    assert set(fit.r_hat) == set(fit.names)
    # Half of the chains that say something else.
    two = toy(method="prior")
    two.points["z"][two.points["chain"] < 2] += 1.0
    assert two.r_hat["theta"] > 1.1 > toy(method="prior").r_hat["theta"]


def test_verdicts():
    priors = {"theta": stats.norm(), "idle": stats.beta(2, 2)}
    found = calibrate(Normal(0.0, tuple([1.0] * 8)), priors=priors, budget=30_000, wars=1, rng=1)
    table = found.verdicts()
    assert table.loc["theta", "verdict"] == "learned"
    assert table.loc["theta", "sd_ratio"] == pytest.approx(1.0 / 3.0, rel=0.05)
    assert table.loc["theta", "shift"] == pytest.approx(8.0 / 9.0, abs=0.05)
    assert table.loc["idle", "verdict"] == "still the prior"
    assert table.loc["idle", "wasserstein"] < 2.0 * table.loc["idle", "noise"]
    assert toy(tolerance=1.0).verdicts().loc["theta", "verdict"] == "weakly learned"
    few = toy(method="prior", tolerance=0.01, budget=2_000, wars=1)
    assert few.verdicts().loc["theta", "verdict"] == "too few draws to say"


def test_the_noise_of_the_distance_is_that_of_draws_from_the_prior():
    found = calibrate(Normal(0.0, (0.0,)), priors={"idle": stats.norm(), **TOY_PRIORS},
                      method="prior", budget=40_000, wars=1, rng=3)  # fmt: skip
    table = found.verdicts()
    distances = []
    for k in range(60):
        z = np.sort(np.random.default_rng(k).standard_normal(round(found.ess)))
        at = (np.arange(len(z)) + 0.5) / len(z)
        distances.append(np.abs(z - special.ndtri(at)).mean())
    assert np.mean(distances) == pytest.approx(table.loc["idle", "noise"], rel=0.15)


def test_every_figure_is_held_against_what_is_predicted(fit):
    table = fit.predictive()
    assert list(table.index) == [f.id for f in FIGURES]
    assert table["inside"].all() and table["counted"].all()
    assert (table["low"] <= table["median"]).all() and (table["median"] <= table["high"]).all()
    assert (table["true_low"] >= 0).all() and np.allclose(table["found"], 1.0)
    assert table.loc["launched by B", "width_ratio"] < 0.7  # not by being vague
    # A figure that is far off is missed.
    far = [f if f.id != "killed in B" else esc.figures.replace(f, low=400.0, high=400.0)
           for f in FIGURES]  # fmt: skip
    missed = calibrate(scenario(), far, PRIORS, budget=6_000, wars=8, rng=1).predictive()
    assert not missed.loc["killed in B", "inside"] and missed.loc["launched by A", "inside"]


def test_predictions_are_of_wars_that_the_weights_do_not_know(fit):
    """The mean prediction is that of many wars at the posterior's points, within 5 errors."""
    rows = fit._rows[:, ::20].ravel()
    values = {name: column[rows] for name, column in fit.space.values(fit.points["z"]).items()}
    wars = fit.model.truths(values, 4, Seed.of(99))
    for i, figure in enumerate(FIGURES):
        own = fit.points["fresh"][..., i].mean(axis=1)
        found = float(fit._weight @ own)
        spread = math.sqrt(float(fit._weight @ (own - found) ** 2) / fit.ess)
        error = math.hypot(spread, wars[..., i].mean(axis=1).std() / math.sqrt(len(rows)))
        assert found == pytest.approx(wars[..., i].mean(), abs=5.0 * error), figure.id


def test_an_exchange_left_out_is_predicted_by_the_others():
    """A normal mean with three data: without one, and what that says of it, are known."""
    data = (1.0, 0.2, 3.0)
    found = toy(tolerance=0.0, model={"data": data}, budget=60_000, wars=1)
    table = found.leave_out()
    for i, y in enumerate(data):
        row = table.iloc[i]
        others = [d for k, d in enumerate(data) if k != i]
        mean, var = sum(others) / 3.0, 1.0 / 3.0
        law = stats.norm(mean, math.sqrt(var + 1.0))
        assert row["exchange"] == f"datum {i}"
        assert row["log_score"] == pytest.approx(law.logpdf(y), abs=0.05)
        assert row["low"] == pytest.approx(law.ppf(0.05), abs=0.12)
        assert row["high"] == pytest.approx(law.ppf(0.95), abs=0.12)
        assert row["ess"] > 500


def test_the_point_of_highest_density_is_found():
    best, value = optimise(Normal(0.0, (1.0, 2.0, 3.0)), priors=TOY_PRIORS, budget=4_000, wars=1,
                           rng=1)  # fmt: skip
    assert best["theta"] == pytest.approx(1.5, abs=0.02)
    again = optimise(Normal(0.0, (1.0, 2.0, 3.0)), priors=TOY_PRIORS, budget=4_000, wars=1, rng=1)
    assert again == (best, value)
    war = optimise(scenario(), FIGURES, PRIORS, budget=2_000, wars=4, rng=1, together="war")
    assert 0.2 < war[0][GAIN] < 1.2 and 0.3 < war[0][PROB] < 0.9


# What is refused.


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"method": "popluation"}, "unknown method 'popluation': did you mean 'population'"),
        ({"budget": 100}, "`budget` must be 3744 wars or more for 4 parameters, but got 100"),
        ({"budget": 1.5}, "`budget` must be a whole number"),
        ({"wars": 0}, "`wars` must be a whole number, 1 or more, but got 0"),
        ({"workers": -1}, "`workers` must be a whole number, 1 or more, but got -1"),
        ({"priors": {}}, "`priors` must map at least one path to a distribution"),
        ({"priors": None}, "`priors` must map at least one path to a distribution"),
        ({"together": "wars"}, "`together` must be a known one, but got 'wars': did you mean"),
        ({"figures": ()}, "at least one reported figure is needed"),
    ],
)
def test_a_bad_calibration_is_refused(how, message):
    given = {"figures": FIGURES, "priors": PRIORS, "budget": 10_000}
    with pytest.raises(EscalateError, match=message):
        calibrate(scenario(), **{**given, **how})


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({"sides.B.layers.gun.channels": stats.randint(1, 9)}, "did you mean 'guns'"),
        ({"observation.lapse": stats.beta(1, 9)}, "unknown path"),
        ({PROB: stats.norm(0.5, 2.0)}, "kill_prob"),
        ({PROB: 0.5}, "must be a frozen distribution of scipy.stats"),
        ({PROB: stats.beta(-1.0, 2.0)}, "the prior's parameters are invalid"),
        ({PROB: stats.beta(1, 2), (GAIN, PROB): stats.beta(1, 2)}, "is twice"),
    ],
)
def test_a_bad_prior_is_refused(priors, message):
    with pytest.raises(ScenarioError, match=message):
        calibrate(scenario(), FIGURES, priors, budget=10_000)


def test_what_is_no_scenario_is_refused():
    with pytest.raises(EscalateError, match="must be a Scenario or a Model, but got str"):
        calibrate("winter", priors=TOY_PRIORS)
    with pytest.raises(EscalateError, match="a model has its own figures"):
        calibrate(Normal(), shipped_figures(), TOY_PRIORS)


def test_a_method_whose_package_is_missing_says_so(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "emcee", None)
    with pytest.raises(EscalateError, match=r"needs the package emcee: pip install"):
        toy(method="emcee")


def test_reports_that_nothing_explains_are_named():
    with pytest.raises(EscalateError, match="no point explains the reports at all"):
        toy(tolerance=0.1, model={"data": (500.0,)}, method="prior", budget=3_000).summary()
