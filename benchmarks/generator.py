"""Feed the library's random words to dieharder, from one stream and from many taken in turn.

    python benchmarks/generator.py one | dieharder -a -g 200 -Y 1 -k 2
    python benchmarks/generator.py interleaved | dieharder -a -g 200 -Y 1 -k 2

`dieharder` is Debian's package of that name; 200 is its reader of standard input. The first
writes the blocks of a single stream one after the other. The second takes one block each of
1,024 streams in turn, their keys derived as those of strikes are, which is how a war draws: a
dependence between neighbouring streams would show there. Words are written whole, so the bits
that a uniform draw drops are tested with the others.
"""

from __future__ import annotations

import argparse
import sys

import numba
import numpy as np

from escalate.randomness import Seed, decision, derive, threefry

STREAMS = 1024
BLOCKS = 1 << 16


@numba.njit
def fill(words, key0, key1, streams, first):
    """Write one block of each stream in turn, from counter `first` on; give the next counter."""
    place = 0
    counter = first
    while place < len(words):
        for stream in streams:
            x, y = threefry(key0, key1, stream, counter)
            words[place] = x
            words[place + 1] = y
            place += 2
        counter += np.uint64(1)
    return counter


def main() -> None:
    """Write words to standard output until its reader has enough."""
    parser = argparse.ArgumentParser()
    parser.add_argument("streams", choices=("one", "interleaved"))
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    run = Seed.of(chosen.seed).run_key(0)
    number = STREAMS if chosen.streams == "interleaved" else 1
    name = decision("interception")
    streams = np.array(
        [derive(run.word0, run.word1, name, k) ^ name for k in range(number)], dtype=np.uint64
    )
    words = np.empty(2 * BLOCKS, dtype=np.uint64)
    counter = 0
    try:
        while True:
            counter = fill(
                words, np.uint64(run.word0), np.uint64(run.word1), streams, np.uint64(counter)
            )
            sys.stdout.buffer.write(words.tobytes())
    except BrokenPipeError:
        sys.stderr.close()  # the reader has seen enough


if __name__ == "__main__":
    main()
