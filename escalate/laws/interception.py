"""What a layer of the defence stops, weapon by weapon.

Saturation has no formula here: a weapon is engaged if a channel comes free before the end
of its window and the magazine holds a shot, first come, first served.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence, Sequence

from escalate._compile import law
from escalate.randomness import beta, uniform, uniforms

__all__ = ["common_kill_prob", "engage", "may_engage"]


@law
def may_engage(rank: int, magazine: int, hold_below: int) -> bool:
    """Tell whether a layer spends shots on a category when it is running short.

    Parameters
    ----------
    rank : int
        Place of the category among the layer's priorities, 0 the most urgent.
    magazine : int
        Interceptors left; negative for no limit.
    hold_below : int
        Below so many only rank 0 is engaged.

    Returns
    -------
    bool
    """
    return rank == 0 or magazine < 0 or magazine >= hold_below


@law
def common_kill_prob(
    key0: int, key1: int, stream: int, prob: float, concentration: float, up_prob: float
) -> float:
    """Draw the kill probability that all shots of one layer at one raid share.

    Parameters
    ----------
    key0, key1, stream : int
        The run and the stream of this raid at this layer.
    prob : float
        Mean kill probability while the layer works. [-]
    concentration : float
        Sum of the beta's shapes; 0 for no scatter. [-]
    up_prob : float
        Chance that the layer works at all. [-]

    Returns
    -------
    float
        0 with chance 1 - up_prob, else Beta(prob c, (1 - prob) c). [-]

    Notes
    -----
    Independent shots are the limit of a large concentration; a small one makes counts of
    kills over-dispersed (beta-binomial), as reported ones are.
    """
    if up_prob < 1.0 and uniform(key0, key1, stream, 0) >= up_prob:
        return 0.0
    if concentration <= 0.0 or prob <= 0.0 or prob >= 1.0:
        return prob
    # Two more streams, apart from this one in a bit that no decision's name sets alone.
    return beta(
        key0, key1, stream ^ 1, stream ^ 2, prob * concentration, (1.0 - prob) * concentration
    )


@law
def engage(
    key0: int,
    key1: int,
    kill_stream: int,
    cycle_stream: int,
    track_stream: int,
    first_index: int,
    free_at: MutableSequence[float],
    first_channel: int,
    channels: int,
    looks: Sequence[int],
    first_look: int,
    look_count: int,
    now: float,
    count: int,
    kill_prob: float,
    track_prob: float,
    window_hours: float,
    cycle_hours: float,
    exponential: int,
    completed: int,
    magazine: int,
) -> tuple[int, int, int]:
    """Send weapons of one kind that arrive together through one layer.

    Parameters
    ----------
    key0, key1, kill_stream, cycle_stream, track_stream : int
        The run and the streams of this strike at this layer.
    first_index : int
        Index of the first draw on them.
    free_at : sequence of float, changed in place
        When each channel comes free. [h]
    first_channel, channels : int
        The layer's channels in `free_at`.
    looks : sequence of int
        Shots at each look.
    first_look, look_count : int
        The layer's looks in `looks`.
    now : float
        Arrival. [h]
    count : int
        Weapons that arrive. [weapons]
    kill_prob : float
        Chance that one shot stops one weapon. [-]
    track_prob : float
        Chance that a weapon can be stopped at all; shots at an untracked one are wasted. [-]
    window_hours, cycle_hours : float
        Time in the layer, and time that one look takes. [h]
    exponential : int
        Whether the cycle time is exponential with that mean, else fixed.
    completed : int
        Whether a look must be completed by the end of the window, else begun.
    magazine : int
        Interceptors left; negative for no limit. [shots]

    Returns
    -------
    tuple of int
        Weapons stopped, shots spent, weapons never engaged.

    Notes
    -----
    A queue with `channels` servers in which a customer leaves after `window_hours`: taking
    arrivals in order, the one before it in time decides when a channel comes free, so
    arrivals may be handled one at a time. A channel stays with its weapon over all looks.
    Shots are set aside in the same order, those of a weapon's later looks before the next
    weapon's first; a look that would not be completed in time, where it must be, is not begun.
    A billionth of an hour is let go at the end of the window, so that three cycles of ten
    minutes fit half an hour whenever it starts.

    With `window_hours` 0 and exponential cycles it is the Erlang loss system.
    """
    stopped = 0
    spent = 0
    unengaged = 0
    deadline = now + window_hours + 1e-9
    end = first_channel + channels
    idle = first_channel  # no channel before this one is free now
    block = first_index >> 1
    even, odd = uniforms(key0, key1, kill_stream, block)
    for i in range(count):
        index = first_index + i * look_count
        while idle < end and free_at[idle] > now:
            idle = idle + 1
        channel = idle
        begin = now
        if idle == end:
            channel = -1
            begin = math.inf
            for c in range(first_channel, end):
                if free_at[c] < begin:
                    begin = free_at[c]
                    channel = c
            if begin > deadline:  # nor is there one in time for any of the others
                return stopped, spent, unengaged + count - i
        engaged = False
        killed = False
        tracked = True
        for look in range(look_count):
            if begin > deadline or (magazine >= 0 and spent >= magazine):
                break
            cycle = cycle_hours
            if exponential != 0:
                cycle = -cycle_hours * math.log(uniform(key0, key1, cycle_stream, index + look))
            if completed != 0 and begin + cycle > deadline:
                break
            if not engaged:
                engaged = True
                if track_prob < 1.0:
                    tracked = uniform(key0, key1, track_stream, index) < track_prob
            shots = looks[first_look + look]
            if magazine >= 0 and shots > magazine - spent:
                shots = magazine - spent
            spent = spent + shots
            begin = begin + cycle
            free_at[channel] = begin
            if tracked:
                miss = 1.0
                for _ in range(shots):
                    miss = miss * (1.0 - kill_prob)
                if (index + look) >> 1 != block:
                    block = (index + look) >> 1
                    even, odd = uniforms(key0, key1, kill_stream, block)
                killed = (odd if (index + look) & 1 else even) >= miss
            if killed:
                break
        if killed:
            stopped = stopped + 1
        elif not engaged:
            unengaged = unengaged + 1
    return stopped, spent, unengaged
