"""Where every coin toss comes from: one numbered stream per decision.

A draw is a pure function of (run, stream, index). There is no generator to carry about, so
a draw does not depend on the order of events, on the number of workers or on which engine
asks. A run is two words made from the seed and the replication; a stream is the key of what
is being decided about (a strike, a side's tempo) joined with the name of the decision.

The generator is Threefry-2x64 with 20 rounds [1]_, counter-based and published with its
TestU01 record.

References
----------
.. [1] J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy
   as 1, 2, 3", SC'11, 2011. doi:10.1145/2063384.2063405
"""

from __future__ import annotations

import functools
import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from escalate._compile import kernel, law

__all__ = ["RunKey", "Seed", "bernoullis", "beta", "decision", "gamma", "normal", "poisson"]

_PARITY = np.uint64(0x1BD11BDAA9FC1A22)
_LOW = np.uint64(1)
_SHIFT = np.uint64(12)
_DERIVE = np.uint64(1 << 63)
_R = tuple(np.uint64(r) for r in (16, 42, 12, 31, 16, 32, 24, 21))
_BACK = tuple(np.uint64(64 - r) for r in (16, 42, 12, 31, 16, 32, 24, 21))
_STEP = tuple(np.uint64(i) for i in range(6))
_ULP = 2.0**-52
_HALF_ULP = 2.0**-53


@kernel
def threefry(key0: Any, key1: Any, counter0: Any, counter1: Any) -> tuple[Any, Any]:
    """Give the two 64-bit words of Threefry-2x64-20 for a key and a counter, all uint64."""
    third = _PARITY ^ key0 ^ key1
    x = counter0 + key0
    y = counter1 + key1
    a, b, c = key1, third, key0
    for block in range(5):
        first = 4 * (block & 1)
        for r in range(first, first + 4):
            x = x + y
            y = (y << _R[r]) | (y >> _BACK[r])
            y = y ^ x
        x = x + a
        y = y + b + _STEP[block + 1]
        a, b, c = b, c, a
    return x, y


@kernel
def uniform(key0: int, key1: int, stream: int, index: int) -> float:
    """Give draw `index` of a stream, uniform on the open interval (0, 1).

    All four are int64 and not negative; two neighbouring indices share one block. The value
    is an odd multiple of 2**-53, so that neither end can come out by rounding.
    """
    at = np.uint64(index)
    x, y = threefry(np.uint64(key0), np.uint64(key1), np.uint64(stream), at >> _LOW)
    if at & _LOW:
        x = y
    return float(x >> _SHIFT) * _ULP + _HALF_ULP


@kernel
def uniforms(key0: int, key1: int, stream: int, block: int) -> tuple[float, float]:
    """Give draws ``2 * block`` and ``2 * block + 1`` of a stream, as `uniform` does, at once."""
    x, y = threefry(np.uint64(key0), np.uint64(key1), np.uint64(stream), np.uint64(block))
    return float(x >> _SHIFT) * _ULP + _HALF_ULP, float(y >> _SHIFT) * _ULP + _HALF_ULP


@kernel
def derive(key0: int, key1: int, key: int, number: int) -> int:
    """Give the 63-bit key of child `number` of `key`; never a block that `uniform` uses."""
    x, _ = threefry(np.uint64(key0), np.uint64(key1), np.uint64(key), np.uint64(number) | _DERIVE)
    return int(np.int64(x >> _LOW))


@functools.lru_cache(maxsize=1 << 14)
def decision(name: str) -> int:
    """Give the 63-bit number of a named decision, the same on every machine.

    Parameters
    ----------
    name : str
        What is decided, such as ``"interception"``.

    Returns
    -------
    int
        In [0, 2**63).

    Examples
    --------
    >>> decision("interception") == decision("interception")
    True
    """
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big") >> 1


