"""Pictures of a calibration: what was learned, whether reports fit it, whether to believe it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.calibration.checks import SBC
from escalate.calibration.fit import Fit
from escalate.calibration.which_rule import DECISIVE, RuleProbabilities
from escalate.comparison import LEVEL
from escalate.errors import EscalateError, closest
from escalate.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["posterior", "predictive", "rank_differences", "ranks", "rules"]

_WORDS = {"learned": "learned", "weakly learned": "weakly", "still the prior": "prior"}


def posterior(fit: Fit, *, ax: Axes | None = None) -> Axes:
    """Draw posterior beside prior, a row a parameter, in standard deviations of the prior.

    The pale shape with the dotted edge is the prior, which is the same for all parameters in
    normal scores, the dark one the posterior; the line below it is its central 90%, the tick its
    median. At the right stand the posterior's median and 90% interval in the parameter's own
    unit, and what was learned.

    Parameters
    ----------
    fit : Fit
        What `escalate.calibration.calibrate` gives.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import escalate as esc
    >>> from scipy import stats
    >>> from escalate.calibration import calibrate
    >>> priors = {"sides.UA.targets.pokrovsk.killed_per_hit": stats.lognorm(1.0)}
    >>> scenario = esc.load_scenario("february-2023")
    >>> fit = calibrate(scenario, priors=priors, budget=4_000, rng=1)
    >>> posterior(fit).get_xlabel()
    'Normal score under the prior (prior standard deviations)'
    """
    names = fit.names
    label = "Normal score under the prior (prior standard deviations)"
    ax = style.axes(ax, style.TWO_COLUMNS, 0.7 + 0.33 * max(len(names), 2), x=label)
    grid = np.linspace(-3.5, 3.5, 281)
    prior = np.exp(-0.5 * grid**2) / math.sqrt(2.0 * math.pi)
    z = fit.points["z"][fit._rows].reshape(-1, len(names))
    values = fit.space.values(z)
    verdicts = fit.verdicts()["verdict"]
    dark = style.SIDES[0]
    for y, name in enumerate(names):
        ax.fill_between(grid, y, y - 0.45 * prior / prior.max(), color=style.PALE, lw=0, zorder=1)
        density = _density(z[:, y], grid)
        high = 0.45 / prior.max() * density
        high *= min(1.0, 0.85 / high.max())  # a sharp peak keeps to its row
        ax.fill_between(grid, y, y - high, color=dark, alpha=0.55, lw=0, zorder=2)
        ax.plot(grid, y - high, color=dark, lw=0.8, zorder=3)
        ax.plot(grid, y - 0.45 * prior / prior.max(), color=style.GREY, lw=0.7, ls=":", zorder=3)
        ends = np.quantile(z[:, y], [0.05, 0.5, 0.95])
        ax.plot(ends[[0, 2]], [y + 0.07] * 2, color=style.INK, lw=1.1, zorder=4)
        ax.plot(ends[1], y + 0.07, "|", color=style.INK, ms=6.0, mew=1.2, zorder=4)
        own = [_signed(float(v)) for v in np.quantile(values[name], [0.5, 0.05, 0.95])]
        said = f"{own[0]} ({own[1]}{style.TO}{own[2]})"
        style.write(ax, said, 1.0, y - 0.1, (4, 0), ("axes fraction", "data"))
        word = _WORDS.get(str(verdicts[name]), "too few draws")
        style.write(ax, word, 1.0, y - 0.1, (92, 0), ("axes fraction", "data"))
    style.write(ax, f"median ({LEVEL:.0%})", 1.0, 1.0, (4, 5), "axes fraction", color=style.GREY)
    style.write(ax, "learned?", 1.0, 1.0, (92, 5), "axes fraction", color=style.GREY)
    style.rows(ax, {float(y): _name(name) for y, name in enumerate(names)})
    ax.set(xlim=(-3.5, 3.5), ylim=(len(names) - 0.6, -0.95))
    return style.legend(
        ax,
        {
            "prior": (style.box(style.PALE, style.PALE),),
            "posterior": (style.box(style.mixed(dark, 0.45), dark),),
        },
    )


def _name(path: str) -> str:
    """Write the name of a parameter short, in two lines if it is long."""
    first, *others = path.removeprefix("sides.").split(" = ")
    name = first + f" (+{len(others)})" * bool(others)
    if len(name) <= 30:
        return name
    parts = name.split(".")
    cut = max(1, min(range(1, len(parts)), key=lambda i: abs(len(".".join(parts[:i])) - 15)))
    return ".".join(parts[:cut]) + ".\n" + ".".join(parts[cut:])


def _signed(value: float) -> str:
    """Write a number short, with its sign."""
    return f"\u2212{style.short(-value)}" if value < 0.0 else style.short(value)


def _density(z: Any, grid: Any) -> Any:
    """Estimate a density with normal kernels, of Silverman's width."""
    width = max(0.9 * z.std() * len(z) ** -0.2, 0.03)
    counts, edges = np.histogram(z, bins=400, range=(-4.0, 4.0))
    middle = 0.5 * (edges[1:] + edges[:-1])
    kernel = np.exp(-0.5 * ((grid[:, None] - middle) / width) ** 2)
    return kernel @ counts / (counts.sum() * width * math.sqrt(2.0 * math.pi))


