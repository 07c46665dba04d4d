"""Long work in small pieces: handed to a pool as it comes free, and told as it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from itertools import islice
from typing import Any, TypeVar

__all__ = ["Progress", "as_done"]

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def as_done(
    pool: Executor,
    job: Callable[[Piece], Result],
    pieces: Iterable[Piece],
    at_once: int,
) -> Iterator[Result]:
    """Work through pieces in a pool, and give what comes of them in the order of their ends.

    Parameters
    ----------
    pool : Executor
        Who does the work.
    job : callable
        What to do with a piece.
    pieces : iterable
        Asked for the next piece only when there is room for it, so that it may depend on what
        came of those before.
    at_once : int
        How many are under way at most.

    Yields
    ------
    object
        What `job` gave. If it raised, or the caller ends early, pieces not begun are dropped.
    """
    left = iter(pieces)
    running: set[Future[Result]] = set()
    try:
        while True:
            running |= {pool.submit(job, piece) for piece in islice(left, at_once - len(running))}
            if not running:
                return
            over, running = wait(running, return_when=FIRST_COMPLETED)
            for future in over:
                yield future.result()
    finally:
        for future in running:
            future.cancel()


class Progress:
    """Tells how far long work is: a bar on standard error, a function of the caller's, or nobody.

    Parameters
    ----------
    told : bool or callable, optional
        True for a bar, or a function called with (done, total).
    total : int
        How much there is to do.
    done : int, optional
        How much was done before.
    unit : str, optional
        What is counted.
    """

    def __init__(
        self,
        told: bool | Callable[[int, int], None] | None,
        total: int,
        done: int = 0,
        unit: str = "war",
    ) -> None:
        self._told, self._total, self._done, self._unit = told, total, done, unit
        self._bar: Any = None

    def __enter__(self) -> Progress:
        if self._told is True:
            from tqdm import tqdm

            self._bar = tqdm(total=self._total, initial=self._done, unit=self._unit)
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, number: int) -> None:
        """Tell that some more is done."""
        self._done += number
        if self._bar is not None:
            self._bar.update(number)
        elif callable(self._told):
            self._told(self._done, self._total)
