"""How weapons are spread over waves and how long they are in the air."""

from __future__ import annotations

from escalate._compile import law

__all__ = [
    "alert_added_hours",
    "entry_hours",
    "flight_hours",
    "wave_count",
    "wave_offset_hours",
    "window_left_hours",
]


@law
def flight_hours(depth_km: float, speed_km_per_hour: float) -> float:
    """Time from launch to impact.

    Parameters
    ----------
    depth_km : float
        Distance flown. [km]
    speed_km_per_hour : float
        Speed over ground, above 0. [km/h]

    Returns
    -------
    float
        [h]

    Notes
    -----
    distance / speed.
    """
    return depth_km / speed_km_per_hour


@law
def wave_offset_hours(wave: int, waves: int, duration_hours: float) -> float:
    """Time from the first wave of a strike to another.

    Parameters
    ----------
    wave, waves : int
        Which wave, from 0, of how many.
    duration_hours : float
        Time from the first to the last wave. [h]

    Returns
    -------
    float
        [h]

    Notes
    -----
    duration * wave / (waves - 1): waves leave evenly spaced.
    """
    if waves <= 1:
        return 0.0
    return duration_hours * wave / (waves - 1)


@law
def wave_count(count: int, wave: int, waves: int) -> int:
    """Weapons that leave in one wave when `count` are spread evenly over all.

    Parameters
    ----------
    count : int
        Weapons of the strike.
    wave, waves : int
        Which wave, from 0, of how many.

    Returns
    -------
    int
        The counts of all waves add up to `count`, and differ by 1 at most.
    """
    return (wave + 1) * count // waves - wave * count // waves


@law
def entry_hours(depart_hours: float, impact_hours: float, ahead_hours: float) -> float:
    """Time at which a weapon enters a layer.

    Parameters
    ----------
    depart_hours, impact_hours : float
        When it is launched and when it would hit. [h]
    ahead_hours : float
        Windows of this layer and of those further in, end to end before the impact. [h]

    Returns
    -------
    float
        Not before the launch. [h]
    """
    return max(depart_hours, impact_hours - ahead_hours)


@law
def window_left_hours(
    window_hours: float, depart_hours: float, impact_hours: float, beyond_hours: float
) -> float:
    """Time in which a layer can engage a weapon, cut where the flight is too short for it.

    Parameters
    ----------
    window_hours : float
        Window of the layer. [h]
    depart_hours, impact_hours : float
        When the weapon is launched and when it would hit. [h]
    beyond_hours : float
        Windows of the layers further in. [h]

    Returns
    -------
    float
        The window if the weapon is launched before it begins, else what is left of it. [h]
    """
    if depart_hours <= impact_hours - (window_hours + beyond_hours):
        return window_hours
    return max(impact_hours - beyond_hours - depart_hours, 0.0)


@law
def alert_added_hours(alert_until: float, start: float, end: float) -> float:
    """Hours that one more alert adds where one until `alert_until` is on already.

    Parameters
    ----------
    alert_until : float
        End of the alerts so far. [h]
    start, end : float
        The new alert; alerts come in order of their start. [h]

    Returns
    -------
    float
        Growth of the union of the alerts. [h]
    """
    return max(end - max(start, alert_until), 0.0)