def predictive(fit: Fit, *, ax: Axes | None = None) -> Axes:
    """Draw what posterior and prior predict for every reported figure, a row a figure.

    A row's numbers are divided by the one that was reported, or by the geometric middle of a range.
    The broad bar is what the words admit, with an arrow where they leave an end open; the line is
    the central 90% of the number that would be reported, dashed if it misses the bar, with its
    median; the thin line above it is that of the prior. Zero stands apart at the left.

    Parameters
    ----------
    fit : Fit
        What `escalate.calibration.calibrate` gives.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import escalate as esc
    >>> from scipy import stats
    >>> from escalate.calibration import calibrate
    >>> priors = {"sides.UA.targets.pokrovsk.killed_per_hit": stats.lognorm(1.0)}
    >>> scenario = esc.load_scenario("february-2023")
    >>> fit = calibrate(scenario, priors=priors, budget=4_000, rng=1)
    >>> predictive(fit).get_xlabel()
    'Predicted over reported (ratio, log scale)'
    """
    table = fit.predictive()
    rows = list(zip(fit.model.figures, table.to_dict("records"), strict=True))
    name = "Predicted over reported (ratio, log scale)"
    ax = style.axes(ax, style.TWO_COLUMNS, 0.8 + 0.14 * max(len(rows), 4), x=name)
    reach = 3.0
    zero, edge = -reach - 1.0, reach + 0.4

    def place(value: float, unit: float) -> float:
        """Give x: the log of the ratio, within the scale; NaN for NaN."""
        if value > 0.0:
            return max(min(math.log2(value / unit), edge), zero + 0.7) if unit else edge
        return zero if value == 0.0 else math.nan

    for y, (figure, row) in enumerate(rows):
        named = [n for n in (figure.low, figure.high) if n is not None]
        unit = math.sqrt(named[0] * named[-1]) or max(named)
        low, high = (place(end, unit) for end in figure.bounds)
        ax.barh(y, high - low + 0.16, 0.72, low - 0.08, color=style.PALE, zorder=1)
        for end, tip, arrow in ((figure.low, low, "<"), (figure.high, high, ">")):
            if end is None:
                ax.plot(tip, y, arrow, color=style.GREY, markersize=4.0, zorder=2)
        before = [place(row[end], unit) for end in ("prior_low", "prior_high")]
        ax.plot(before, [y - 0.26] * 2, color=style.GREY, linewidth=0.7, zorder=3)
        colour, mark, dash = style.FITS if row["inside"] else style.MISSED
        ends = [place(row[end], unit) for end in ("low", "high")]
        ax.plot(ends, [y + 0.08] * 2, color=colour, linestyle=dash, linewidth=1.2, zorder=4)
        ax.plot(ends, [y + 0.08] * 2, "|", color=colour, markersize=4.5, zorder=4)
        ax.plot(place(row["median"], unit), y + 0.08, mark, color=colour, markersize=4.2,
                markeredgecolor="w", markeredgewidth=0.4, zorder=5)  # fmt: skip
        said = f"{style.short(row['low'])}{style.TO}{style.short(row['high'])}"
        if row["low"] != row["low"]:
            said = "nothing"
        style.write(ax, said, 1.0, y, (3, 0), ("axes fraction", "data"))
        ratio = row["width_ratio"]
        if ratio == ratio:
            style.write(ax, f"{ratio:.2f}", 1.0, y, (66, 0), ("axes fraction", "data"))
    style.rows(
        ax,
        {float(y): f"{figure.id} {_said(figure)}" + " *" * (not row["counted"])
         for y, (figure, row) in enumerate(rows)},
    )  # fmt: skip
    at = [-3, -2, -1, 0, 1, 2, 3]
    ax.set_xticks([zero, *at], ["0", *(f"{2**t}" if t >= 0 else f"1/{2**-t}" for t in at)])
    ax.axvline(0.0, color=style.GREY, linewidth=0.6, zorder=0)
    ax.axvline(zero + 0.5, color=style.GREY, linewidth=0.6, linestyle=":", zorder=0)
    ax.set(xlim=(zero - 0.5, edge + 0.3), ylim=(len(rows) - 0.4, -0.6))
    style.write(ax, f"{LEVEL:.0%}", 1.0, 1.0, (3, 5), "axes fraction", color=style.GREY)
    style.write(ax, "width/prior's", 1.0, 1.0, (50, 5), "axes fraction", color=style.GREY)
    if not all(row["counted"] for _, row in rows):
        note = "* revised later by its claimant, not counted"
        style.write(ax, note, 0.0, 0.0, (-110, -22), "axes fraction", color=style.GREY)
    return style.legend(
        ax,
        {
            "reported": (style.box(style.PALE, style.PALE),),
            "prior": (style.line(style.GREY, "", "-", 0.0),),
            "fits": (style.line(*style.FITS, 4.5),),
            "MISSED": (style.line(*style.MISSED, 4.5),),
        },
    )


