"""Measure how often the tests of `escalate.series` cry wolf, and what its intervals hold.

    python benchmarks/series_tests.py > benchmarks/series_tests.txt

Every row is a made-up war in which nothing is to be found, or a number that is known. A rate is the
share of replications with p of 5% or less, so 0.05 is what a test states; a coverage the share of
replications whose interval of 95% holds the truth. In brackets is one standard error of that share,
were it as stated. (Days that remember, or swing within weeks, have a response to their own past,
which is then found.) All of it takes nine minutes; with a number, only that many hundredths of the
replications are made. Every row has random numbers of its own.
"""

import math
import sys
from collections import defaultdict

import numpy as np

from escalate.series import (
    fit_excitation,
    fit_interception,
    fit_massing,
    fit_sizes,
    fit_tempo,
)

SHUFFLES = 159  # a p of 0.05, or of half of it, is as likely as that
SHARE = float(sys.argv[1]) / 100.0 if len(sys.argv) > 1 else 1.0
DAYS = np.arange(1000)


def told(title, what, replications, one):
    """Print the means of what one replication gives, by name."""
    sums, counts = defaultdict(float), defaultdict(int)
    rng = np.random.default_rng([ord(c) for c in title + what])
    for _ in range(max(1, round(SHARE * replications))):
        for name, value in one(rng).items():
            sums[name] += value
            counts[name] += 1
    parts = []
    for name, total in sums.items():
        stated = 0.95 if "holds" in name else 0.05
        error = math.sqrt(stated * (1.0 - stated) / counts[name])
        parts.append(f"{name} {total / counts[name]:.3f} ({error:.3f})")
    print(f"{title:13}{what:58}" + ", ".join(parts), flush=True)


def holds(found, truth):
    return float(found.low <= truth <= found.high)


# Tempo: strikes of 50 on days drawn with a chance that may change.


def tempo(what, chance, wait=None, times=400):
    def one(rng):
        days = np.zeros(1)
        while (days > 0.0).sum() < 10:  # the fewest that are fitted at all
            days = 50.0 * (rng.random(len(chance)) < chance)
        found = fit_tempo(days, shuffles=SHUFFLES, rng=rng)
        said = {"rate": found.pvalue <= 0.05}
        return said | ({"wait holds": holds(found.wait_days, wait)} if wait else {})

    told("tempo", what, times, one)


def renewal(what, shape, mean, n):
    def one(rng):
        when = np.cumsum(np.maximum(1, np.round(rng.gamma(shape, mean / shape, n)))).astype(int)
        days = np.zeros(when[-1] + 1)
        days[when] = 50.0
        return {"wait holds": holds(fit_tempo(days, shuffles=1, rng=rng).wait_days, mean)}

    told("tempo", what, 400, one)