# The coefficients of Wichura's PPND16.
@law
def normal(u: float) -> float:
    """Turn one uniform into a standard normal, by its quantile function.

    Parameters
    ----------
    u : float
        Uniform draw in (0, 1). [-]

    Returns
    -------
    float
        Standard normal deviate. [-]

    Notes
    -----
    One uniform a deviate and monotone in it, so paired runs stay paired. Relative error
    below 1e-15.

    References
    ----------
    M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution",
    Applied Statistics 37(3):477-484, 1988.
    """
    q = u - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = 2.5090809287301226727e3
        top = top * r + 3.3430575583588128105e4
        top = top * r + 6.7265770927008700853e4
        top = top * r + 4.5921953931549871457e4
        top = top * r + 1.3731693765509461125e4
        top = top * r + 1.9715909503065514427e3
        top = top * r + 1.3314166789178437745e2
        top = top * r + 3.3871328727963666080e0
        bottom = 5.2264952788528545610e3
        bottom = bottom * r + 2.8729085735721942674e4
        bottom = bottom * r + 3.9307895800092710610e4
        bottom = bottom * r + 2.1213794301586595867e4
        bottom = bottom * r + 5.3941960214247511077e3
        bottom = bottom * r + 6.8718700749205790830e2
        bottom = bottom * r + 4.2313330701600911252e1
        bottom = bottom * r + 1.0
        return q * top / bottom
    tail = u if q < 0.0 else 1.0 - u
    r = math.sqrt(-math.log(tail))
    if r <= 5.0:
        r = r - 1.6
        top = 7.74545014278341407640e-4
        top = top * r + 2.27238449892691845833e-2
        top = top * r + 2.41780725177450611770e-1
        top = top * r + 1.27045825245236838258e0
        top = top * r + 3.64784832476320460504e0
        top = top * r + 5.76949722146069140550e0
        top = top * r + 4.63033784615654529590e0
        top = top * r + 1.42343711074968357734e0
        bottom = 1.05075007164441684324e-9
        bottom = bottom * r + 5.47593808499534494600e-4
        bottom = bottom * r + 1.51986665636164571966e-2
        bottom = bottom * r + 1.48103976427480074590e-1
        bottom = bottom * r + 6.89767334985100004550e-1
        bottom = bottom * r + 1.67638483018380384940e0
        bottom = bottom * r + 2.05319162663775882187e0
        bottom = bottom * r + 1.0
    else:
        r = r - 5.0
        top = 2.01033439929228813265e-7
        top = top * r + 2.71155556874348757815e-5
        top = top * r + 1.24266094738807843860e-3
        top = top * r + 2.65321895265761230930e-2
        top = top * r + 2.96560571828504891230e-1
        top = top * r + 1.78482653991729133580e0
        top = top * r + 5.46378491116411436990e0
        top = top * r + 6.65790464350110377720e0
        bottom = 2.04426310338993978564e-15
        bottom = bottom * r + 1.42151175831644588870e-7
        bottom = bottom * r + 1.84631831751005468180e-5
        bottom = bottom * r + 7.86869131145613259100e-4
        bottom = bottom * r + 1.48753612908506148525e-2
        bottom = bottom * r + 1.36929880922735805310e-1
        bottom = bottom * r + 5.99832206555887937690e-1
        bottom = bottom * r + 1.0
    z = top / bottom
    return -z if q < 0.0 else z


@law
def gamma(key0: int, key1: int, stream: int, shape: float) -> float:
    """Draw from the gamma distribution of unit scale, on a stream of its own.

    Parameters
    ----------
    key0, key1, stream : int
        The run and the stream; as many draws as needed are taken from index 0 on.
    shape : float
        Shape, above 0; also the mean. [-]

    Returns
    -------
    float
        Not negative; 0 only where a shape far below 1 makes the value underflow. [-]

    References
    ----------
    G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables",
    ACM TOMS 26(3):363-372, 2000. doi:10.1145/358407.358414
    """
    boost = 1.0
    index = 0
    if shape < 1.0:
        boost = math.exp(math.log(uniform(key0, key1, stream, index)) / shape)
        shape = shape + 1.0
        index = index + 1
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        if index & 1:
            u = uniform(key0, key1, stream, index)
            v = uniform(key0, key1, stream, index + 1)
        else:
            u, v = uniforms(key0, key1, stream, index >> 1)
        index = index + 2
        z = normal(u)
        x = 1.0 + c * z
        if x > 0.0:
            x = x * x * x
            # The first, which implies the second, spares most draws the logarithms.
            if v < 1.0 - 0.0331 * z * z * z * z or (
                math.log(v) < 0.5 * z * z + d - d * x + d * math.log(x)
            ):
                return d * x * boost


@law
def beta(key0: int, key1: int, stream_a: int, stream_b: int, a: float, b: float) -> float:
    """Draw from the beta distribution, as a share of two gammas.

    Parameters
    ----------
    key0, key1, stream_a, stream_b : int
        The run and two streams.
    a, b : float
        Shapes, above 0. [-]

    Returns
    -------
    float
        In [0, 1]. [-]
    """
    x = gamma(key0, key1, stream_a, a)
    y = gamma(key0, key1, stream_b, b)
    if x + y <= 0.0:  # both underflowed, as shapes far below 1 can: compare their logs
        log_x = math.log(uniform(key0, key1, stream_a, 0)) / a
        log_y = math.log(uniform(key0, key1, stream_b, 0)) / b
        return 1.0 if log_x > log_y else 0.0
    return x / (x + y)


@law
def poisson(key0: int, key1: int, stream: int, index: int, mean: float) -> int:
    """Draw from the Poisson distribution by inversion.

    Parameters
    ----------
    key0, key1, stream, index : int
        The run, the stream, and which variate of it.
    mean : float
        Mean, not negative. [-]

    Returns
    -------
    int
        Not negative.

    Notes
    -----
    One uniform, and monotone in it. A mean above 500 is drawn on a stream of its own as a sum
    of parts, so that exp(-mean) never underflows; one above a million, where the skewness is
    below 0.001, as a rounded normal.
    """
    if mean <= 500.0:
        return _poisson(uniform(key0, key1, stream, index), mean)
    if mean > 1e6:
        z = normal(uniform(key0, key1, stream, index))
        return math.floor(mean + math.sqrt(mean) * z + 0.5)
    own = derive(key0, key1, stream, index)
    parts = 1 + int(mean / 500.0)
    total = 0
    for part in range(parts):
        total = total + _poisson(uniform(key0, key1, own, part), mean / parts)
    return total


