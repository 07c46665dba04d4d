"""A war of the size of winter-2023-24 as a good researcher would write it in SimPy.

Nothing of the library is used: SimPy processes, a numpy Generator, plain classes. The model is
the same in outline (nightly and daily strikes, a barrage, waves, groups flying through layers
with channels, deadlines and magazines, damage, casualties, assessment, threshold answers),
written in the idiom of the SimPy documentation.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np
import simpy


@dataclass
class Weapon:
    """A class of munition."""

    category: str
    stock: int
    speed: float
    reliability: float = 1.0
    vulnerability: float = 1.0
    damage: float = 0.3
    lethality: float = 1.0


@dataclass
class Layer:
    """A belt of defence with so many channels."""

    kill: dict[str, float]
    channels: int
    cycle: float
    window: dict[str, float]
    shots: int = 1
    magazine: float = np.inf
    regions: tuple[str, ...] = ()
    free: list[float] = field(default_factory=list)


@dataclass
class Target:
    """A set of sites in a region."""

    region: str
    depth: float
    sites: int
    killed: float
    injured: float
    damage: np.ndarray | None = None


class Side:
    """A belligerent."""

    def __init__(self, weapons, layers, targets):
        self.weapons = weapons
        self.layers = layers
        self.targets = targets
        self.killed = 0
        self.injured = 0
        for layer in layers:
            layer.free = [0.0] * layer.channels
            heapq.heapify(layer.free)
        for target in targets.values():
            target.damage = np.zeros(target.sites)


class War:
    """The exchange."""

    def __init__(self, rng, hours):
        self.env = simpy.Environment()
        self.rng = rng
        self.hours = hours
        self.sides = {"RU": russia(), "UA": ukraine()}
        self.log = []

    def run(self):
        """Fight the war."""
        self.env.process(self.weekly_barrage())
        self.env.process(
            self.routine(
                "RU",
                1.0,
                "shahed",
                45,
                6.0,
                4,
                5.0,
                {"odesa": 2.0, "kharkiv": 1.0, "dnipro": 1.0, "kyiv": 1.0, "kyiv_grid": 1.0},
            )
        )
        self.env.process(
            self.routine(
                "RU",
                0.3,
                "shahed",
                8,
                50.0,
                1,
                0.0,
                {"kyiv_defence": 1.0, "kharkiv": 1.0, "odesa": 1.0},
            )
        )
        for side, size, targets in (
            ("RU", 67, {"zaporizhzhia": 1.0}),
            ("UA", 40, {"districts": 1.0, "bryansk": 1.0}),
        ):
            self.env.process(self.shelling(side, size, targets))
        self.env.run(until=self.hours)
        return self

    def other(self, side):
        """Give the other side's name."""
        return "UA" if side == "RU" else "RU"

    def weekly_barrage(self):
        """Launch the large strike once a week."""
        while True:
            yield self.env.timeout(24.0)
            loads = {"kh101": 95, "kh22": 8, "iskander": 14, "kinzhal": 5, "shahed": 36}
            self.env.process(
                self.strike(
                    "RU",
                    loads,
                    12,
                    16.2,
                    {
                        "kyiv": 3.0,
                        "kyiv_grid": 2.0,
                        "kharkiv": 2.0,
                        "dnipro": 1.5,
                        "odesa": 1.5,
                        "lviv": 1.0,
                        "lviv_grid": 1.0,
                        "arms_industry": 2.0,
                        "airfields": 1.0,
                        "kyiv_defence": 0.2,
                    },
                )
            )
            yield self.env.timeout(144.0)

    def routine(self, side, per_day, weapon, size, dispersion, waves, duration, targets):
        """Strike at a rate."""
        while True:
            yield self.env.timeout(self.rng.exponential(24.0 / per_day))
            count = max(1, self.rng.negative_binomial(dispersion, dispersion / (dispersion + size)))
            self.env.process(self.strike(side, {weapon: count}, waves, duration, targets))

    def shelling(self, side, size, targets):
        """Shell every day."""
        while True:
            count = max(1, self.rng.negative_binomial(20, 20 / (20 + size)))
            self.env.process(self.strike(side, {"artillery": count}, 12, 23.0, targets))
            yield self.env.timeout(24.0)

    def strike(self, side, loads, waves, duration, targets):
        """Launch waves; when all have landed, let the other side answer."""
        own = self.sides[side]
        totals = {"launched": 0, "killed": 0, "cruise": False}
        severity = self.rng.gamma(8.0, 1 / 8.0)
        raids = []
        shares = np.array(list(targets.values())) / sum(targets.values())
        for wave in range(waves):
            for name, load in loads.items():
                weapon = own.weapons[name]
                count = (wave + 1) * load // waves - wave * load // waves
                count = min(count, weapon.stock)
                if count <= 0:
                    continue
                weapon.stock -= count
                totals["launched"] += count
                totals["cruise"] |= weapon.category == "cruise"
                flying = self.rng.binomial(count, weapon.reliability)
                split = self.rng.multinomial(flying, shares)
                for target, n in zip(targets, split, strict=True):
                    if n:
                        raids.append(
                            self.env.process(
                                self.raid(side, name, target, int(n), totals, severity)
                            )
                        )
            if wave + 1 < waves:
                yield self.env.timeout(duration / (waves - 1))
        yield self.env.all_of(raids)
        self.env.process(self.answer(self.other(side), totals))

    def raid(self, side, name, target_name, count, totals, severity):
        """Fly weapons of one kind through the layers to their target."""
        defender = self.sides[self.other(side)]
        weapon = self.sides[side].weapons[name]
        target = defender.targets[target_name]
        impact = self.env.now + target.depth / weapon.speed
        layers = [
            layer
            for layer in defender.layers
            if layer.kill.get(weapon.category, 0) > 0
            and (not layer.regions or target.region in layer.regions)
        ]
        for i, layer in enumerate(layers):
            ahead = sum(later.window[weapon.category] for later in layers[i:])
            yield self.env.timeout(max(impact - ahead - self.env.now, 0.0))
            left = 0
            prob = layer.kill[weapon.category] * weapon.vulnerability
            for _ in range(count):
                begin = max(layer.free[0], self.env.now)
                if begin > self.env.now + layer.window[weapon.category] or layer.magazine < 1:
                    left += 1
                    continue
                heapq.heapreplace(layer.free, begin + layer.cycle)
                shots = min(layer.shots, layer.magazine)
                layer.magazine -= shots
                if self.rng.random() >= 1 - (1 - prob) ** shots:
                    left += 1
            self.log.append((self.env.now, side, name, target_name, "stopped", count - left))
            count = left
            if not count:
                return
        yield self.env.timeout(max(impact - self.env.now, 0.0))
        for site in self.rng.integers(0, target.sites, count):
            target.damage[site] += (1 - target.damage[site]) * weapon.damage
        killed = self.rng.poisson(count * target.killed * weapon.lethality * severity)
        injured = self.rng.poisson(count * target.injured * weapon.lethality * severity)
        defender.killed += killed
        defender.injured += injured
        totals["killed"] += killed
        self.log.append((self.env.now, side, name, target_name, "through", count))
        self.log.append((self.env.now, side, name, target_name, "killed", killed))

    def answer(self, side, totals):
        """Answer what crosses a threshold."""
        yield self.env.timeout(4.0 if side == "RU" else 1.0)
        if side == "UA" and totals["cruise"]:
            self.env.process(self.later(3.0, side, {"rocket": 9}, 2, 0.5, {"belgorod": 1.0}))
            self.env.process(
                self.later(
                    18.0,
                    side,
                    {"tochka": 6, "guided": 11},
                    3,
                    2.0,
                    {"districts": 10.0, "kursk": 1.2, "sevastopol": 1.2},
                )
            )
            if totals["launched"] > 120:
                self.env.process(
                    self.later(
                        6.5,
                        side,
                        {"long_drone": 36},
                        3,
                        3.0,
                        {"moscow": 1.0, "bryansk": 1.5, "oryol": 1.0, "kursk": 1.5},
                    )
                )
            if totals["killed"] >= 15:
                self.env.process(self.later(6.5, side, {"rocket": 38}, 1, 0.0, {"belgorod": 1.0}))
        if side == "RU" and totals["killed"] >= 5:
            self.env.process(
                self.later(
                    self.rng.exponential(9.0),
                    side,
                    {"shahed": 30},
                    2,
                    3.0,
                    {"kyiv": 1.0, "kharkiv": 1.0},
                )
            )
            if totals["killed"] >= 10:
                self.env.process(
                    self.later(
                        70.0,
                        side,
                        {"kh101": 61, "kh22": 3, "iskander": 18},
                        5,
                        4.0,
                        {"kyiv": 3.0, "kyiv_grid": 1.0, "kharkiv": 2.0, "dnipro": 0.5},
                    )
                )
                self.env.process(
                    self.later(
                        72.0, side, {"kinzhal": 10}, 1, 0.0, {"kyiv": 1.0, "kyiv_defence": 1.0}
                    )
                )

    def later(self, hours, *strike):
        """Strike after a while."""
        yield self.env.timeout(hours)
        self.env.process(self.strike(*strike))


