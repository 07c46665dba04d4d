"""Axes laid out in the same places to the last bit, whatever was drawn before."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox


class Layout(ConstrainedLayoutEngine):
    """Matplotlib's constrained layout, its places rounded to a billionth of the figure.

    Its solver takes unknowns in the order of their addresses in memory, so that a place is the
    same from process to process only up to its last bits, which now and then colour a pixel.
    """

    def execute(self, fig: Figure) -> Any:
        """Lay out the figure's axes."""
        grids = super().execute(fig)
        parts = list(fig.subfigs)
        for part in parts:
            parts += part.subfigs
            part.bbox_relative.set_points(part.bbox_relative.get_points().round(9))
        for ax in fig.axes:
            laid_out = ax.get_in_layout()
            ax.set_position(Bbox(ax.get_position(original=True).get_points().round(9)), "original")
            ax.set_in_layout(laid_out)  # which setting a position takes away
        return grids
