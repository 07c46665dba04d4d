"""What `@law` and `@kernel` mean.

A law is one plain function that both engines call: the SimPy engine runs it as Python, a
compiled engine inlines the same text. A kernel is text that only exists compiled, because
Python and compiled code disagree about 64-bit integer arithmetic; both engines call the
one compiled version.
"""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])

LAWS: list[Callable[..., Any]] = []
"""Every function marked `@law`, for a compiled engine to register."""


def law(function: F) -> F:
    """Mark a function that both engines call; it stays plain Python.

    Parameters
    ----------
    function : callable
        Pure arithmetic on numbers and flat arrays: no generator, no object.

    Returns
    -------
    callable
        The same function.
    """
    LAWS.append(function)
    return function


@overload
def kernel(function: F) -> F: ...


@overload
def kernel(*, allocates: bool) -> Callable[[F], F]: ...


def kernel(function: Any = None, *, allocates: bool = False) -> Any:
    """Compile a function once, keeping the machine code on disk for later processes.

    The cache folder is named after a hash of the package's sources, because numba looks
    only at the file of the function itself and would serve stale code after an edit of
    something it calls.

    Parameters
    ----------
    function : callable
        Text in numba's subset of Python.
    allocates : bool, optional
        Whether it makes arrays or lists. What does not is spared the counting of references,
        which took nearly half of the time of a war.

    Returns
    -------
    callable
        The compiled function; with ``NUMBA_DISABLE_JIT=1`` the plain one.
    """
    import numba

    if function is None:
        return functools.partial(kernel, allocates=allocates)
    if numba.config.DISABLE_JIT:
        return _wrapping(function)
    # Division by zero is the SimPy engine's to find: it runs the same text as Python.
    options = {"nogil": True, "error_model": "numpy", "_nrt": allocates}
    folder = _cache_folder()
    if folder is None:
        return numba.njit(**options)(function)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        return numba.njit(cache=True, **options)(function)
    finally:
        numba.config.CACHE_DIR = before


@overload
def inlined(function: F, *, force: bool = False) -> F: ...


@overload
def inlined(*, force: bool) -> Callable[[F], F]: ...


def inlined(function: Any = None, *, force: bool = False) -> Any:
    """Mark a part of a kernel: plain Python that compiled code may call.

    Parameters
    ----------
    function : callable
        Text in numba's subset of Python.
    force : bool, optional
        Whether it becomes a part of its caller even where the compiler would rather call it.

    Returns
    -------
    callable
        The same function.
    """
    from numba.extending import register_jitable

    if function is None:
        return functools.partial(inlined, force=force)
    return register_jitable(forceinline=True)(function) if force else register_jitable(function)


def _wrapping(function: F) -> F:
    """Run uint64 text in the interpreter, where numpy warns of the wrap-around it needs."""
    import numpy as np

    @functools.wraps(function)
    def plain(*args: Any) -> Any:
        with np.errstate(over="ignore"):
            return function(*args)

    return plain  # type: ignore[return-value]


@functools.cache
def _cache_folder() -> Path | None:
    """Give the first place for compiled code that can be written to, or None.

    Asked of the file system, because numba does not say: it goes on to a folder beside the
    sources instead, and serves stale code from there.
    """
    for folder in _cache_folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return None


def _cache_folders() -> list[Path]:
    """Give places for compiled code: the user's cache, then a temporary folder."""
    name = f"numba-{source_hash()}"
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    return [
        Path(base).expanduser() / "escalate" / name,
        Path(tempfile.gettempdir()) / f"escalate-{user}" / name,
    ]


@functools.cache
def source_hash() -> str:
    """Sixteen hex digits that change with any source file of the package."""
    package = Path(__file__).parent
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
