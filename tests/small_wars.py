"""Wars small enough to be worked out by hand, from parts that do nothing unless told to."""

from datetime import datetime, timedelta

import escalate as esc
from escalate.events import KINDS

START = datetime(2024, 1, 1)


def clock(hours):
    """Give the date at a time of the clock."""
    return START + timedelta(hours=hours)


def drone(**changes):
    """Give a weapon that always works and does no harm."""
    return esc.Weapon(**{"category": "drone", "stock": 1000, **changes})


def side(**changes):
    """Give a side with a thousand drones and a town at the border, which does nothing."""
    parts = {
        "weapons": {"drone": drone()},
        "regions": {"border": esc.Region()},
        "targets": {"town": esc.Target(category="urban", region="border")},
        "plans": {"raid": esc.Plan(targets={"town": 1.0})},
    }
    return esc.Side(**{**parts, **changes})


def war(first, second, *calendar, hours=240.0, **changes):
    """Let A and B fight for ten days."""
    return esc.Scenario(
        sides={"A": first, "B": second}, start=START, end=clock(hours), calendar=calendar, **changes
    )


def ordered(hours, side="A", plan="raid", **counts):
    """Order a strike; without counts by its plan."""
    return esc.OrderedStrike(at=clock(hours), side=side, plan=plan, counts=counts)


def answering(rule, *of, plan="raid", hours=0.0, **changes):
    """Give a side's retaliations: one, by a rule of the catalogue or a `Rule`."""
    names = {"delay_hours", "delay", "answers_mean", "review_hours", "slip_prob"}
    how = {name: changes.pop(name) for name in names & set(changes)}
    if not isinstance(rule, esc.Rule):
        rule = esc.Rule(rule, *of, **changes)
    return {"answer": esc.Retaliation(rule=rule, plan=plan, **{"delay_hours": hours, **how})}


def story(run, *kinds):
    """Tell what happened, as (hours, kind, count) in order; of some kinds only if named."""
    names = list(KINDS)
    log = run.tables["log"]
    return [
        (round(time, 9), names[kind], count)
        for time, kind, count in zip(
            log["time_hours"].tolist(), log["kind"].tolist(), log["count"].tolist(), strict=True
        )
        if not kinds or names[kind] in kinds
    ]


def count(run, kind):
    """Sum `count` over the log's rows of a kind."""
    return int(run.rows(kind)["count"].sum())
