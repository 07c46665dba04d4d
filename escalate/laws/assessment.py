"""What a side comes to believe, and what it says."""

from __future__ import annotations

import math

from escalate._compile import law

__all__ = ["believed", "delay_hours", "known_share", "rounded"]


@law
def believed(true: float, exaggeration: float, noise_sd_log: float, z: float) -> float:
    """Give what is believed, or said, of a number.

    Parameters
    ----------
    true : float
        The number.
    exaggeration : float
        Median of the ratio. [-]
    noise_sd_log : float
        Standard deviation of its log. [-]
    z : float
        Standard normal draw. [-]

    Returns
    -------
    float
        Unit of `true`; 0 is always seen as 0.

    Notes
    -----
    Log-normal: true * exaggeration * exp(sd z).
    """
    if noise_sd_log == 0.0:
        return true * exaggeration
    return true * exaggeration * math.exp(noise_sd_log * z)


@law
def delay_hours(mean_hours: float, exponential: int, u: float) -> float:
    """Draw a delay.

    Parameters
    ----------
    mean_hours : float
        Its mean. [h]
    exponential : int
        Whether it is exponential, else fixed.
    u : float
        Uniform draw. [-]

    Returns
    -------
    float
        [h]
    """
    if exponential != 0:
        return -mean_hours * math.log(u)
    return mean_hours


@law
def known_share(first_share: float, revisions: int, revision: int) -> float:
    """Part of a strike's casualties that is known at a claim.

    Parameters
    ----------
    first_share : float
        Part known at the first claim. [-]
    revisions : int
        Later claims.
    revision : int
        Which claim, from 0.

    Returns
    -------
    float
        Rises in equal steps to 1 at the last; stays at `first_share` without revisions. [-]
    """
    if revisions <= 0:
        return first_share
    return first_share + (1.0 - first_share) * revision / revisions


@law
def rounded(value: float, step: int) -> int:
    """Round to a multiple of `step`, halves up.

    Parameters
    ----------
    value : float
        Not negative.
    step : int
        At least 1.

    Returns
    -------
    int
    """
    return math.floor(value / step + 0.5) * step