flat = np.full(1000, 0.08)
tempo("one rate", flat, 12.5)
tempo("one rate, some 20 strikes", np.full(1000, 0.02), 50.0)
tempo("a rate that grows fivefold", 0.03 * np.exp(DAYS * math.log(5.0) / 1000.0))
tempo("a rate that swings by half each year", 0.08 * (1.0 + 0.5 * np.sin(DAYS / 58.0)))
tempo("a rate that swings by half every 90 days", 0.08 * (1.0 + 0.5 * np.sin(DAYS / 14.3)))
tempo("three times as many at weekends", 0.05 * np.where(DAYS % 7 >= 5, 3.0, 1.0))
tempo("all on two days of the week", np.where(DAYS % 7 >= 5, 0.3, 0.0))
tempo("three months without reports, read as 0", np.where(DAYS // 30 % 10 == 4, 0.0, 0.08))
renewal("regular waits (gamma of shape 4), 60 of them", 4.0, 12.0, 60)
renewal("bunched waits (gamma of shape 0.4), 60 of them", 0.4, 12.0, 60)


# Massing: sizes that have nothing to do with waits.


def walk(rng, n, memory):
    out = rng.normal(size=n)
    for i in range(1, n):
        out[i] = memory * out[i - 1] + math.sqrt(1.0 - memory**2) * out[i]
    return out


def massing(what, make, times=200):
    def one(rng):
        waits, sizes = make(rng)
        days = np.zeros(int(waits.sum()) + 1)
        days[np.cumsum(waits).astype(int)] = sizes
        found = fit_massing(days, shuffles=SHUFFLES, rng=rng)
        said = "do not say" not in found.verdict
        return {"rate of the verdict": said, "of before alone": found.before_pvalue <= 0.05,
                "of after alone": found.after_pvalue <= 0.05,
                "interval of before holds 0": holds(found.before, 0.0)}  # fmt: skip

    told("massing", what, times, one)


def sizes_of(rng, n, mean=30.0, k=1.0):
    return 20.0 + rng.negative_binomial(k, k / (k + mean), n)


massing("80 strikes", lambda r: (r.geometric(0.1, 80), sizes_of(r, 80)))
massing("12 strikes", lambda r: (r.geometric(0.1, 12), sizes_of(r, 12)))
massing("sizes of 20, 21 or 22", lambda r: (r.geometric(0.1, 80), r.integers(20, 23, 80)))
massing("sizes of k = 0.2", lambda r: (r.geometric(0.1, 80), sizes_of(r, 80, 60.0, 0.2)))
massing("waits of whole weeks", lambda r: (7 * r.geometric(0.5, 80), sizes_of(r, 80)))


def grown(r):
    waits = r.geometric(1.0 / np.linspace(20.0, 4.0, 80))
    return waits, sizes_of(r, 80, np.linspace(10.0, 80.0, 80))


massing("sizes grow eightfold, waits shrink to a fifth", grown)
for period in (60, 20, 10):

    def swung(r, period=period):
        swing = np.exp(0.7 * np.sin(np.arange(80) * 2.0 * math.pi / period + r.uniform(0.0, 6.3)))
        return r.geometric(1.0 / (1.0 + 9.0 / swing)), sizes_of(r, 80, 30.0 * swing)

    massing(f"both swing together every {period} strikes", swung)
massing("sizes and waits each with a memory of 0.6", lambda r: (
    np.ceil(8.0 * np.exp(0.8 * walk(r, 80, 0.6))), 20.0 + 30.0 * np.exp(walk(r, 80, 0.6))
))  # fmt: skip


# Sizes.


def sizes(what, mean, k, n, times=100):
    def one(rng):
        drawn = rng.poisson(mean, 20 * n) if k == math.inf else (
            rng.negative_binomial(k, k / (k + mean), int(20 * n / min(1.0, k)))
        )  # fmt: skip
        found = fit_sizes(drawn[drawn > 0][:n])
        if k == math.inf:
            return {"rate": "Poisson" not in found.verdict}
        none = (k / (k + mean)) ** k
        return {"mean holds": holds(found.mean, mean / (1.0 - none)),
                "k holds": holds(found.dispersion, k)}  # fmt: skip

    told("sizes", what, times, one)


for mean, k, n in ((60.0, 0.75, 400), (60.0, 0.75, 40), (4.0, 1.5, 100), (30.0, 5.0, 40),
                   (5.0, 0.3, 100), (60.0, 0.2, 30)):  # fmt: skip
    sizes(f"mean {mean:g}, k = {k:g}, {n} strikes", mean, k, n)
for mean, n in ((20.0, 200), (500.0, 200), (2.0, 100)):
    sizes(f"Poisson of {mean:g}, {n} strikes", mean, math.inf, n)


# Interception.


def interception(what, n, rho, make=None, times=80, chance=1.0):
    """`make` gives sizes, log-odds and dates."""

    def one(rng):
        launched = np.round(np.exp(rng.uniform(0.0, 5.5, n)))
        logit, when = np.full(n, chance), None
        if make is not None:
            launched, logit, when = make(rng)
        p = 1.0 / (1.0 + np.exp(-logit))
        if rho > 0.0:
            p = rng.beta(p * (1.0 - rho) / rho, (1.0 - p) * (1.0 - rho) / rho)
        found = fit_interception(launched, rng.binomial(launched.astype(int), p), when=when)
        said = {"rate": found.pvalue <= 0.05}
        if np.ptp(logit) == 0.0:
            said |= {"p holds": holds(found.probability, 1.0 / (1.0 + math.exp(-chance))),
                     "slope holds 0": holds(found.slope, 0.0)}  # fmt: skip
            said |= (
                {"rho holds": holds(found.correlation, rho)}
                if rho > 0.0
                else {"share their fate": found.correlation.low > 0.005}
            )
        return said

    told("interception", what, times, one)


def of_time(rng, swing, memory=0.0):
    """Sizes that grow fivefold over a hundred days, and a defence that changes with them."""
    t = np.linspace(0.0, 1.0, 100)
    shared = walk(rng, 100, memory) if memory else np.zeros(100)
    launched = np.ceil(np.exp(1.6 * t + 0.5 * walk(rng, 100, memory)) * rng.gamma(2.0, 4.0, 100))
    return launched, 1.0 + swing(t) + 0.5 * shared, 100.0 * t


interception("60 strikes, rho 0.1", 60, 0.1)
interception("20 strikes, rho 0.1", 20, 0.1)
interception("60 strikes, rho 0.5", 60, 0.5)
interception("60 strikes, each weapon by its own luck", 60, 0.0)
interception("60 strikes, rho 0.1, chance 0.98", 60, 0.1, chance=4.0)
interception("60 strikes of 1 to 3", 60, 0.1,
             lambda r: (r.integers(1, 4, 60).astype(float), np.full(60, 1.0), None))  # fmt: skip
interception("a defence that wears out steadily, date given", 100, 0.1,
             lambda r: of_time(r, lambda t: -2.0 * t))  # fmt: skip
interception("a defence that wears out and recovers, date given", 100, 0.1,
             lambda r: of_time(r, lambda t: 1.5 * np.sin(2.0 * math.pi * t)))  # fmt: skip
interception("a defence that changes at once half way, date given", 100, 0.1,
             lambda r: of_time(r, lambda t: -1.5 * (t > 0.5)))  # fmt: skip
interception("sizes and defence each with a memory of 0.7", 100, 0.1,
             lambda r: of_time(r, lambda t: 0.0 * t, 0.7))  # fmt: skip


# Excitation.


def excitation(what, make):
    def one(rng):
        first, second = make(rng, np.arange(400))
        found = fit_excitation(first, second, shuffles=SHUFFLES, rng=rng)
        said = {"rate of the verdict": "do not say" not in found.verdict,
                "of own": np.mean([p <= 0.05 for p in found.own_pvalue]),
                "cross holds 0": np.mean([holds(e, 0.0) for e in found.cross])}  # fmt: skip
        return said

    told("excitation", what, 60, one)


def days_of(rng, mean, k=2.0):
    return 1.0 * rng.negative_binomial(k, k / (k + mean))


def swinging(period, size=0.6):
    return lambda r, t: [
        days_of(r, 20.0 * np.exp(size * np.sin(2.0 * math.pi * t / period)), 4.0) for _ in range(2)
    ]


def remembering(rng, t, memory=0.7):
    return [days_of(rng, 15.0 * np.exp(0.7 * walk(rng, len(t), memory)), 4.0) for _ in range(2)]


def gappy(rng, t):
    both = [days_of(rng, np.full(len(t), 20.0)) for _ in range(2)]
    for one in both:
        one[rng.random(len(t)) < 0.2] = np.nan
        begin = rng.integers(50, 300)
        one[begin : begin + 25] = np.nan
    return both


def weekly(rng, t):
    return [days_of(rng, 20.0 * np.where((t + shift) % 7 < 2, 2.5, 1.0)) for shift in (0, 3)]


excitation("nothing but chance", lambda r, t: [days_of(r, np.full(len(t), 20.0)) for _ in "ab"])
excitation("k = 0.3", lambda r, t: [days_of(r, np.full(len(t), 20.0), 0.3) for _ in "ab"])
excitation("sparse: 0.2 a day", lambda r, t: [days_of(r, np.full(len(t), 0.2)) for _ in "ab"])
excitation("a fifth of days without report, and a month", gappy)
excitation("both grow tenfold", lambda r, t: [days_of(r, 5.0 * np.exp(t / 174.0)) for _ in "ab"])
excitation("each with a memory of 0.7", remembering)
excitation("both swing together every year", swinging(365))
excitation("both swing together every 90 days", swinging(90))
excitation("both swing together every 30 days", swinging(30))
excitation("each has its busy days of the week", weekly)


def answered(own, cross):
    """The second takes up a known part of either's excess over a flat trend."""
    weights = 0.5 ** (np.arange(14) / 2.0)
    weights /= weights.sum()

    def one(rng):
        n = 600
        first, second = days_of(rng, np.full(n, 20.0), 3.0), np.zeros(n)
        excess = np.zeros((2, n + 14))  # two weeks before the first day are as usual
        excess[0, 14:] = np.log1p(first) - np.log1p(first).mean()
        for day in range(n):
            past = excess[:, day : day + 14] @ weights[::-1]
            second[day] = days_of(rng, 20.0 * math.exp(own * past[1] + cross * past[0]), 3.0)
            excess[1, day + 14] = math.log1p(second[day]) - math.log1p(17.0)
        found = fit_excitation(first, second, shuffles=SHUFFLES, rng=rng)
        return {
            "cross holds": holds(found.cross[1], cross),
            "own holds": holds(found.own[1], own),
            "found (no rate of errors)": found.cross_pvalue[1] <= 0.05,
        }

    return one


for own, cross in ((0.0, 0.3), (0.0, 1.0), (0.4, 0.3)):
    told("excitation", f"an answer of {cross:g} and a memory of {own:g}, 600 days", 60,
         answered(own, cross))  # fmt: skip
