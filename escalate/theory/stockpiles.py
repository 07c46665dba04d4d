r"""Stockpiles: how much to hold, how long it lasts and how to share it out.

Demand is what raids ask of a stock. Costs are in any one unit, per item short or left over.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, signal, special, stats

from escalate.errors import EscalateError
from escalate.theory._check import Floats, Wholes, refuse, whole, within

__all__ = [
    "Demand",
    "DepletionTime",
    "DiscreteDemand",
    "Launches",
    "PipelineStock",
    "Rationing",
    "ReorderPolicy",
    "StockLevel",
    "best_reorder_policy",
    "depletion_time",
    "expected_shortage",
    "fluid_depletion_time",
    "launcher_attrition",
    "newsvendor",
    "newsvendor_cost",
    "pipeline_stock",
    "proportional_stock",
    "ration",
    "reorder_policy",
    "spread_kills",
]


class Demand(Protocol):
    """A frozen distribution of `scipy.stats`, discrete or continuous."""

    def cdf(self, x: ArrayLike, /) -> Floats:
        """Give the distribution function."""

    def sf(self, x: ArrayLike, /) -> Floats:
        """Give the survival function."""

    def ppf(self, q: ArrayLike, /) -> Floats:
        """Give quantiles."""

    def isf(self, q: ArrayLike, /) -> Floats:
        """Give quantiles from above."""

    def support(self) -> tuple[float, float]:
        """Give the least and the largest value."""

    def mean(self) -> float:
        """Give the mean."""

    def std(self) -> float:
        """Give the standard deviation."""


class DiscreteDemand(Demand, Protocol):
    """A frozen discrete distribution of `scipy.stats`, of whole numbers."""

    def pmf(self, k: ArrayLike, /) -> Floats:
        """Give chances."""


# ---------------------------------------------------------------------- one period


class StockLevel(NamedTuple):
    """The best stock for one period."""

    level: float
    """Items to hold. [items]"""

    cost: float
    """Mean cost of the period. [cost]"""


def expected_shortage(level: float, demand: Demand) -> float:
    r"""Give the mean of what demand exceeds a stock by.

    Parameters
    ----------
    level : float
        Items held. [items]
    demand : Demand
        A frozen distribution of `scipy.stats`; a discrete one must be of whole numbers.

    Returns
    -------
    float
        Mean shortage. [items]

    Raises
    ------
    EscalateError
        If `level`, or the mean or standard deviation of demand, is not finite.

    Notes
    -----
    .. math:: \mathrm E(D - S)^+ = \int_S^\infty P(D > x)\, dx

    a sum for a discrete demand; a continuous one is integrated piece by piece between
    quantiles.

    Examples
    --------
    >>> from scipy import stats
    >>> round(expected_shortage(15, stats.poisson(12)), 4)
    0.4019
    """
    start = float(within("level", level))
    mean = float(within("demand.mean()", demand.mean()))
    sd = float(within("demand.std()", demand.std()))
    if hasattr(demand, "pmf"):
        first, low = math.floor(start), float(demand.support()[0])
        last = max(math.ceil(mean + 40.0 * sd), first) + 64
        if demand.sf(last) > 1e-15:
            # The tail is too heavy to sum: what is left over follows from a sum that ends.
            bottom = math.floor(max(low, mean - 40.0 * sd))
            under = np.asarray(demand.cdf(np.arange(bottom, first + 1)))
            over = float(under[:-1].sum() + under[-1] * (start - first)) if under.size else 0.0
            return mean - start + over
        low = min(max(first, math.floor(mean - 40.0 * sd) - 1), last)
        tail = np.asarray(demand.sf(np.arange(low, last)))
        # From S to the next whole number the survival function is flat, and 1 below `low`.
        return float(tail[1:].sum() + tail[0] * (low + 1 - max(start, low)) + max(low - start, 0))
    inner = np.array([1e-12, 1e-6, 1e-3, 0.02, 0.1, 0.25, 0.5])
    knots = np.concatenate([demand.ppf(inner), demand.isf(inner[-2::-1])])
    knots = np.concatenate([[start], knots[knots > start]])
    end, tail_prob = float(knots[-1]), float(demand.sf(knots[-1]))
    total = 0.0
    for low, high in pairwise(knots):
        # Asked for more digits than there are, so that no piece costs the sum any.
        error = 1e-14 * (sd + abs(mean))
        total += integrate.quad(
            lambda x: float(demand.sf(x)), float(low), float(high), epsabs=error, epsrel=1e-12
        )[0]
    if tail_prob > 1e-300:
        # In steps over which the tail falls by a factor of e, so that any tail looks the same.
        step = float(demand.isf(tail_prob / math.e)) - end
        total += step * integrate.quad(lambda y: float(demand.sf(end + step * y)), 0, np.inf)[0]
    return total


def newsvendor_cost(level: float, holding: float, shortage: float, demand: Demand) -> float:
    r"""Give the mean cost of a stock that must last one period.

    Parameters
    ----------
    level : float
        Items held. [items]
    holding, shortage : float
        Cost of an item left over and of an item short. [cost/item]
    demand : Demand
        Demand of the period, see `expected_shortage`.

    Returns
    -------
    float
        Mean cost. [cost]

    Raises
    ------
    EscalateError
        If a cost is negative or a number not finite.

    Notes
    -----
    .. math:: h\, \mathrm E(S - D)^+ + p\, \mathrm E(D - S)^+

    Examples
    --------
    >>> from scipy import stats
    >>> round(newsvendor_cost(60, 0.18, 0.70, stats.norm(50, 8)), 4)
    2.1561
    """
    h = float(within("holding", holding, 0.0))
    p = float(within("shortage", shortage, 0.0))
    short = expected_shortage(level, demand)
    return h * (level - float(demand.mean()) + short) + p * short


def newsvendor(holding: float, shortage: float, demand: Demand) -> StockLevel:
    r"""Give the stock that costs least when it must last one period.

    Parameters
    ----------
    holding, shortage : float
        Cost of an item left over and of an item short, both positive. [cost/item]
    demand : Demand
        Demand of the period, see `expected_shortage`.

    Returns
    -------
    StockLevel

    Raises
    ------
    EscalateError
        If a cost is not positive, or the moments of demand are not finite.

    Notes
    -----
    The smallest :math:`S` with :math:`P(D \le S) \ge p / (p + h)`.

    References
    ----------
    Snyder, L. V. and Shen, Z.-J. M. (2019). Fundamentals of Supply Chain Theory, 2nd ed.,
    chapter 4. Wiley.

    Examples
    --------
    >>> from scipy import stats
    >>> best = newsvendor(0.18, 0.70, stats.norm(50, 8))
    >>> round(best.level, 4), round(best.cost, 4)
    (56.604, 1.9976)
    >>> best = newsvendor(1, 4, stats.poisson(6))
    >>> best.level, round(best.cost, 4)
    (8.0, 3.5701)
    """
    h = float(within("holding", holding, 0.0, without="low"))
    p = float(within("shortage", shortage, 0.0, without="low"))
    level = float(demand.ppf(p / (p + h)))
    return StockLevel(level, newsvendor_cost(level, h, p, demand))


# ---------------------------------------------------------------------- reordering


class ReorderPolicy(NamedTuple):
    """An (s, S) policy in its stationary state."""

    reorder_point: int
    """Order when no more than this is left at the end of a period, s. [items]"""

    order_up_to: int
    """Order up to this, S. [items]"""

    cost: float
    """Mean cost of a period. [cost]"""

    order_prob: float
    """Chance that a period ends with an order. [-]"""

    stock_probs: Floats
    """Chance of s + 1, ..., S items at the start of a period. [-]"""


def reorder_policy(
    reorder_point: int,
    order_up_to: int,
    *,
    holding: float,
    shortage: float,
    ordering: float,
    demand: Demand,
    lead_demand: Demand | None = None,
) -> ReorderPolicy:
    r"""Give the cost of ordering up to S whenever no more than s is left.

    Parameters
    ----------
    reorder_point, order_up_to : int
        The policy, s below S. [items]
    holding, shortage : float
        Cost of an item left over, and of one owed, at the end of a period. [cost/item]
    ordering : float
        Cost of an order, however large. [cost]
    demand : DiscreteDemand
        Demand of a period in whole items, period by period independent; what is not met is
        owed, not lost.
    lead_demand : DiscreteDemand, optional
        Demand of the period and of the lead time before it, if deliveries are not at once.

    Returns
    -------
    ReorderPolicy

    Raises
    ------
    EscalateError
        If s is not below S, a cost is negative, or demand is continuous or always 0.

    Notes
    -----
    The stock (on hand and ordered, less what is owed) at the start of a period is a Markov
    chain on s + 1, ..., S that starts afresh from S with each order. With :math:`m_j` the mean
    number of periods between orders that start at :math:`S - j`, and :math:`G` the cost of
    `newsvendor_cost`,

    .. math:: m_j = [j = 0] + \sum_{i=0}^j P(D = i)\, m_{j-i}, \quad
        C = \frac{K + \sum_j m_j G(S - j)}{\sum_j m_j}

    References
    ----------
    Zheng, Y.-S. and Federgruen, A. (1991). Finding optimal (s, S) policies is about as simple
    as evaluating a single policy. Operations Research 39, 654-665.

    Examples
    --------
    >>> from scipy import stats
    >>> policy = reorder_policy(4, 10, holding=1, shortage=4, ordering=5, demand=stats.poisson(6))
    >>> round(policy.cost, 4), round(policy.order_prob, 4)
    (8.0341, 0.682)
    """
    low, high = int(whole("reorder_point", reorder_point)), int(whole("order_up_to", order_up_to))
    if low >= high:
        refuse("reorder_point < order_up_to", low, low - high)
    h = float(within("holding", holding, 0.0))
    p = float(within("shortage", shortage, 0.0))
    k = float(within("ordering", ordering, 0.0))
    used, over = _discrete("demand", demand), _discrete("lead_demand", lead_demand or demand)
    visits = _visits(used, high - low)
    per_period = _period_costs(np.arange(high, low, -1), h, p, over)
    length = float(visits.sum())
    return ReorderPolicy(
        low,
        high,
        (k + float(visits @ per_period)) / length,
        1.0 / length,
        np.asarray(visits[::-1] / length),
    )


def best_reorder_policy(
    *,
    holding: float,
    shortage: float,
    ordering: float,
    demand: Demand,
    lead_demand: Demand | None = None,
) -> ReorderPolicy:
    """Find the (s, S) policy that costs least.

    Parameters
    ----------
    holding, shortage, ordering, demand, lead_demand
        As for `reorder_policy`; `holding` and `shortage` positive.

    Returns
    -------
    ReorderPolicy

    Raises
    ------
    EscalateError
        As `reorder_policy`.

    Notes
    -----
    Zheng and Federgruen's search: s falls, then rises again with S, as long as the cost of one
    period on the margin is below the mean cost; S stops where a period alone costs more.

    References
    ----------
    Zheng and Federgruen (1991), as `reorder_policy`.

    Examples
    --------
    >>> from scipy import stats
    >>> best = best_reorder_policy(holding=1, shortage=4, ordering=5, demand=stats.poisson(6))
    >>> best.reorder_point, best.order_up_to, round(best.cost, 4)
    (4, 10, 8.0341)
    """
    within("holding", holding, 0.0, without="low")
    within("shortage", shortage, 0.0, without="low")
    within("ordering", ordering, 0.0)
    used, over = _discrete("demand", demand), _discrete("lead_demand", lead_demand or demand)
    middle, width, found = int(newsvendor(holding, shortage, over).level), 64, None
    while found is None:
        stocks = np.arange(middle + width, middle - width - 1, -1)
        per_period = _period_costs(stocks, holding, shortage, over)
        found = _search(per_period, _visits(used, stocks.size), ordering)
        width *= 2
    return reorder_policy(
        int(stocks[found[0]]),
        int(stocks[found[1]]),
        holding=holding,
        shortage=shortage,
        ordering=ordering,
        demand=demand,
        lead_demand=lead_demand,
    )


def _search(per_period: Floats, visits: Floats, ordering: float) -> tuple[int, int] | None:
    """Give the places of the best s and S in a table of falling stocks, or none if it ends."""
    length = np.cumsum(visits)

    def cost(low: int, high: int) -> float:
        n = low - high
        return (ordering + float(visits[:n] @ per_period[high:low])) / float(length[n - 1])

    best_high = per_period.size // 2
    best_low = best_high + 1
    while cost(best_low, best_high) > per_period[best_low]:
        best_low += 1
        if best_low == per_period.size:
            return None
    best, high = cost(best_low, best_high), best_high - 1
    while high >= 0 and per_period[high] <= best:
        if cost(best_low, high) < best:
            best_high, best = high, cost(best_low, high)
            while best_low - 1 > best_high and best <= per_period[best_low - 1]:
                best_low -= 1
                best = cost(best_low, best_high)
        high -= 1
    return (best_low, best_high) if high >= 0 else None


def _discrete(name: str, demand: Demand) -> DiscreteDemand:
    if not hasattr(demand, "pmf"):
        raise EscalateError(f"`{name}` must be a discrete distribution, but it has no pmf")
    return cast(DiscreteDemand, demand)


def _visits(demand: DiscreteDemand, size: int) -> Floats:
    """Give the mean number of periods between orders that start so far below the top."""
    used = np.asarray(demand.pmf(np.arange(size)), dtype=float)
    if used[0] >= 1.0:
        refuse("P(demand = 0) < 1", float(used[0]), 0.0, "an order ever to be made")
    start = np.zeros(size)
    start[0] = 1.0
    return np.asarray(signal.lfilter([1.0], np.concatenate([[1.0 - used[0]], -used[1:]]), start))


def _period_costs(stocks: Wholes, h: float, p: float, demand: Demand) -> Floats:
    """Give `newsvendor_cost` of stocks that fall by one from each to the next."""
    # A stock smaller by one is short of one more whenever demand is larger than it.
    more = np.asarray(demand.sf(stocks[1:]), dtype=float)
    short = expected_shortage(int(stocks[0]), demand) + np.concatenate([[0.0], np.cumsum(more)])
    return np.asarray(h * (stocks - float(demand.mean()) + short) + p * short)


# ---------------------------------------------------------------------- running out


class DepletionTime(NamedTuple):
    """The first day at whose end nothing is left."""

    mean: float
    """Mean. [day]"""

    variance: float
    """Variance. [day^2]"""

    days: Wholes
    """Days with a chance worth the name, one after another. [day]"""

    pmf: Floats
    """Chance that it is this day, shape (days,). [-]"""


def depletion_time(stock: int, daily_mean: float) -> DepletionTime:
    r"""Give the day on which a stock runs out that loses a Poisson number of items a day.

    Parameters
    ----------
    stock : int
        Items at the start, at least 1. [items]
    daily_mean : float
        Mean use per day. [items/day]

    Returns
    -------
    DepletionTime

    Raises
    ------
    EscalateError
        If an argument is out of its range, or the day is spread over more than ten million.

    Notes
    -----
    With :math:`N_k` Poisson of mean :math:`k \lambda`,

    .. math:: P(T > k) = P(N_k < S_0), \qquad \mathrm E T = \sum_{k \ge 0} P(N_k < S_0)

    about :math:`S_0 / \lambda + 1/2`: the last day is counted whole.

    Examples
    --------
    >>> time = depletion_time(100, 7.0)
    >>> round(time.mean, 4), round(float(time.pmf[time.days == 15][0]), 4)
    (14.7857, 0.2669)
    """
    items = int(whole("stock", stock, 1))
    rate = float(within("daily_mean", daily_mean, 0.0, without="low"))
    # The time of the last item is gamma; outside these quantiles lies nothing.
    edge = 10.0 * math.sqrt(items)
    first = math.floor(max(items - edge, 0.0) / rate)
    last = math.ceil((items + edge + 60.0) / rate)
    if last - first > 10_000_000:
        refuse("days over which it may run out <= 1e7", last - first, last - first - 1e7)
    days = np.arange(first, last + 1)
    left = special.gammaincc(items, days * rate)
    gone = special.gammainc(items, days * rate)
    # The difference of whichever tail is small, lest it be lost.
    pmf = np.where(left[1:] < 0.5, left[:-1] - left[1:], gone[1:] - gone[:-1])
    mean = first + float(left.sum())
    variance = float(pmf @ (days[1:] - mean) ** 2)
    return DepletionTime(mean, variance, days[1:], np.asarray(pmf))


def fluid_depletion_time(
    stock: ArrayLike, firing_rate: ArrayLike, production_rate: ArrayLike = 0.0
) -> Floats:
    r"""Give the time that a stock lasts when it is fired and refilled at steady rates.

    Parameters
    ----------
    stock : array_like
        Items at the start. [items]
    firing_rate, production_rate : array_like
        Items used and items added per day. [items/day]

    Returns
    -------
    ndarray
        Infinite where production keeps up; in the shape that the arguments broadcast to. [day]

    Raises
    ------
    EscalateError
        If an argument is negative.

    Notes
    -----
    .. math:: S_0 / (f - g)

    The rate that can be kept up for ever is the production rate.

    Examples
    --------
    >>> round(float(fluid_depletion_time(1000, 40, 10)), 4)
    33.3333
    """
    items = within("stock", stock, 0.0)
    net = within("firing_rate", firing_rate, 0.0) - within("production_rate", production_rate, 0.0)
    lasting = np.full(np.broadcast_shapes(items.shape, net.shape), np.inf)
    return np.asarray(np.divide(items, net, out=lasting, where=net > 0.0))[()]


def proportional_stock(
    stock: ArrayLike, fraction: ArrayLike, production: ArrayLike, days: ArrayLike
) -> Floats:
    r"""Give a stock of which the same fraction is fired each day before the day's production.

    Parameters
    ----------
    stock : array_like
        Items at the start. [items]
    fraction : array_like
        Share of the stock fired each day. [1/day]
    production : array_like
        Items added each day. [items/day]
    days : array_like
        Days since the start; may be infinite. [day]

    Returns
    -------
    ndarray
        In the shape that the arguments broadcast to; `fraction` times it is fired the next
        day, in the end just the production. [items]

    Raises
    ------
    EscalateError
        If an argument is out of its range, or nothing is ever fired and `days` infinite.

    Notes
    -----
    .. math:: S_t = (1 - \varphi)^t S_0 + \frac{1 - (1 - \varphi)^t}{\varphi} g
        \;\to\; g / \varphi

    Examples
    --------
    >>> proportional_stock(1000, 0.05, 10, [0, 60, float("inf")]).round(4).tolist()
    [1000.0, 236.8558, 200.0]
    """
    items, added = within("stock", stock, 0.0), within("production", production, 0.0)
    share = within("fraction", fraction, 0.0, 1.0)
    given = np.asarray(days, dtype=float)
    forever = given == np.inf
    within("days", np.where(forever, 0.0, given), 0.0)
    if np.any(forever & (share == 0.0)):
        refuse("fraction > 0", 0.0, 0.0, "a limit in the long run")
    log_kept = special.xlog1py(given, -share)
    days_of_production = np.where(
        share > 0.0, -np.expm1(log_kept) / np.where(share > 0.0, share, 1.0), given
    )
    return np.asarray(np.exp(log_kept) * items + days_of_production * added)[()]


# ---------------------------------------------------------------------- resupply


class PipelineStock(NamedTuple):
    """A stock that is refilled one for one, in its stationary state."""

    backorders: Floats
    """Mean number of items owed. [items]"""

    fill_rate: Floats
    """Chance that an item asked for is there. [-]"""

    on_hand: Floats
    """Mean number of items there. [items]"""


def pipeline_stock(rate: ArrayLike, lead_time: ArrayLike, base_stock: ArrayLike) -> PipelineStock:
    r"""Give the service of a stock whose every item used is ordered again at once.

    Parameters
    ----------
    rate : array_like
        Rate of the Poisson demand. [items/day]
    lead_time : array_like
        Mean time until an item is replaced; its distribution does not matter. [day]
    base_stock : array_like of int
        Items there and on order, less items owed. [items]

    Returns
    -------
    PipelineStock
        Each field in the shape that the arguments broadcast to.

    Raises
    ------
    EscalateError
        If an argument is negative or `base_stock` not whole.

    Notes
    -----
    By Palm's theorem the number on order is Poisson with mean :math:`\lambda L`:

    .. math:: EBO = \sum_{k > S} (k - S) P(k), \qquad \text{fill} = P(k < S)

    References
    ----------
    Sherbrooke, C. C. (1968). METRIC: a multi-echelon technique for recoverable item control.
    Operations Research 16, 122-141.

    Examples
    --------
    >>> stock = pipeline_stock(3.0, 4.0, 15)
    >>> round(float(stock.backorders), 4), round(float(stock.fill_rate), 4)
    (0.4019, 0.772)
    """
    mean = within("rate", rate, 0.0) * within("lead_time", lead_time, 0.0)
    base = whole("base_stock", base_stock, 0)
    law = stats.poisson(mean)
    # A sum over each tail in closed form; only rounding takes one that is nothing below it.
    owed = mean * law.pmf(base) + (mean - base) * law.sf(base)
    there = base * law.pmf(base) + (base - mean) * law.cdf(base - 1)
    return PipelineStock(
        np.asarray(np.maximum(owed, 0.0))[()],
        np.asarray(law.cdf(base - 1))[()],
        np.asarray(np.maximum(there, 0.0))[()],
    )


# ---------------------------------------------------------------------- launchers


class Launches(NamedTuple):
    """Launches of a campaign whose launchers are lost one by one."""

    mean: float
    """Mean number of launches. [launches]"""

    variance: float
    """Variance of the number of launches. [launches^2]"""

    half_life: float
    """Cycles after which half of the launchers are left, in the mean. [cycles]"""


def launcher_attrition(launchers: int, loss_prob: float, cycles: int) -> Launches:
    r"""Give the launches of a campaign in which a launcher may be lost after each.

    Parameters
    ----------
    launchers : int
        Launchers at the start.
    loss_prob : float
        Chance that a launcher is lost after it has fired. [-]
    cycles : int
        Times that each fires if it lives. [cycles]

    Returns
    -------
    Launches

    Raises
    ------
    EscalateError
        If an argument is out of its range.

    Notes
    -----
    With :math:`s = 1 - q`,

    .. math:: \mathrm E = L \frac{1 - s^T}{q}, \qquad
        \mathrm{Var} = L \sum_{i, j < T} \bigl(s^{\max(i, j)} - s^{i + j}\bigr)

    Examples
    --------
    >>> fired = launcher_attrition(100, 0.08, 20)
    >>> round(fired.mean, 2), round(fired.variance, 2), round(fired.half_life, 3)
    (1014.13, 4619.87, 8.313)
    """
    many, last = int(whole("launchers", launchers, 0)), int(whole("cycles", cycles, 0))
    q = float(within("loss_prob", loss_prob, 0.0, 1.0))
    if q == 0.0:
        return Launches(float(many * last), 0.0, math.inf)
    log_kept = math.log1p(-q) if q < 1.0 else -math.inf
    # So late that no launcher is left in double precision.
    cycle = np.arange(min(last, math.ceil(750.0 / -log_kept) + 1))
    log_there = special.xlog1py(cycle, -q)
    there, lost = np.exp(log_there), -np.expm1(log_there)
    # The terms with i = j, and twice those with j < i.
    variance = float(there @ (2.0 * np.cumsum(lost) - lost))
    return Launches(
        many * (0.0 - math.expm1(last * log_kept if last else 0.0)) / q,
        many * variance,
        math.log(2.0) / -log_kept,
    )


# ---------------------------------------------------------------------- rationing


class Rationing(NamedTuple):
    """A stock shared out over waves."""

    allocation: Wholes
    """Items for each wave, if it comes, shape (waves,). [items]"""

    value: float
    """Mean gain of all waves."""


def spread_kills(weapons: ArrayLike, shots: ArrayLike, kill_prob: ArrayLike) -> Floats:
    r"""Give the mean kills of shots that are spread evenly over the weapons of a wave.

    Parameters
    ----------
    weapons : array_like of int
        Weapons in the wave. [weapons]
    shots : array_like of int
        Shots at all of them. [shots]
    kill_prob : array_like
        Chance that a shot stops the weapon it is fired at. [-]

    Returns
    -------
    ndarray
        Mean number stopped, in the shape that the arguments broadcast to. [weapons]

    Raises
    ------
    EscalateError
        If an argument is out of its range.

    Notes
    -----
    Of :math:`x = l w + r` shots, :math:`r < w`, each weapon gets :math:`l` and :math:`r` of
    them one more: :math:`w (1 - q^l) + r p q^l`.

    Examples
    --------
    >>> spread_kills(4, [0, 4, 6, 8], 0.5).tolist()
    [0.0, 2.0, 2.5, 3.0]
    """
    w, x = whole("weapons", weapons, 0), whole("shots", shots, 0)
    p = within("kill_prob", kill_prob, 0.0, 1.0)
    each, more = np.divmod(x, np.maximum(w, 1))
    log_missed = special.xlog1py(each, -p)
    kills = w * (0.0 - np.expm1(log_missed)) + more * p * np.exp(log_missed)
    return np.asarray(np.where(w > 0, kills, 0.0))[()]


def ration(stock: int, gain: ArrayLike, wave_probs: ArrayLike) -> Rationing:
    r"""Share a stock out over waves so that the mean gain is largest.

    Parameters
    ----------
    stock : int
        Items to share out. [items]
    gain : array_like, shape (stock + 1,) or (waves, stock + 1)
        Gain of spending 0, 1, ..., `stock` items on a wave, such as `spread_kills`; the same
        for all waves or each its own. It need not be concave.
    wave_probs : array_like, shape (waves,)
        Chance that the first, second, ... wave comes: ones for a known number of waves, the
        survival function of a random number. [-]

    Returns
    -------
    Rationing
        Where several allocations are best, the one that spends least on the last wave, then on
        the last but one, and so on.

    Raises
    ------
    EscalateError
        If an argument is out of its range, chances increase, or shapes do not fit.

    Notes
    -----
    Waves end for good once one fails to come, so all that is learnt on the way is that the
    game goes on, and a plan made beforehand is as good as one made wave by wave:

    .. math:: \max_{\sum x_i \le S} \sum_i P(N \ge i)\, g_i(x_i)

    by dynamic programming, in a time of order ``waves * stock**2``.

    Examples
    --------
    >>> kills = spread_kills(4, range(13), 0.5)
    >>> ration(12, kills, [1, 1, 1]).allocation.tolist()
    [4, 4, 4]
    >>> plan = ration(12, kills, [1.0, 0.5, 0.25])
    >>> plan.allocation.tolist(), plan.value
    ([8, 4, 0], 4.0)
    """
    items = int(whole("stock", stock, 0))
    chances = np.atleast_1d(within("wave_probs", wave_probs, 0.0, 1.0))
    within("-diff(wave_probs)", -np.diff(chances), 0.0, purpose="waves that come in order")
    gains = np.atleast_2d(within("gain", gain))
    if gains.shape not in ((1, items + 1), (chances.size, items + 1)) or chances.ndim != 1:
        raise EscalateError(
            f"`gain` must have shape ({items + 1},) or ({chances.size}, {items + 1}), "
            f"but it has {np.shape(gain)}"
        )
    weighted = chances[:, None] * gains
    # Best value, and what to spend on the wave for it, by items for it and the waves before.
    value, choices = np.zeros(items + 1), []
    for wave in weighted:
        totals = [wave[: m + 1] + value[m::-1] for m in range(items + 1)]
        choices.append([int(total.argmax()) for total in totals])
        value = np.array([total.max() for total in totals])
    best = float(value[items])
    allocation = np.zeros(chances.size, dtype=np.int64)
    for i in range(chances.size - 1, -1, -1):
        allocation[i] = choices[i][items]
        items -= int(allocation[i])
    return Rationing(allocation, best)