def russia():
    """Give one side."""
    return Side(
        {"kh101": Weapon("cruise", 10**6, 750.0, 0.97, damage=0.7),
         "kh22": Weapon("cruise", 10**6, 3600.0, vulnerability=0.1, lethality=2.0),
         "iskander": Weapon("ballistic", 10**6, 5000.0, damage=0.8),
         "kinzhal": Weapon("hypersonic", 10**6, 7000.0, damage=0.9),
         "shahed": Weapon("drone", 10**6, 180.0, lethality=0.4),
         "artillery": Weapon("artillery", 10**6, 2000.0, damage=0.02)},
        [Layer({"ballistic": 0.87, "cruise": 0.9, "drone": 0.8}, 5, 0.01,
               {"ballistic": 0.008, "cruise": 0.05, "drone": 0.3},
               regions=("belgorod", "districts")),
         Layer({"drone": 0.85, "cruise": 0.7, "ballistic": 0.5}, 40, 0.1,
               {"drone": 1.0, "cruise": 0.2, "ballistic": 0.02},
               regions=("bryansk", "kursk", "oryol", "moscow")),
         Layer({"cruise": 0.85, "ballistic": 0.7, "drone": 0.85}, 12, 0.05,
               {"cruise": 0.1, "ballistic": 0.02, "drone": 0.5}, regions=("sevastopol",))],
        {"belgorod": Target("belgorod", 35, 60, 0.98, 5.0),
         "districts": Target("districts", 15, 200, 0.02, 0.1),
         "bryansk": Target("bryansk", 30, 200, 0.03, 0.1),
         "kursk": Target("kursk", 90, 20, 0.02, 0.1),
         "oryol": Target("oryol", 170, 20, 0.05, 0.3),
         "moscow": Target("moscow", 450, 60, 0.05, 0.3),
         "sevastopol": Target("sevastopol", 200, 30, 0.1, 0.5)},
    )  # fmt: skip


