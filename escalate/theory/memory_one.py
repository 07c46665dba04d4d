"""Play repeated 2 by 2 games: strategies that look back, and what noise does to them.

A move is C (cooperate, hold fire) or D (defect, strike). With `noise`, each move that a player
chooses comes out as the other one with that chance, independently, and both see what came out.
Payoffs are those of a prisoner's dilemma unless given.

A strategy that remembers a whole match is a generator function: it yields its move and is sent
the moves that came out, its own first. One that remembers a single round is a vector of four
chances to cooperate, after CC, CD, DC and DD, its own move first.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csgraph

from escalate.errors import EscalateError
from escalate.theory._check import Floats, refuse, vector, whole, within

__all__ = [
    "EIGHT",
    "MEMORY_ONE",
    "LongRun",
    "Match",
    "Payoffs",
    "Strategy",
    "always_cooperate",
    "always_defect",
    "cooperation",
    "cycler",
    "expected_scores",
    "generous_tit_for_tat",
    "gradual",
    "grim",
    "long_run",
    "optimal_generosity",
    "play",
    "score_matrix",
    "stationary",
    "suspicious_tit_for_tat",
    "tit_for_tat",
    "tit_for_tat_cooperation",
    "tit_for_two_tats",
    "transition_matrix",
    "win_stay_lose_shift",
]

Strategy: TypeAlias = Callable[[], Generator[str, tuple[str, str], None]]
"""A player: called for each match, it yields "C" or "D" and is sent (own move, other's move)."""

MEMORY_ONE: Mapping[str, tuple[float, float, float, float]] = MappingProxyType(
    {
        "AllC": (1.0, 1.0, 1.0, 1.0),
        "AllD": (0.0, 0.0, 0.0, 0.0),
        "TFT": (1.0, 0.0, 1.0, 0.0),
        "WSLS": (1.0, 0.0, 0.0, 1.0),
        "Grim": (1.0, 0.0, 0.0, 0.0),
    }
)
"""Chances to cooperate after CC, CD, DC and DD. Grim here forgives after CC, which noise may
bring about; the strategy `grim` never does."""


class Payoffs(NamedTuple):
    """What one round pays a player."""

    T: float = 5.0
    """Temptation: to defect on one who cooperates."""

    R: float = 3.0
    """Reward: both cooperate."""

    P: float = 1.0
    """Punishment: both defect."""

    S: float = 0.0
    """Sucker's payoff: to cooperate with one who defects."""


class Match(NamedTuple):
    """A match that was played."""

    moves: tuple[str, str]
    """What came out of each player's moves, a letter a round."""

    scores: tuple[float, float]
    """Sum of each player's payoffs."""


class LongRun(NamedTuple):
    """What two memory-one players do on average in a match without end."""

    stationary: Floats
    """Share of rounds in CC, CD, DC and DD, the first player's move first; shape (4,). [-]"""

    cooperation: Floats
    """Share of rounds in which each cooperates; shape (2,). [-]"""

    payoffs: Floats
    """Mean payoff of each per round; shape (2,)."""


# ---------------------------------------------------------------- strategies


def always_cooperate() -> Generator[str, tuple[str, str], None]:
    """Cooperate always (AllC)."""
    while True:
        yield "C"


def always_defect() -> Generator[str, tuple[str, str], None]:
    """Defect always (AllD)."""
    while True:
        yield "D"


def tit_for_tat() -> Generator[str, tuple[str, str], None]:
    """Cooperate, then do what the other did (TFT; Rapoport, in Axelrod 1980)."""
    move = "C"
    while True:
        _, move = yield move


def suspicious_tit_for_tat() -> Generator[str, tuple[str, str], None]:
    """Defect, then do what the other did (STFT)."""
    move = "D"
    while True:
        _, move = yield move


def tit_for_two_tats() -> Generator[str, tuple[str, str], None]:
    """Defect only when the other did so twice running (TF2T; Axelrod 1984)."""
    before = last = "C"
    while True:
        move = "D" if before == last == "D" else "C"
        before = last
        _, last = yield move


def grim() -> Generator[str, tuple[str, str], None]:
    """Cooperate until the other defects, then never again (Friedman)."""
    move = "C"
    while True:
        _, other = yield move
        if other == "D":
            move = "D"


def win_stay_lose_shift() -> Generator[str, tuple[str, str], None]:
    """Cooperate if both moves were the same last round, defect if not (WSLS, Pavlov)."""
    move = "C"
    while True:
        own, other = yield move
        move = "C" if own == other else "D"


def gradual() -> Generator[str, tuple[str, str], None]:
    """Punish a defection by as many as there were so far, then cooperate twice (Gradual).

    Defections during a punishment and the two rounds of calm after it count, but do not start
    another one, except the one in the last of these rounds (Beaufils, Delahaye and Mathieu
    1997).
    """
    defections = 0
    last = "C"
    while True:
        answer = "D" * defections + "CC" if last == "D" else "C"
        for move in answer:
            _, last = yield move
            defections += last == "D"


EIGHT: Mapping[str, Strategy] = MappingProxyType(
    {
        "AllC": always_cooperate,
        "AllD": always_defect,
        "TFT": tit_for_tat,
        "STFT": suspicious_tit_for_tat,
        "TF2T": tit_for_two_tats,
        "Grim": grim,
        "WSLS": win_stay_lose_shift,
        "Gradual": gradual,
    }
)
"""The deterministic strategies of this module by their usual names."""


def cycler(pattern: str) -> Strategy:
    """Make a strategy that goes through the same moves over and over.

    Parameters
    ----------
    pattern : str
        The moves, of letters C and D.

    Returns
    -------
    Strategy

    Raises
    ------
    EscalateError
        If there are none, or other letters.

    Examples
    --------
    >>> play(cycler("CCD"), tit_for_tat, 7).moves
    ('CCDCCDC', 'CCCDCCD')
    """
    if not pattern or set(pattern) - {"C", "D"}:
        raise EscalateError(f"`pattern` must be letters C and D, at least one, not {pattern!r}")

    def player() -> Generator[str, tuple[str, str], None]:
        turn = 0
        while True:
            yield pattern[turn % len(pattern)]
            turn += 1

    return player


# ---------------------------------------------------------------- matches


def play(
    first: Strategy,
    second: Strategy,
    rounds: int,
    *,
    noise: float = 0.0,
    rng: np.random.Generator | int | None = None,
    payoffs: Sequence[float] = Payoffs(),
) -> Match:
    """Play one match.

    Parameters
    ----------
    first, second : Strategy
        The players.
    rounds : int
        How many rounds, at least 1.
    noise : float, optional
        Chance that a chosen move comes out as the other one. [-]
    rng : numpy Generator or seed, optional
        Where the noise comes from; needed only with noise.
    payoffs : Payoffs, optional
        T, R, P and S.

    Returns
    -------
    Match

    Raises
    ------
    EscalateError
        If the rounds are not whole and positive, the noise no chance, or a player's move
        neither C nor D.

    References
    ----------
    R. Axelrod, The Evolution of Cooperation, Basic Books 1984.

    B. Beaufils, J.-P. Delahaye and P. Mathieu, Our meeting with Gradual, a good strategy for
    the iterated prisoner's dilemma, Artificial Life V, MIT Press 1997.

    Examples
    --------
    >>> play(gradual, always_defect, 20)
    Match(moves=('CDCCDDDDCCDDDDDDDDDD', 'DDDDDDDDDDDDDDDDDDDD'), scores=(15.0, 40.0))
    """
    total = int(whole("rounds", rounds, low=1))
    slip = float(within("noise", noise, 0.0, 1.0))
    t, r, p, s = _payoffs(payoffs)
    pays = {"CC": (r, r), "CD": (s, t), "DC": (t, s), "DD": (p, p)}
    flips = np.zeros((total, 2), dtype=bool)
    if slip > 0.0:
        flips = np.random.default_rng(rng).random((total, 2)) < slip
    players = first(), second()
    chosen = [next(player) for player in players]
    out = []
    for flip in flips.tolist():
        if set(chosen) - {"C", "D"}:
            raise EscalateError(f"a move must be C or D, but the players chose {chosen}")
        a, b = ("DC"[m == "D"] if f else m for m, f in zip(chosen, flip, strict=True))
        out.append(a + b)
        if len(out) < total:
            chosen = [players[0].send((a, b)), players[1].send((b, a))]
    scores = tuple(sum(pays[pair][i] for pair in out) for i in range(2))
    moves = tuple("".join(pair[i] for pair in out) for i in range(2))
    return Match((moves[0], moves[1]), (scores[0], scores[1]))


def score_matrix(
    strategies: Sequence[Strategy], rounds: int, *, payoffs: Sequence[float] = Payoffs()
) -> Floats:
    """Score every strategy against every other and itself, without noise.

    Parameters
    ----------
    strategies : sequence of Strategy, length n
        The players.
    rounds : int
        Rounds in each match, at least 1.
    payoffs : Payoffs, optional
        T, R, P and S.

    Returns
    -------
    ndarray of float, shape (n, n)
        Score of the strategy of the row against that of the column.

    Raises
    ------
    EscalateError
        As `play`, or if there are no strategies.

    References
    ----------
    R. Axelrod, The Evolution of Cooperation, Basic Books 1984.

    Examples
    --------
    >>> score_matrix([tit_for_tat, always_defect], 200)
    array([[600., 199.],
           [204., 200.]])
    """
    if not strategies:
        raise EscalateError("`strategies` must hold at least one, but it is empty")
    scores = np.zeros((len(strategies), len(strategies)))
    for i, first in enumerate(strategies):
        for j, second in enumerate(strategies[: i + 1]):
            scores[i, j], scores[j, i] = play(first, second, rounds, payoffs=payoffs).scores
    return scores


# ---------------------------------------------------------------- memory one


def generous_tit_for_tat(generosity: float) -> Floats:
    """Make the memory-one strategy that forgives a defection with a given chance (GTFT).

    Parameters
    ----------
    generosity : float
        Chance to cooperate after the other defected. [-]

    Returns
    -------
    ndarray of float, shape (4,)
        Chances to cooperate after CC, CD, DC and DD. [-]

    Raises
    ------
    EscalateError
        If it is no chance.

    References
    ----------
    M. A. Nowak and K. Sigmund, Tit for tat in heterogeneous populations, Nature 355 (1992)
    250-253.

    Examples
    --------
    >>> generous_tit_for_tat(0.25)
    array([1.  , 0.25, 1.  , 0.25])
    """
    q = float(within("generosity", generosity, 0.0, 1.0))
    return np.array([1.0, q, 1.0, q])


def optimal_generosity(payoffs: Sequence[float] = Payoffs()) -> float:
    """Give the most generosity of a tit-for-tat that defectors still do not profit from.

    Parameters
    ----------
    payoffs : Payoffs, optional
        T, R, P and S.

    Returns
    -------
    float
        Chance to forgive. [-]

    Raises
    ------
    EscalateError
        If it is no prisoner's dilemma: ``T > R > P > S`` and ``2 R > T + S``.

    Notes
    -----
    ``min(1 - (T - R) / (R - S), (R - P) / (T - P))``, for rare noise.

    References
    ----------
    P. Molander, The optimal level of generosity in a selfish, uncertain environment, Journal
    of Conflict Resolution 29 (1985) 611-618.

    M. A. Nowak and K. Sigmund, Tit for tat in heterogeneous populations, Nature 355 (1992)
    250-253.

    Examples
    --------
    >>> round(optimal_generosity(), 4)
    0.3333
    """
    t, r, p, s = _payoffs(payoffs)
    for claim, gap in (("T - R > 0", t - r), ("R - P > 0", r - p), ("P - S > 0", p - s)):
        if gap <= 0.0:
            refuse(claim, gap, gap, "a prisoner's dilemma")
    if 2.0 * r <= t + s:
        refuse("2 R - T - S > 0", 2.0 * r - t - s, 2.0 * r - t - s, "cooperation to pay best")
    return min(1.0 - (t - r) / (r - s), (r - p) / (t - p))


def transition_matrix(first: ArrayLike, second: ArrayLike, *, noise: float = 0.0) -> Floats:
    """Give the chances of the next round's moves after each of this one's.

    Parameters
    ----------
    first, second : array_like, shape (4,)
        Each player's chances to cooperate after CC, CD, DC and DD, own move first. [-]
    noise : float, optional
        Chance that a chosen move comes out as the other one. [-]

    Returns
    -------
    ndarray of float, shape (4, 4)
        Row: this round, column: the next, both CC, CD, DC, DD with the first player's move
        first. [-]

    Raises
    ------
    EscalateError
        If a number is no chance or there are not four.

    Notes
    -----
    A chance p to choose C makes one of ``p (1 - noise) + (1 - p) noise`` to play it.

    References
    ----------
    M. A. Nowak and K. Sigmund, Tit for tat in heterogeneous populations, Nature 355 (1992)
    250-253.

    Examples
    --------
    >>> transition_matrix(MEMORY_ONE["TFT"], MEMORY_ONE["AllD"])
    array([[0., 1., 0., 0.],
           [0., 0., 0., 1.],
           [0., 1., 0., 0.],
           [0., 0., 0., 1.]])
    """
    slip = float(within("noise", noise, 0.0, 1.0))
    p = _chances("first", first)
    q = _chances("second", second)[[0, 2, 1, 3]]  # it sees CD as DC
    # both chances from small numbers up, so that rare slips keep their digits
    play_c = [(1.0 - slip) * x + slip * (1.0 - x) for x in (p, q)]
    play_d = [(1.0 - slip) * (1.0 - x) + slip * x for x in (p, q)]
    (c1, c2), (d1, d2) = play_c, play_d
    return np.stack([c1 * c2, c1 * d2, d1 * c2, d1 * d2], axis=1)


def stationary(first: ArrayLike, second: ArrayLike, *, noise: float = 0.0) -> Floats:
    """Give the shares of rounds in CC, CD, DC and DD in the long run.

    Parameters
    ----------
    first, second : array_like, shape (4,)
        Each player's chances to cooperate after CC, CD, DC and DD, own move first. [-]
    noise : float, optional
        Chance that a chosen move comes out as the other one. [-]

    Returns
    -------
    ndarray of float, shape (4,)
        The first player's move first. [-]

    Raises
    ------
    EscalateError
        If a number is no chance, or if where the match ends up depends on how it starts, as
        it does for TFT against itself without noise.

    Notes
    -----
    Solves ``v P = v`` by the elimination of Grassmann, Taksar and Heyman, which never subtracts
    and so stays exact however rare the noise.

    References
    ----------
    W. K. Grassmann, M. I. Taksar and D. P. Heyman, Regenerative analysis and steady state
    distributions for Markov chains, Operations Research 33 (1985) 1107-1116.

    Examples
    --------
    >>> stationary(MEMORY_ONE["TFT"], MEMORY_ONE["TFT"], noise=0.05)
    array([0.25, 0.25, 0.25, 0.25])
    """
    chain = transition_matrix(first, second, noise=noise)
    classes, label = csgraph.connected_components(chain > 0.0, connection="strong")
    leaves = (chain > 0.0) & (label[:, None] != label[None, :])
    closed = sorted(set(range(classes)) - set(label[leaves.any(axis=1)].tolist()))
    if len(closed) != 1:
        refuse("recurrent classes = 1", len(closed), len(closed) - 1.0, "a single long run")
    inside = np.flatnonzero(label == closed[0])
    p = chain[np.ix_(inside, inside)]
    for k in range(len(p) - 1, 0, -1):  # leave state k out, as if only the others were watched
        p[:k, k] /= p[k, :k].sum()
        p[:k, :k] += np.outer(p[:k, k], p[k, :k])
    share = np.ones(len(p))
    for k in range(1, len(p)):
        share[k] = share[:k] @ p[:k, k]
    shares = np.zeros(4)
    shares[inside] = share / share.sum()
    return shares


def long_run(
    first: ArrayLike,
    second: ArrayLike,
    *,
    noise: float = 0.0,
    payoffs: Sequence[float] = Payoffs(),
) -> LongRun:
    """Give cooperation and payoffs of two memory-one players in the long run.

    Parameters
    ----------
    first, second : array_like, shape (4,)
        Each player's chances to cooperate after CC, CD, DC and DD, own move first. [-]
    noise : float, optional
        Chance that a chosen move comes out as the other one. [-]
    payoffs : Payoffs, optional
        T, R, P and S.

    Returns
    -------
    LongRun

    Raises
    ------
    EscalateError
        As `stationary`.

    Notes
    -----
    For generosity q against itself, cooperation is ``q' / (noise + q')`` with
    ``q' = noise + q (1 - 2 noise)``.

    References
    ----------
    P. Molander, The optimal level of generosity in a selfish, uncertain environment, Journal
    of Conflict Resolution 29 (1985) 611-618.

    Examples
    --------
    >>> gtft = generous_tit_for_tat(optimal_generosity())
    >>> result = long_run(gtft, gtft, noise=0.05)
    >>> result.cooperation, result.payoffs.round(4)
    (array([0.875, 0.875]), array([2.8594, 2.8594]))
    """
    shares = stationary(first, second, noise=noise)
    return LongRun(shares, _COOPERATES @ shares, _pay_table(payoffs) @ shares)


def cooperation(
    first: ArrayLike,
    second: ArrayLike,
    rounds: int,
    *,
    noise: float = 0.0,
    opening: ArrayLike = (1.0, 1.0),
) -> Floats:
    """Give the chance that each player cooperates in each round from the first.

    Parameters
    ----------
    first, second : array_like, shape (4,)
        Each player's chances to cooperate after CC, CD, DC and DD, own move first. [-]
    rounds : int
        How many rounds, at least 1.
    noise : float, optional
        Chance that a chosen move comes out as the other one. [-]
    opening : array_like, shape (2,), optional
        Each player's chance to choose C in the first round. [-]

    Returns
    -------
    ndarray of float, shape (rounds, 2)
        [-]

    Raises
    ------
    EscalateError
        If a number is no chance, or the rounds not whole and positive.

    Examples
    --------
    >>> tft = MEMORY_ONE["TFT"]
    >>> cooperation(tft, tft, 3, noise=0.05)[:, 0]
    array([0.95  , 0.905 , 0.8645])
    """
    chain = transition_matrix(first, second, noise=noise)
    shares = np.empty((int(whole("rounds", rounds, low=1)), 4))
    shares[0] = _opening(opening, noise)
    for t in range(1, len(shares)):
        shares[t] = shares[t - 1] @ chain
    return np.asarray(shares @ _COOPERATES.T, dtype=float)


def expected_scores(
    first: ArrayLike,
    second: ArrayLike,
    rounds: int,
    *,
    noise: float = 0.0,
    opening: ArrayLike = (1.0, 1.0),
    payoffs: Sequence[float] = Payoffs(),
) -> Floats:
    """Give the mean score of each player over a match of given length.

    Parameters
    ----------
    first, second : array_like, shape (4,)
        Each player's chances to cooperate after CC, CD, DC and DD, own move first. [-]
    rounds : int
        How many rounds, at least 1.
    noise : float, optional
        Chance that a chosen move comes out as the other one. [-]
    opening : array_like, shape (2,), optional
        Each player's chance to choose C in the first round. [-]
    payoffs : Payoffs, optional
        T, R, P and S.

    Returns
    -------
    ndarray of float, shape (2,)

    Raises
    ------
    EscalateError
        As `cooperation`.

    Notes
    -----
    ``v (I + P + ... + P^(rounds - 1)) payoff``, the sum by repeated squaring.

    Examples
    --------
    >>> tft = MEMORY_ONE["TFT"]
    >>> expected_scores(tft, tft, 200, noise=0.05).round(3)
    array([457.934, 457.934])
    """
    chain = transition_matrix(first, second, noise=noise)
    visits, power = np.zeros((4, 4)), np.eye(4)
    for digit in format(int(whole("rounds", rounds, low=1)), "b"):
        visits, power = visits + power @ visits, power @ power
        if digit == "1":
            visits, power = np.eye(4) + chain @ visits, chain @ power
        power /= power.sum(axis=1, keepdims=True)  # or its rounding doubles at each turn
    return np.asarray(_pay_table(payoffs) @ (_opening(opening, noise) @ visits), dtype=float)


def tit_for_tat_cooperation(rounds: ArrayLike, noise: ArrayLike) -> Floats:
    """Give the chance that tit-for-tat still cooperates with itself in a given round.

    Parameters
    ----------
    rounds : array_like of int
        Which round, from 1.
    noise : array_like
        Chance that a chosen move comes out as the other one. [-]

    Returns
    -------
    ndarray of float, broadcast shape
        Falls to 1/2, however rare the noise. [-]

    Raises
    ------
    EscalateError
        If a round is not whole and positive, or the noise no chance.

    Notes
    -----
    ``(1 + (1 - 2 noise)^t) / 2``.

    References
    ----------
    P. Molander, The optimal level of generosity in a selfish, uncertain environment, Journal
    of Conflict Resolution 29 (1985) 611-618.

    Examples
    --------
    >>> tit_for_tat_cooperation([1, 10, 100], 0.05).round(4)
    array([0.95  , 0.6743, 0.5   ])
    """
    t = whole("rounds", rounds, low=1)
    slip = within("noise", noise, 0.0, 1.0)
    return np.asarray((1.0 + (1.0 - 2.0 * slip) ** t) / 2.0)[()]


_COOPERATES = np.array([[1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0]])


def _payoffs(payoffs: Sequence[float]) -> tuple[float, float, float, float]:
    """Check the payoffs."""
    t, r, p, s = vector("payoffs", payoffs, 4).tolist()
    return t, r, p, s


def _pay_table(payoffs: Sequence[float]) -> Floats:
    """Give each player's payoff in CC, CD, DC and DD."""
    t, r, p, s = _payoffs(payoffs)
    return np.array([[r, s, t, p], [r, t, s, p]])


def _chances(name: str, strategy: ArrayLike) -> Floats:
    """Check a memory-one strategy."""
    return within(name, vector(name, strategy, 4), 0.0, 1.0)


def _opening(opening: ArrayLike, noise: float) -> Floats:
    """Give the chances of the first round's moves."""
    x = within("opening", vector("opening", opening, 2), 0.0, 1.0)
    a, b = (1.0 - noise) * x + noise * (1.0 - x)
    return np.array([a * b, a * (1.0 - b), (1.0 - a) * b, (1.0 - a) * (1.0 - b)])
