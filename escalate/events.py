"""What can happen, and the row that it leaves in the log.

The log is tidy: a row per fact, its `kind` saying what `count` and `value` mean.
"""

from __future__ import annotations

__all__ = ["CAUSES", "COLUMNS", "KINDS"]

KINDS: dict[str, str] = {
    "strike": "a strike is decided: `count` weapons allotted, `value` wanted",
    "unmet": "a wanted strike finds nothing it may launch: `value` wanted",
    "held": "a truce holds a strike back: `value` wanted",
    "threat": "an answer is announced: `value` weapons threatened",
    "launched": "`count` weapons leave in a wave",
    "dud": "`count` of them fail",
    "strayed": "`count` of them pass through a third party's airspace, and fly on",
    "shots": "a layer spends `count` interceptors (or engagements, if electronic)",
    "unengaged": "`count` weapons pass a layer that had no free channel or shot for them",
    "intercepted": "a layer stops `count` weapons",
    "leaked": "`count` weapons reach their target",
    "damage": "a target loses `value` whole sites' worth; `count` different sites are hit",
    "killed": "`count` people are killed",
    "injured": "`count` people are injured",
    "magazine_lost": "`count` interceptors are destroyed in store",
    "blackout": "`count` 1: a region goes dark; 0: it has power again after `value` hours",
    "restriction": "`count` 1: preventive restrictions come into force; 0: they end",
    "assessed": "a strike is believed to have launched `count` and killed `value`",
    "missed": "a strike goes unnoticed",
    "false_alarm": "a strike is believed in that never was, of `value` weapons",
    "decided": "a rule is asked and wants `count` answering strikes of `value` weapons",
    "rung": "a side moves to rung `count`",
    "produced": "`count` rounds are made or supplied since the last such row",
    "delivered": "`count` rounds, interceptors or channels arrive by the calendar",
    "resupplied": "a layer is resupplied with `count` interceptors since the last such row",
    "permission": "a side's permissions change",
    "truce": "`count` 1: a truce begins; 0: it ends",
}
"""Kinds of row, in the order of their numbers, and what their `count` and `value` are."""

CAUSES = ("routine", "massed", "probe", "ordered", "answer")
"""Why a strike is made, in the order of their numbers."""

COLUMNS: dict[str, str] = {
    "time_hours": "time since the scenario's start [h]",
    "kind": "what happened, one of `KINDS`",
    "side": "side that did it (strike, launched, dud, strayed, leaked, ...) or that it happened to",
    "strike": "id of the strike, -1 for none",
    "provoked_by": "id of the strike that provoked that one, -1 for none",
    "wave": "wave of the strike, from 0; -1 for none",
    "weapon": "name of the weapon, empty for none",
    "layer": "name of the defence layer, empty for none",
    "target": "name of the target, empty for none",
    "region": "name of the region, empty for none",
    "count": "whole number, see `KINDS`",
    "value": "number, see `KINDS`",
}
"""Columns of the log and their meaning."""
