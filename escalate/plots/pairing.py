"""Pictures of variants against a base."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from escalate.pairing import Pairing
from escalate.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["differences"]

_LOOKS = tuple(zip(("#0072B2", "#D55E00", "#009E73", "#AA3377", "#000000"), "osD^v", strict=True))
_HARM = ("killed", "injured")


def differences(
    pairing: Pairing,
    outcomes: str | Iterable[str] | None = None,
    *,
    variants: str | Iterable[str] | None = None,
    simultaneous: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw what each variant changes: the mean difference of outcomes with its interval.

    Outcomes of one unit are drawn in it; of different units, as a share of the base's mean, taken
    as known. The grey bar behind an interval is the one that as many wars without common luck
    would have given. What was found stands to the right, in the outcome's own unit.

    Parameters
    ----------
    pairing : Pairing
        What `compare` gave.
    outcomes : str or iterable of str, optional
        Outcomes (``killed``) or columns (``killed.UA``); people killed and injured if not given
        and held, or else all.
    variants : str or iterable of str, optional
        Which; all if not given.
    simultaneous : bool, optional
        Draw intervals that hold all at once, see `Pairing.differences`.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Axes

    Raises
    ------
    EscalateError
        Unknown outcome or variant.

    Examples
    --------
    >>> import escalate as esc
    >>> from escalate.pairing import compare
    >>> pairing = compare(
    ...     esc.load_scenario("two-equal-sides"),
    ...     {"sides.A.retaliations.answer.rule": "never"},
    ...     replications=50,
    ...     rng=1,
    ... )
    >>> differences(pairing).get_xlabel()
    'Difference from the base (people)'
    """
    if outcomes is None:
        outcomes = [name for name in _HARM if name in pairing.base.data] or None
    table = pairing.differences(outcomes, variants=variants, simultaneous=simultaneous)
    columns = list(dict.fromkeys(table["outcome"]))
    names = list(dict.fromkeys(table["variant"]))
    units = {column: _unit(pairing, column) for column in columns}
    one = len(set(units.values())) == 1
    step = 1.0 / (len(names) + 1.0)
    height = 0.75 + 0.17 * len(columns) * (len(names) + 0.8)
    words = f"({_unit_word(units[columns[0]])})" if one else "(% of the base's mean)"
    ax = style.axes(ax, style.TWO_COLUMNS, height, x=f"Difference from the base {words}")
    ax.axvline(0.0, color=style.INK, linewidth=0.6, zorder=1)
    keys: dict[str, tuple[Any, ...]] = {}
    for row in table.to_dict("records"):
        k = names.index(row["variant"])
        colour, mark = _LOOKS[k % len(_LOOKS)]
        y = -columns.index(row["outcome"]) - step * (k + 1.0) + 0.5
        scale = 1.0 if one else abs(row["mean_base"]) / 100.0
        keys[str(row["variant"])] = (style.line(colour, mark, "-", 3.0),)
        note = _note(row)
        if row["replications"] > 1 and (scale > 0.0 or row["difference"] == row["half_width"] == 0):
            scale = scale or 1.0
            at, half, wide = (
                row[name] / scale for name in ("difference", "half_width", "unpaired_half_width")
            )
            ax.plot([at - wide, at + wide], [y, y], color=style.PALE, linewidth=4.0, zorder=2,
                    solid_capstyle="butt")  # fmt: skip
            ax.plot([at - half, at + half], [y, y], color=colour, linewidth=1.1, zorder=3)
            ax.plot([at - half, at + half], [y, y], "|", color=colour, markersize=4.0, zorder=3)
            ax.plot(at, y, mark, color=colour, markersize=3.0, zorder=4)
        elif scale == 0.0:
            note += ", base 0: not drawn"
        style.write(ax, note, 1.0, y, (6, 0), ax.get_yaxis_transform(), ha="left")
    for i in range(1, len(columns)):
        ax.axhline(0.5 - i, color=style.PALE, linewidth=0.5, zorder=0)
    style.rows(ax, {-float(i): _label(c, units[c], one) for i, c in enumerate(columns)})
    ax.set_ylim(0.5 - len(columns), 0.5)
    keys["without common luck"] = (_bar(),)
    style.legend(ax, keys)
    title = f"{'Bonferroni ' if simultaneous else ''}{100.0 * pairing.level:g}% intervals"
    pairs = f"{pairing.replications:,} pairs"
    return style.write(ax, f"{title}, {pairs}", 1.0, 1.0, (6, 2), "axes fraction", ha="left",
                       va="bottom", color=style.GREY)  # fmt: skip


def _bar() -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=style.PALE, linewidth=4.0, solid_capstyle="butt")


def _note(row: Any) -> str:
    """Say difference and interval, with two digits of the half width."""
    if row["replications"] < 2:
        return "no value"
    values = np.array([row["difference"], row["low"], row["high"]])
    if row["half_width"] == 0.0:
        return f"{values[0]:+,.4g} in every pair" if values[0] else "0 in every pair"
    unit, suffix = next(
        (u for u in ((1e9, "bn"), (1e6, "M")) if np.abs(values).max() >= u[0]), (1.0, "")
    )
    digits = 1 - int(np.floor(np.log10(row["half_width"] / unit)))
    at, low, high = (
        f"{round(v / unit, digits):+,.{max(digits, 0)}f}".replace("-", "\u2212") for v in values
    )
    return f"{at}{suffix} ({low} to {high})"


def _unit(pairing: Pairing, column: str) -> str:
    name = column.partition(".")[0]
    return str(pairing.base.dataset[name].attrs["units"])


def _unit_word(unit: str) -> str:
    return {"1": "no unit"}.get(unit, unit)


def _label(column: str, unit: str, one: bool) -> str:
    name, *where = column.split(".")
    for ending in ("_usd", "_hours", "_sites"):
        name = name.removesuffix(ending)
    words = ", ".join([name.replace("_", " ").capitalize(), *(w.replace("_", " ") for w in where)])
    return words if one or unit in ("1", name) else f"{words} ({unit})"
