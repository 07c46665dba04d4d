"""What the voices of both sides, and others, say of a run, in the columns of reported figures.

Claims are made from what happened and change nothing in it, so they are worked out from the
strikes of a finished run, each from the stream of its strike and its claimant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from escalate.laws.assessment import believed, known_share, rounded
from escalate.randomness import RunKey, decision, normal, uniform
from escalate.scenario import Claimant, Scenario

__all__ = ["CLAIM_COLUMNS", "claims"]

CLAIM_COLUMNS = (
    "id", "seed", "date_start", "date_end", "attacker", "defender", "place", "quantity",
    "weapon_category", "relation", "low", "high", "unit", "claimant", "note", "claimed_on",
)  # fmt: skip
"""Columns of a table of figures."""

_UNITS = {
    "launched": "weapons", "intercepted": "weapons", "hits": "weapons", "killed": "people",
    "injured": "people", "blackout_regions": "regions",
}  # fmt: skip


def claims(
    scenario: Scenario,
    key: RunKey,
    strikes: list[Mapping[str, Any]],
    places: Callable[[int], str],
    dark_regions: Callable[[int, float], int],
) -> Iterator[dict[str, Any]]:
    """Give all claims issued within the horizon, in the order of their strikes.

    Parameters
    ----------
    scenario : Scenario
        What is at war.
    key : RunKey
        The run's randomness.
    strikes : list of mapping
        A row a strike, by number.
    places : callable
        Strike to the names of the regions that it struck.
    dark_regions : callable
        Side and time to the number of its regions without power then.

    Yields
    ------
    dict
        The columns of `CLAIM_COLUMNS`, and ``strike`` and ``claimed_hours``.
    """
    sides = tuple(scenario.sides)
    voices = [
        (name, claimant, side)
        for side, member in enumerate(scenario.sides.values())
        for name, claimant in member.claimants.items()
    ]
    voices += [(name, claimant, -1) for name, claimant in scenario.claimants.items()]
    for number, strike in enumerate(strikes):
        attacker = int(strike["side"])
        if strike["launched"] == 0 or not math.isfinite(strike["last_impact_hours"]):
            continue
        for voice, (name, claimant, side) in enumerate(voices):
            if side >= 0 and claimant.speaks_as != "press":
                own = attacker if claimant.speaks_as == "attacker" else 1 - attacker
                if side != own:
                    continue
            stream = int(strike["key"]) ^ decision(f"claims of {side} {name}")
            if uniform(key.word0, key.word1, stream, 0) < claimant.silence_prob:
                continue
            for revision in range(claimant.revisions + 1):
                at = (
                    strike["last_impact_hours"]
                    + claimant.delay_hours
                    + revision * claimant.revision_hours
                )
                if at > scenario.horizon_hours:
                    break
                for i, quantity in enumerate(dict.fromkeys(claimant.quantities)):
                    casualties = quantity in ("killed", "injured")
                    if revision > 0 and not casualties:
                        continue
                    if quantity == "blackout_regions":
                        true = float(dark_regions(1 - attacker, at))
                    else:
                        column = "leaked" if quantity == "hits" else quantity
                        true = float(strike[column])
                    if casualties:
                        true *= known_share(claimant.first_share, claimant.revisions, revision)
                    z = normal(uniform(key.word0, key.word1, stream, 1 + i))
                    said = rounded(
                        believed(true, claimant.bias.get(quantity, 1.0), claimant.noise_sd_log, z),
                        claimant.rounding,
                    )
                    relation, low, high = _said(claimant, said)
                    yield {
                        "strike": number,
                        "claimed_hours": at,
                        # A name may be that of several voices.
                        "id": f"S{number}.{voice}.{name.replace(' ', '_')}.{quantity}.{revision}",
                        "seed": f"S{number}",
                        "date_start": scenario.date(strike["first_launch_hours"]).date(),
                        "date_end": scenario.date(strike["last_impact_hours"]).date(),
                        "attacker": sides[attacker],
                        "defender": sides[1 - attacker],
                        "place": places(number),
                        "quantity": quantity,
                        "weapon_category": "all",
                        "relation": relation,
                        "low": low,
                        "high": high,
                        "unit": _UNITS[quantity],
                        "claimant": name,
                        "note": f"simulated; claim {revision + 1} of {claimant.revisions + 1}",
                        "claimed_on": scenario.date(at).date(),
                    }


def _said(claimant: Claimant, said: int) -> tuple[str, float | None, float | None]:
    """Put a number into the claimant's words."""
    relation = claimant.relation
    if relation == "dozens":
        if 24 <= said <= 99:
            return relation, 24.0, 99.0
        relation = "about"
    if relation in ("at_least", "more_than"):
        if relation == "more_than" and said > 0:
            return relation, float(said - 1), None
        return "at_least", float(said), None
    return relation, float(said), float(said)