@law
def _poisson(u: float, mean: float) -> int:
    """Turn one uniform into a Poisson variate of a mean of 500 at most."""
    if u <= 1.0 - mean:  # which is below exp(-mean), and spares it
        return 0
    term = math.exp(-mean)
    below = term
    count = 0
    while u > below and below + term > below:  # ends where rounding keeps the sum below u
        count = count + 1
        term = term * (mean / count)
        below = below + term
    return count


@kernel
def bernoullis(key0: int, key1: int, stream: int, first: int, trials: int, prob: float) -> int:
    """Count the successes of separate trials, one uniform each.

    Parameters
    ----------
    key0, key1, stream : int
        The run and the stream.
    first : int
        Index of the first trial's draw.
    trials : int
        Number of trials.
    prob : float
        Chance of success of each. [-]

    Returns
    -------
    int
        In [0, trials].
    """
    if prob <= 0.0:
        return 0
    if prob >= 1.0:
        return trials
    k0 = np.uint64(key0)
    k1 = np.uint64(key1)
    count = 0
    x = y = k0
    for i in range(trials):
        # As `uniform`, which would make each block twice.
        at = np.uint64(first + i)
        if i == 0 or at & _LOW == 0:
            x, y = threefry(k0, k1, np.uint64(stream), at >> _LOW)
        word = y if at & _LOW else x
        if float(word >> _SHIFT) * _ULP + _HALF_ULP < prob:
            count = count + 1
    return count


@dataclass(frozen=True)
class RunKey:
    """The two words that, with a stream and an index, fix every draw of one replication."""

    word0: int
    """First word. [0, 2**63)"""

    word1: int
    """Second word. [0, 2**63)"""


@dataclass(frozen=True)
class Seed:
    """A seed that can be written down and used again, whatever it was made from."""

    entropy: int
    """The entropy of a `numpy.random.SeedSequence`."""

    spawn_key: tuple[int, ...] = ()
    """Its spawn key."""

    @classmethod
    def of(cls, rng: object) -> Seed:
        """Read `rng=` as in SPEC 7.

        Parameters
        ----------
        rng : int, SeedSequence, Generator, BitGenerator, Seed or None
            0 is a seed like any other; None takes fresh entropy; a generator gives 128 bits
            of its stream and so moves on.

        Returns
        -------
        Seed
            What the run records.

        Raises
        ------
        TypeError
            For anything else.
        ValueError
            For a negative integer.

        Examples
        --------
        >>> Seed.of(0)
        Seed(entropy=0, spawn_key=())
        """
        if isinstance(rng, Seed):
            return rng
        if isinstance(rng, bool):
            raise TypeError(f"`rng` must be an integer, a generator or None, but got {rng!r}")
        if isinstance(rng, (int, np.integer)):
            if rng < 0:
                raise ValueError(f"`rng >= 0` must hold, but got {rng}")
            return cls(int(rng))
        if rng is None:
            rng = np.random.SeedSequence()
        if isinstance(rng, np.random.SeedSequence):
            entropy = rng.entropy
            if isinstance(entropy, (int, np.integer)):
                return cls(int(entropy), tuple(int(k) for k in rng.spawn_key))
            # A sequence as entropy: squeeze it into one integer of 128 bits.
            words = rng.generate_state(4, np.uint32)
            return cls(sum(int(w) << (32 * i) for i, w in enumerate(words)))
        if isinstance(rng, np.random.BitGenerator):
            rng = np.random.Generator(rng)
        if isinstance(rng, np.random.Generator):
            words = rng.integers(0, 2**32, size=4, dtype=np.uint64)
            return cls(sum(int(w) << (32 * i) for i, w in enumerate(words)))
        raise TypeError(
            "`rng` must be an int, a numpy SeedSequence, Generator or BitGenerator, or None, "
            f"but got {type(rng).__name__}"
        )

    def run_key(self, replication: int) -> RunKey:
        """Give the key of one replication.

        Parameters
        ----------
        replication : int
            Number of the replication, from 0.

        Returns
        -------
        RunKey
            Two words; those of different replications are independent streams.
        """
        word0, word1 = _root(self)
        name = decision("replication")
        return RunKey(
            int(derive(word0, word1, name, 2 * replication)),
            int(derive(word0, word1, name, 2 * replication + 1)),
        )


@functools.lru_cache(maxsize=64)
def _root(seed: Seed) -> tuple[int, int]:
    """Give the two words that all replications of a seed are derived from."""
    sequence = np.random.SeedSequence(seed.entropy, spawn_key=seed.spawn_key)
    word0, word1 = (int(word) >> 1 for word in sequence.generate_state(2, np.uint64))
    return word0, word1
