"""Pictures of variants against a base: the numbers drawn are those of the table."""

import numpy as np
import pytest

import escalate as esc
from escalate.errors import EscalateError
from escalate.pairing import compare
from escalate.plots.pairing import differences
from tests.small_wars import ordered, side, war

VOWS = {f"sides.RU.retaliations.{vow}.rule": "never" for vow in ("vow", "vow_hypersonic")}


@pytest.fixture(scope="module")
def pairing():
    """Give two variants of the winter exchange."""
    return compare(
        esc.load_scenario("winter-2023-24"), VOWS, {"sides.UA.retaliations.missiles.rule": "never"},
        names=["no vow", "no missiles"], replications=60, rng=1,
    )  # fmt: skip


def drawn(ax):
    """Give (low, middle, high) of every interval and (low, high) of every bar, from the top."""
    middles = [line.get_xdata()[0] for line in ax.lines
               if len(line.get_xdata()) == 1 and len(line.get_ydata()) == 1]  # fmt: skip
    ends = [line.get_xdata() for line in ax.lines if line.get_linewidth() == 1.1]
    bars = [line.get_xdata() for line in ax.lines if line.get_linewidth() == 4.0]
    return np.array([(e[0], m, e[1]) for m, e in zip(middles, ends, strict=True)]), np.array(bars)


def test_differences_of_one_unit_are_drawn_in_it(pairing):
    ax = differences(pairing)
    table = pairing.differences(["killed", "injured"])
    intervals, bars = drawn(ax)
    rows = table.set_index(["outcome", "variant"])
    order = [(o, v) for v in ("no vow", "no missiles") for o in rows.index.unique("outcome")]
    rows = rows.loc[order]
    np.testing.assert_allclose(intervals, rows[["low", "difference", "high"]])
    wide = rows["unpaired_half_width"].to_numpy()
    np.testing.assert_allclose((bars[:, 1] - bars[:, 0]) / 2.0, wide)
    assert ax.get_xlabel() == "Difference from the base (people)"
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels == ["Killed, RU", "Killed, UA", "Injured, RU", "Injured, UA"]
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["no vow", "no missiles", "without common luck"]
    ax.figure.draw_without_rendering()


def test_differences_of_several_units_are_drawn_as_shares_of_the_base(pairing):
    outcomes = ["killed.UA", "cost_usd.RU", "reproduction_number.UA", "strikes.UA"]
    ax = differences(pairing, outcomes, variants="no vow", simultaneous=True)
    table = pairing.differences(outcomes, variants="no vow", simultaneous=True)
    intervals, _ = drawn(ax)
    expected = table[["low", "difference", "high"]].div(table["mean_base"], axis=0) * 100.0
    np.testing.assert_allclose(intervals, expected)
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels == [
        "Killed, UA (people)", "Cost, RU (USD)", "Reproduction number, UA", "Strikes, UA",
    ]  # fmt: skip
    assert ax.texts[-1].get_text() == "Bonferroni 95% intervals, 60 pairs"
    notes = [text.get_text() for text in ax.texts]
    assert "bn (" in notes[1]
    row = table.iloc[0]
    assert notes[0].startswith(f"\u2212{abs(row['difference']):.1f} (")


def test_what_cannot_be_drawn_is_said(pairing):
    ax = differences(pairing, ["blackout_hours.RU", "strikes.UA"], variants="no missiles")
    assert ax.texts[0].get_text() == "0 in every pair"
    peace, strike = (war(side(), side(), *calendar) for calendar in ((), (ordered(1.0, drone=5),)))
    from_nothing = compare(peace, strike, replications=3, rng=1)
    ax = differences(from_nothing, ["strikes.A", "cost_usd.A", "response_delay_hours.A"])
    notes = [text.get_text() for text in ax.texts]
    assert notes[0] == "+1 in every pair, base 0: not drawn"
    assert notes[2] == "no value"
    ax.figure.draw_without_rendering()


def test_it_draws_on_the_axes_it_is_given(pairing):
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    assert differences(pairing, "killed", ax=ax) is ax


def test_unknown_names_are_refused(pairing):
    with pytest.raises(EscalateError, match="did you mean 'killed'"):
        differences(pairing, "kiled")
    with pytest.raises(EscalateError, match="did you mean 'no vow'"):
        differences(pairing, variants="no vows")