def ukraine():
    """Give the other."""
    return Side(
        {"long_drone": Weapon("drone", 10**6, 150.0), "rocket": Weapon("ballistic", 10**6, 3500.0),
         "tochka": Weapon("ballistic", 10**6, 4000.0), "guided": Weapon("cruise", 10**6, 900.0),
         "artillery": Weapon("artillery", 10**6, 2000.0, damage=0.02)},
        [Layer({"drone": 0.15}, 200, 0.0, {"drone": 0.5}),
         Layer({"hypersonic": 0.83, "ballistic": 0.8, "cruise": 0.5}, 24, 0.03,
               {"hypersonic": 0.02, "ballistic": 0.02, "cruise": 0.15}, 2, regions=("kyiv",)),
         Layer({"cruise": 0.69, "drone": 0.55}, 90, 0.1, {"cruise": 0.15, "drone": 0.6}),
         Layer({"drone": 0.8}, 120, 0.15, {"drone": 0.4})],
        {"zaporizhzhia": Target("zaporizhzhia", 30, 400, 0.015, 0.06),
         "kharkiv": Target("kharkiv", 40, 80, 0.3, 5.9),
         "dnipro": Target("dnipro", 130, 80, 1.7, 4.5),
         "odesa": Target("odesa", 200, 60, 1.7, 4.0),
         "kyiv": Target("kyiv", 230, 150, 0.3, 5.9),
         "lviv": Target("lviv", 490, 80, 1.2, 4.0),
         "kyiv_grid": Target("kyiv", 230, 15, 0.1, 1.0),
         "lviv_grid": Target("lviv", 490, 15, 0.1, 1.0),
         "arms_industry": Target("dnipro", 130, 40, 1.2, 3.5),
         "airfields": Target("dnipro", 130, 30, 0.4, 1.0),
         "kyiv_defence": Target("kyiv", 230, 12, 0.3, 0.6)},
    )  # fmt: skip


def main(days=7.0, seed=1):
    """Fight one war and say what it cost."""
    war = War(np.random.default_rng(seed), days * 24.0).run()
    return war


if __name__ == "__main__":
    fought = main()
    print(len(fought.log), {name: side.killed for name, side in fought.sides.items()})
