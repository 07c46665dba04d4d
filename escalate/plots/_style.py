"""Sizes, colours and small pieces that all pictures share.

Type and lines are set outright, so that a caller's axes get them as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from escalate.comparison import number
from escalate.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ONE_COLUMN, TWO_COLUMNS = 3.54, 7.09  # 90 and 180 mm of a journal's page [inches]
SMALL, MEDIUM, LARGE = 7.0, 8.0, 9.0  # type [points]
SIDES, MARKERS = ("#0072B2", "#D55E00"), ("o", "s")
WEAPONS = ("#E69F00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#999999")  # as CATEGORIES
DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (6, 1, 1, 1)))
FITS, MISSED = ("#009E73", "o", "-"), ("#AA3377", "X", (0, (2, 1)))
INK, GREY, PALE = "#222222", "#777777", "#D4D4D4"
ROUND = [digit * 10**power for power in range(10) for digit in (1, 2, 5)]
TO = "\u2013"


def axes(ax: Axes | None, width: float, height: float, x: str = "", y: str = "") -> Axes:
    """Give axes of our type and lines, set outright so that a caller's axes get them as well."""
    if ax is None:
        import matplotlib.pyplot as plt

        from escalate.plots._layout import Layout

        ax = plt.subplots(figsize=(width, height), layout=Layout())[1]
    ax.set_xlabel(x, fontsize=MEDIUM)
    ax.set_ylabel(y, fontsize=MEDIUM)
    ax.tick_params(labelsize=SMALL, width=0.6, length=2.5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[:].set_linewidth(0.6)
    return ax


def nothing(ax: Axes, sentence: str) -> Axes:
    ax.set_yticks([])
    return write(ax, sentence, 0.5, 0.5, (0, 0), "axes fraction", ha="center")


def rows(ax: Axes, words: dict[float, str]) -> None:
    ax.set_yticks(list(words), list(words.values()), fontsize=SMALL)
    ax.tick_params(axis="y", length=0.0, pad=5.0)


def write(ax: Axes, words: str, x: float, y: float, offset: tuple[float, float] = (0, 0),
           where: Any = "data", **more: Any) -> Axes:  # fmt: skip
    look: dict[str, Any] = {"va": "center_baseline", "fontsize": SMALL, "color": INK, "zorder": 6}
    ax.annotate(words, (x, y), offset, where, "offset points", annotation_clip=False,
                **(look | more))  # fmt: skip
    return ax


def box(face: Any, edge: Any) -> Any:
    from matplotlib.patches import Patch

    return Patch(facecolor=face, edgecolor=edge, linewidth=0.4)


def line(colour: str, mark: str, dash: Any, size: float) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, marker=mark, ls=dash, markersize=size, linewidth=1.1)


def mixed(colour: str, white: float) -> tuple[float, ...]:
    """Mix a colour with white."""
    return tuple(white + (1.0 - white) * int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5))


def legend(ax: Axes, keys: dict[str, tuple[Any, ...]]) -> Axes:
    from matplotlib.legend_handler import HandlerTuple

    # About how wide the keys are in one row; where that is too wide they stand in two.
    width = sum(0.55 * SMALL * len(word) + 11.0 * len(key) + 12.0 for word, key in keys.items())
    columns = len(keys) if width < points(ax)[0] + 20.0 else math.ceil(len(keys) / 2)
    ax.legend(list(keys.values()), list(keys), loc="lower right", bbox_to_anchor=(1.0, 1.0),
              ncols=columns, fontsize=SMALL, frameon=False, borderaxespad=0.2, borderpad=0.0,
              columnspacing=1.2, handletextpad=0.5, handlelength=1.6,
              handler_map={tuple: HandlerTuple(None, pad=0.2)})  # fmt: skip
    return ax


def points(ax: Axes) -> tuple[float, float]:
    """Give width and height as they stand before the layout, in points."""
    dots = ax.get_figure(root=True).dpi / 72.0  # type: ignore[union-attr]
    return ax.bbox.width / dots, ax.bbox.height / dots


def clock(ax: Axes, scenario: Scenario) -> Callable[[Any], Any]:
    """Make x the time of a war, and give what turns its hours into x."""
    from matplotlib.dates import ConciseDateFormatter, date2num
    from matplotlib.ticker import MultipleLocator

    start, end, horizon = scenario.start, scenario.end, scenario.horizon_hours
    zero, unit, label = 0.0, 1.0, "Time since the start (h)"
    if horizon > 48.0:
        zero, unit = float(date2num(start)), 24.0  # type: ignore[no-untyped-call]
        label = f"Date in {TO.join(dict.fromkeys((f'{start:%Y}', f'{end:%Y}')))} (local time)"
        ax.xaxis_date()
        # Even steps from the first day on, of as many days as their dates need room.
        least = horizon / 24.0 / max(2.0, points(ax)[0] / 36.0)
        step = next((d for d in (1, 2, 3, 7, 14, 28, 91, 182) if d >= least), 365)
        ax.xaxis.set_major_locator(locator := MultipleLocator(step, offset=math.floor(zero)))
        words = ["%d %b"] * 4
        ax.xaxis.set_major_formatter(ConciseDateFormatter(  # type: ignore[no-untyped-call]
            locator, formats=["%Y", "%b", *words], zero_formats=["", "%b %Y", *words],
            show_offset=False,
        ))  # fmt: skip
    ax.set_xlabel(label, fontsize=MEDIUM)
    ax.set_xlim(zero, zero + horizon / unit)
    return lambda hours: zero + hours / unit


def short(value: float) -> str:
    """Write a number as short as can be."""
    if value >= 1e9:
        return f"{value / 1e9:.3g}bn"
    return number(value).replace(" million", "M").replace("-", "none")