def _said(figure: Any) -> str:
    """Say in a few words what was reported."""
    kind = figure.weapon_category
    kind = "" if kind in ("all", "unspecified") else f"{kind} "
    what = {"response_delay": "delay", "intercepted_fraction": "share stopped"}.get(
        figure.quantity, figure.quantity
    )
    words = figure.describe().partition(" (")[0].replace("exactly ", "")
    return f"{figure.attacker} {kind}{what}: {words}".replace("_", " ")


def _parameter(found: SBC, name: str | None) -> int:
    if name is None:
        return 0
    if name not in found.names:
        raise EscalateError(f"unknown parameter {name!r}: {closest(name, found.names)}")
    return found.names.index(name)


def ranks(found: SBC, parameter: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw the histogram of a parameter's ranks in simulation-based calibration.

    Uniform ranks stay within the band with a chance of 99% for each bar by itself. A cup says that
    the posterior is too narrow, a cap too wide, a slope that it is biased.

    Parameters
    ----------
    found : SBC
        What `escalate.calibration.sbc` gives.
    parameter : str, optional
        Which one; the first if not given.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        An unknown parameter.

    Examples
    --------
    >>> import numpy as np
    >>> from escalate.calibration import SBC
    >>> ranks_seen = np.random.default_rng(1).integers(0, 20, (500, 1))
    >>> none = np.zeros((500, 1))
    >>> found = SBC(["gain"], 19, ranks_seen, none, none, none, none, none[:, 0], 1.0)
    >>> ranks(found).get_ylabel()
    'Data sets'
    """
    from matplotlib.ticker import MaxNLocator
    from scipy import stats

    j = _parameter(found, parameter)
    label = f"Rank among {found.draws} posterior draws"
    ax = style.axes(ax, style.ONE_COLUMN, 2.0, label, "Data sets")
    seen = found.histogram(j)
    width = (found.draws + 1) / len(seen)
    law = stats.binom(len(found.ranks), 1.0 / len(seen))
    low, high = law.ppf([0.005, 0.995])
    ax.axhspan(low, high, color=style.PALE, lw=0, zorder=0)
    ax.axhline(law.mean(), color=style.GREY, lw=0.8, zorder=1)
    left = -0.5 + width * np.arange(len(seen))
    ax.bar(left, seen, width, align="edge", color=style.mixed(style.SIDES[0], 0.35),
           edgecolor=style.SIDES[0], linewidth=0.6, zorder=2, alpha=0.9)  # fmt: skip
    ax.plot([-0.5, found.draws + 0.5], [high] * 2, color=style.INK, lw=0.6, ls=":", zorder=3)
    ax.plot([-0.5, found.draws + 0.5], [low] * 2, color=style.INK, lw=0.6, ls=":", zorder=3)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.set(xlim=(-0.5, found.draws + 0.5), ylim=(0.0, 1.25 * max(seen.max(), high)))
    row = found.test().iloc[j]
    said = f"{_name(found.names[j]).replace(chr(10), '')}\n$\\chi^2$ p = {row['p']:.2g}"
    return style.write(ax, said, 0.02, 1.0, (0, -8), "axes fraction")


def rank_differences(found: SBC, *, ax: Axes | None = None) -> Axes:
    """Draw the distribution functions of all ranks, less that of uniform ones.

    Uniform ranks leave the band somewhere with a chance of about 5% (Kolmogorov), each parameter
    by itself.

    Parameters
    ----------
    found : SBC
        What `escalate.calibration.sbc` gives.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Examples
    --------
    >>> import numpy as np
    >>> from escalate.calibration import SBC
    >>> ranks_seen = np.random.default_rng(1).integers(0, 20, (500, 1))
    >>> none = np.zeros((500, 1))
    >>> found = SBC(["gain"], 19, ranks_seen, none, none, none, none, none[:, 0], 1.0)
    >>> rank_differences(found).get_xlabel()
    'Rank (share of draws)'
    """
    label = "Distribution function\nless uniform"
    ax = style.axes(ax, style.ONE_COLUMN, 2.2, "Rank (share of draws)", label)
    at, off, band = found.ecdf()
    ax.axhspan(-band, band, color=style.PALE, lw=0, zorder=0)
    ax.axhline(0.0, color=style.GREY, lw=0.6, zorder=1)
    colours = (*style.SIDES, *style.WEAPONS)
    at = np.concatenate([[0.0], at])
    for j, name in enumerate(found.names):
        ax.plot(at, np.concatenate([[0.0], off[:, j]]), color=colours[j % len(colours)], lw=1.1,
                ls=style.DASHES[j % len(style.DASHES)], zorder=3,
                label=_name(name).replace("\n", ""))  # fmt: skip
    most = max(1.6 * band, 1.1 * float(np.abs(off).max()))
    ax.set(xlim=(0.0, 1.0), ylim=(-most, most))
    ax.legend(fontsize=style.SMALL, frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0),
              borderpad=0.0, handlelength=2.4, labelspacing=0.25)  # fmt: skip
    return ax


def rules(found: RuleProbabilities, *, ax: Axes | None = None) -> Axes:
    """Draw how probable each rule is, and how far that depends on what was believed before.

    The dot is the probability under the priors as given, the line reaches over all priors that
    were tried. Beyond the dashed line under all of them, the data may speak for a rule.

    Parameters
    ----------
    found : RuleProbabilities
        What `rule_probabilities` or `series_rule_probabilities` gives.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from escalate.calibration import series_rule_probabilities
    >>> own, other = np.random.default_rng(1).poisson(0.5, (2, 60))
    >>> rules(series_rule_probabilities(own, other, points=1_000, rng=1)).get_xlabel()
    'Posterior probability'
    """
    names = [str(name) for name in found.table.index]
    ax = style.axes(ax, style.ONE_COLUMN, 0.8 + 0.24 * len(names), x="Posterior probability")
    ax.axvline(DECISIVE, color=style.GREY, lw=0.7, ls="--")
    for y, name in enumerate(names):
        under = found.sensitivity[name].to_numpy()
        ax.plot([under.min(), under.max()], [y, y], color=style.GREY, lw=1.6, solid_capstyle="butt")
        ax.plot(float(found.table["probability"].to_dict()[name]), y, "o", color=style.INK, ms=4.0)
    style.rows(ax, {float(y): name.replace("_", "-") for y, name in enumerate(names)})
    ax.set(xlim=(-0.03, 1.03), ylim=(len(names) - 0.5, -0.5))
    style.write(ax, found.verdict.capitalize(), 0.0, 1.0, (0, 5), "axes fraction")
    return ax
