"""Strike tables made up here, and where to find a real one."""

import os
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

HEADER = (
    "time_start,time_end,model,launch_place,target,target_main,launched,destroyed,not_reach_goal,"
    "still_attacking,border_crossing,is_shahed,num_hit_location,num_fall_fragment_location,carrier,"
    "turbojet,turbojet_destroyed,affected region,destroyed_details,launched_details,"
    "launch_place_details,source"
)
FOLDER = Path(__file__).parents[1] / "../shared/data/strikes"


def real(name):
    """Give the path of a real table, or skip the test."""
    path = Path(os.environ.get("ESCALATE_STRIKES", FOLDER)) / name
    if not path.is_file():
        pytest.skip(f"no {name}: set ESCALATE_STRIKES to the folder it is in")
    return path


def attack(start, end, model, launched, destroyed, lost="", details="", source="kpszsu/posts/a"):
    """Give a row as the table of attacks has it."""
    cells = [""] * len(HEADER.split(","))
    for name, value in {
        "time_start": start, "time_end": end, "model": model, "launched": launched,
        "destroyed": destroyed, "not_reach_goal": lost, "border_crossing": "{}",
        "affected region": "\"['North', 'South']\"", "target": "North",
        "launched_details": f'"{details}"' if details else "",
        "destroyed_details": "\"{'east': NaN, 'north': 2}\"", "source": source,
    }.items():  # fmt: skip
        cells[HEADER.split(",").index(name)] = str(value)
    return ",".join(cells)


def write(path, rows, header=HEADER, end="\n"):
    path.write_text("\n".join([header, *rows]) + end, encoding="utf-8")
    return path


def attacks(days=500, seed=1, start=date(2023, 1, 1), growth=0.0):
    """Give the rows of a made-up war, the newest first: drones most nights, missiles in masses."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(days):
        day = start + timedelta(days=i)
        before = day - timedelta(days=1)
        size = int(rng.negative_binomial(2.0, 2.0 / (2.0 + 20.0 * np.exp(growth * i))))
        if size:
            shot = int(rng.binomial(size, rng.beta(8.0, 2.0)))
            rows.append(attack(f"{before} 20:00", f"{day} 06:00", "Shahed-136/131", size, shot))
        if rng.random() < 0.1:
            size = 20 + int(rng.poisson(20.0))
            shot = int(rng.binomial(size, 0.7))
            rows.append(attack(f"{day} 03:00", f"{day} 07:00", "X-101/X-555", size, shot))
        if rng.random() < 0.3:
            rows.append(attack(f"{day}", f"{day}", "Iskander-M", 1 + int(rng.poisson(1.0)), 0))
    return rows[::-1]
