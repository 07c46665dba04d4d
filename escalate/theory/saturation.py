r"""Saturation: what a defence never engages because its channels are busy.

A channel engages one weapon at a time. Whatever is not engaged leaks; an engaged weapon leaks
as well if the engagement fails, see `total_leak_prob`. Times may be in any unit, rates in its
inverse.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from escalate.errors import EscalateError
from escalate.theory._check import Floats, Wholes, whole, within

__all__ = [
    "QueueLeakage",
    "burst_engaged",
    "channels_needed",
    "deadline_queue",
    "erlang_a",
    "erlang_b",
    "total_leak_prob",
]

Cycle: TypeAlias = Literal["fixed", "exponential"]
Counted: TypeAlias = Literal["begun", "completed"]


def total_leak_prob(unengaged_prob: ArrayLike, kill_prob: ArrayLike) -> Floats:
    r"""Give the chance that a weapon gets through, unengaged or missed.

    Parameters
    ----------
    unengaged_prob : array_like
        Chance that it is never engaged. [-]
    kill_prob : array_like
        Chance that an engagement stops it. [-]

    Returns
    -------
    ndarray
        In the shape that the arguments broadcast to. [-]

    Raises
    ------
    EscalateError
        If a chance is not between 0 and 1.

    Notes
    -----
    .. math:: B + (1 - B)(1 - p)

    Examples
    --------
    >>> round(float(total_leak_prob(erlang_b(6, 4.0), 0.8)), 4)
    0.2937
    """
    unengaged = within("unengaged_prob", unengaged_prob, 0.0, 1.0)
    missed = 1.0 - within("kill_prob", kill_prob, 0.0, 1.0)
    return np.asarray(unengaged + (1.0 - unengaged) * missed)[()]


# ---------------------------------------------------------------------- no waiting


def erlang_b(channels: ArrayLike, offered: ArrayLike) -> Floats:
    r"""Give the share of arrivals that find all channels busy, where none can wait.

    Parameters
    ----------
    channels : array_like of int
        Channels.
    offered : array_like
        Offered load, arrivals per mean time that an engagement takes. [erlang]

    Returns
    -------
    ndarray
        In the shape that the arguments broadcast to. [-]

    Raises
    ------
    EscalateError
        If `channels` is no whole number or `offered` negative.

    Notes
    -----
    Arrivals are Poisson; only the mean of the engagement times counts. The recursion
    :math:`B(c, a) = a B(c - 1, a) / (c + a B(c - 1, a))`, :math:`B(0, a) = 1`, is summed as

    .. math:: 1 / B(c, a) = \sum_{k=0}^c \prod_{j<k} \frac{c - j}{a}

    in logarithms, all terms being positive. Takes time and memory in proportion to `channels`.

    References
    ----------
    Erlang, A. K. (1917). Solution of some problems in the theory of probabilities of
    significance in automatic telephone exchanges. Elektroteknikeren 13.

    Examples
    --------
    >>> round(float(erlang_b(6, 4.0)), 4)
    0.1172
    """
    count = whole("channels", channels, 0)
    return np.asarray(special.expit(-_log_idle(count, within("offered", offered, 0.0))))[()]


def _log_idle(channels: Wholes, offered: Floats) -> Floats:
    """Give the logarithm of the odds that an Erlang loss system has a free channel."""

    def one(c: int, a: float) -> float:
        if c == 0:
            return -math.inf
        if a == 0.0:
            return math.inf
        return float(special.logsumexp(np.cumsum(np.log(np.arange(c, 0, -1) / a))))

    pairs = np.broadcast(channels, offered)
    return np.array([one(c, a) for c, a in pairs], dtype=float).reshape(pairs.shape)


def channels_needed(offered: float, unengaged_prob: float) -> int:
    """Give the fewest channels that keep the loss of `erlang_b` to a given share.

    Parameters
    ----------
    offered : float
        Offered load. [erlang]
    unengaged_prob : float
        Largest share of arrivals that may find all channels busy, above 0. [-]

    Returns
    -------
    int

    Raises
    ------
    EscalateError
        If `offered` is negative, or the share not above 0 and at most 1.

    Examples
    --------
    >>> channels_needed(10.0, 0.02)
    17
    """
    a = float(within("offered", offered, 0.0))
    most = float(within("unengaged_prob", unengaged_prob, 0.0, 1.0, without="low"))
    channels, loss = 0, 1.0
    while loss > most:
        channels += 1
        loss = a * loss / (channels + a * loss)
    return channels


def burst_engaged(
    raid: ArrayLike,
    channels: ArrayLike,
    cycle_time: ArrayLike,
    window: ArrayLike,
    *,
    cycle: Cycle = "fixed",
    counted: Counted = "begun",
) -> Floats:
    r"""Give the mean number of weapons engaged out of a raid that arrives all at once.

    Parameters
    ----------
    raid : array_like of int
        Weapons that arrive. [weapons]
    channels : array_like of int
        Channels, all free at first.
    cycle_time : array_like
        Time that an engagement keeps a channel, or its mean. [time]
    window : array_like
        Time until the weapons are out of reach. [time]
    cycle : {"fixed", "exponential"}, optional
        The law of the cycle time.
    counted : {"begun", "completed"}, optional
        Whether an engagement counts that is begun by the end of the window, or only one that
        is completed by then; the very end of the window counts in both.

    Returns
    -------
    ndarray
        Mean number engaged; the rest, and of these the share not killed, leak. [weapons]

    Raises
    ------
    EscalateError
        If `cycle_time` is not positive or another argument out of its range.

    Notes
    -----
    With :math:`n` weapons, :math:`c` channels, window :math:`T` and cycle :math:`\tau`, fixed
    cycles engage :math:`\min\{n, c \lfloor T / \tau \rfloor\}` completely and begin :math:`c`
    more. Of exponential ones :math:`\min\{n, c + \mathrm{Poi}(cT/\tau)\}` are begun, for
    while weapons wait channels are freed at the rate :math:`c / \tau`; completed are
    :math:`\min\{n - c, \mathrm{Poi}(cT/\tau)\}` and of the last :math:`c` those that end in
    what time remains. Cycles may overrun the window by a billionth of one: three of a tenth
    fit three tenths.

    Examples
    --------
    >>> burst_engaged(60, 6, 8.0, 30.0, counted="completed").item()
    18.0
    >>> burst_engaged(60, 6, 8.0, 30.0, cycle="exponential").round(4).item()
    28.5
    """
    n = whole("raid", raid, 0).astype(float)
    c = whole("channels", channels, 0).astype(float)
    cycles = within("window", window, 0.0) / within("cycle_time", cycle_time, 0.0, without="low")
    if counted not in ("begun", "completed"):
        raise EscalateError(f"`counted` must be 'begun' or 'completed', but it is {counted!r}")
    if cycle == "fixed":
        rounds = np.floor(cycles + 1e-9) + (counted == "begun")
        return np.asarray(np.minimum(n, c * rounds))[()]
    if cycle != "exponential":
        raise EscalateError(f"`cycle` must be 'fixed' or 'exponential', but it is {cycle!r}")
    queued = np.maximum(n - c, 0.0)
    freed = c * cycles
    # Mean of the lesser of `queued` and a Poisson number, a sum of positive terms.
    served = freed * _poisson_at_least(queued - 1.0, freed, False)
    served = served + queued * _poisson_at_least(queued, freed, True)
    served = np.where(queued > 0.0, served, 0.0)
    if counted == "begun":
        return np.asarray(np.minimum(n, c) + served)[()]
    return np.asarray(served + _last_completed(n, c, queued, cycles))[()]


def _poisson_at_least(count: Floats, mean: Floats, at_least: bool) -> Floats:
    """Give the chance that a Poisson number is, or is not, at least a count."""
    law = special.gammainc if at_least else special.gammaincc
    edge = np.asarray(count <= 0.0)
    return np.where(edge, float(at_least), law(np.where(edge, 1.0, count), mean))


def _last_completed(n: Floats, c: Floats, queued: Floats, cycles: Floats) -> Floats:
    """Give the mean number completed of the weapons that have a channel once none waits."""
    last = np.minimum(n, c)
    # The queue is empty after an Erlang time S with `queued` stages of rate c; each of the
    # last then ends within T - S with chance 1 - exp(S - T), averaged over S < T.
    with np.errstate(divide="ignore", invalid="ignore"):
        stages = np.maximum(queued, 1.0)
        tilted = (
            stages * -np.log1p(-1.0 / c)
            - cycles
            + np.log(special.gammainc(stages, (c - 1.0) * cycles))
        )
        alone = special.xlogy(stages, cycles) - special.gammaln(stages + 1.0) - cycles
    over = np.exp(np.where(c > 1.0, tilted, alone))
    done = special.gammainc(stages, c * cycles) - over
    return np.where(queued > 0.0, last * np.maximum(done, 0.0), last * -np.expm1(-cycles))


# ---------------------------------------------------------------------- waiting


class QueueLeakage(NamedTuple):
    """Steady state of channels before which weapons wait, but not for ever."""

    unengaged_prob: Floats
    """Chance that a weapon leaks because no channel came free in time. [-]"""

    wait_prob: Floats
    """Chance that an arriving weapon finds all channels busy. [-]"""

    mean_wait: Floats
    """Mean wait of all weapons, until engaged or gone. [time]"""

    mean_wait_engaged: Floats
    """Mean wait of those that are engaged. [time]"""

    occupancy: Floats
    """Mean share of channels that are busy. [-]"""


def deadline_queue(
    arrival_rate: ArrayLike, engagement_rate: ArrayLike, channels: ArrayLike, deadline: ArrayLike
) -> QueueLeakage:
    r"""Give the steady state of channels before which every weapon waits the same time at most.

    Parameters
    ----------
    arrival_rate : array_like
        Rate of the Poisson arrivals, possibly more than the channels can handle. [1/time]
    engagement_rate : array_like
        Inverse of the mean of the exponential engagement times. [1/time]
    channels : array_like of int
        Channels, at least 1.
    deadline : array_like
        Time within which an engagement must begin; 0 is the Erlang loss system. [time]

    Returns
    -------
    QueueLeakage
        Each field in the shape that the arguments broadcast to.

    Raises
    ------
    EscalateError
        If `engagement_rate` is not positive or another argument out of its range.

    Notes
    -----
    The queue M/M/c+D, served first come, first served. The wait :math:`V` that would be
    offered to an arrival has, above 0, the density :math:`\lambda P_{c-1} e^{\lambda
    \min(v, D) - c \mu v}`, with :math:`P_{c-1}` the chance that all channels but one are
    busy; a weapon leaks if :math:`V > D`. With :math:`B` of `erlang_b` and
    :math:`\kappa = \lambda - c \mu`, of any sign,

    .. math:: P(V > D) = \frac{(\lambda / c\mu)\, e^{\kappa D}}
        {1 / B(c - 1) + \lambda \int_0^D e^{\kappa v} dv + (\lambda / c\mu)\, e^{\kappa D}}

    References
    ----------
    Barrer, D. Y. (1957). Queuing with impatient customers and ordered service. Operations
    Research 5, 650-656.

    Baccelli, F. and Hebuterne, G. (1981). On queues with impatient customers. In Performance
    '81, 159-179. North-Holland.

    Examples
    --------
    >>> queue = deadline_queue(8.0, 2.0, 6, deadline=0.25)
    >>> round(float(queue.unengaged_prob), 4), round(float(queue.mean_wait), 4)
    (0.0375, 0.0296)
    """
    arrivals = within("arrival_rate", arrival_rate, 0.0)
    service = within("engagement_rate", engagement_rate, 0.0, without="low")
    c = whole("channels", channels, 1)
    limit = within("deadline", deadline, 0.0)
    ratio = arrivals / (c * service)
    x = (arrivals - c * service) * limit
    # All terms over the largest of them, or overload and idleness would overflow.
    log_idle = np.minimum(np.logaddexp(0.0, _log_idle(c - 1, arrivals / service)), 1e300)
    top = np.maximum(log_idle, np.maximum(x, 0.0))
    idle = np.exp(log_idle - top)
    scale = np.exp(np.maximum(x, 0.0) - top)
    some = arrivals * limit * special.exprel(-np.abs(x)) * scale
    gone = ratio * np.exp(x - top)
    total = idle + some + gone
    waited = arrivals * limit**2 * _first_moment(x) * scale
    unengaged = gone / total
    engaged = idle + some
    return QueueLeakage(
        np.asarray(unengaged)[()],
        np.asarray((some + gone) / total)[()],
        np.asarray((waited + gone * limit) / total)[()],
        np.asarray(waited / engaged)[()],
        np.asarray(ratio * (engaged / total))[()],
    )


def _first_moment(x: Floats) -> Floats:
    """Give the integral of u exp(x u) over 0 < u < 1, over exp(max(x, 0))."""
    size = np.maximum(np.abs(x), 1.0)
    # By parts, unless the terms all but cancel; then by Kummer's series.
    large = np.where(
        x > 0.0,
        (size + np.expm1(-size)) / size**2,
        -(size * np.exp(-size) + np.expm1(-size)) / size**2,
    )
    near = np.clip(x, -1.0, 1.0)
    small = 0.5 * special.hyp1f1(2.0, 3.0, near) * np.exp(-np.maximum(near, 0.0))
    return np.where(np.abs(x) > 1.0, large, small)


def erlang_a(
    arrival_rate: ArrayLike, engagement_rate: ArrayLike, channels: ArrayLike, loss_rate: ArrayLike
) -> QueueLeakage:
    r"""Give the steady state of channels before which weapons are lost to the queue at a rate.

    Parameters
    ----------
    arrival_rate : array_like
        Rate of the Poisson arrivals, possibly more than the channels can handle. [1/time]
    engagement_rate : array_like
        Inverse of the mean of the exponential engagement times. [1/time]
    channels : array_like of int
        Channels, at least 1.
    loss_rate : array_like
        Rate at which each waiting weapon goes out of reach or its track is lost. [1/time]

    Returns
    -------
    QueueLeakage
        Each field in the shape that the arguments broadcast to.

    Raises
    ------
    EscalateError
        If `engagement_rate` or `loss_rate` is not positive, or another argument out of its
        range.

    Notes
    -----
    The queue M/M/c+M: a birth-death chain with deaths at the rate :math:`\min(n, c) \mu +
    \max(n - c, 0) \theta`, summed in logarithms as far as double precision sees; with
    :math:`L_q` waiting weapons in the mean, :math:`\theta L_q / \lambda` leak. Takes time and
    memory in proportion to `channels` and to the length that the queue reaches, of the order
    of :math:`\max(\lambda - c \mu, 0) / \theta + 10 \sqrt{\lambda / \theta}`.

    References
    ----------
    Palm, C. (1957). Research on telephone traffic carried by full availability groups. Tele 1.

    Examples
    --------
    >>> queue = erlang_a(200 / 60, 1 / 3, 13, loss_rate=0.2)
    >>> round(float(queue.unengaged_prob), 4), round(float(queue.wait_prob), 4)
    (0.025, 0.2258)
    """
    pairs = np.broadcast(
        within("arrival_rate", arrival_rate, 0.0),
        within("engagement_rate", engagement_rate, 0.0, without="low"),
        whole("channels", channels, 1),
        within("loss_rate", loss_rate, 0.0, without="low"),
    )
    columns = np.array([_erlang_a(*pair) for pair in pairs], dtype=float).T
    return QueueLeakage(*(column.reshape(pairs.shape)[()] for column in columns.reshape(5, -1)))


def _erlang_a(
    arrivals: float, service: float, channels: int, loss: float
) -> tuple[float, float, float, float, float]:
    capacity = channels * service
    if arrivals == 0.0:
        return 0.0, 0.0, 0.0, 0.0, 0.0
    # Weights of 0, 1, ... waiting against all channels busy, up to where nothing is left: ten
    # standard deviations past the top of a Poisson shape, or the decay of an idle queue.
    length = 10.0 * math.sqrt(arrivals / loss) + 60.0
    if arrivals < capacity:
        length = min(length, 60.0 + 40.0 / math.log(capacity / arrivals))
    length += max(arrivals - capacity, 0.0) / loss
    waiting = np.arange(math.ceil(length) + 1)
    deaths = capacity + waiting * loss
    logs = np.concatenate([[0.0], np.cumsum(np.log(arrivals / deaths[1:]))])
    log_idle = float(_log_idle(np.asarray(channels), np.asarray(arrivals / service)))
    top = max(float(logs.max()), log_idle)
    weights = np.exp(logs - top)
    idle = math.exp(log_idle - top)
    busy = float(weights.sum())
    queue = float(waiting @ weights)
    # Who joins behind k others is engaged if k + 1 times a channel comes free before the
    # weapon itself is lost, and then waits for as many events, each exponential.
    reached = capacity / (capacity + (waiting + 1) * loss)
    waits = np.cumsum(1.0 / (capacity + (waiting + 1) * loss))
    engaged = idle + float(weights @ reached)
    return (
        loss * queue / (arrivals * (idle + busy)),
        busy / (idle + busy),
        queue / (arrivals * (idle + busy)),
        float(weights @ (reached * waits)) / engaged,
        min(arrivals * engaged / (idle + busy) / capacity, 1.0),
    )
