"""Rows of results on the disk, appended as they come, and found again after any interruption.

A store is a folder: ``sweep.json`` says what was done with what, ``points.csv`` lists the points
of the design, and each process that works on it appends to a file of its own in Arrow's streaming
format, which pandas, R, Julia and DuckDB read without this library. A file is never written
to again once its process has ended, and nothing is ever deleted. What a process had not written to
its end when it was killed is passed over, and done again by whoever goes on.
"""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import json
import os
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from escalate.errors import Problem, ResultError

__all__ = ["FORMAT", "RECORD", "Memory", "Store", "open_store", "read_record"]

RECORD = "sweep.json"
"""The file that says what a store is about."""

FORMAT = 1
"""Of the record and of the rows."""
_POINTS = "points.csv"
_NEW = ".new-"  # what begins so is half written, and belongs to a process that may be gone


class Memory:
    """Rows that are kept in memory.

    Parameters
    ----------
    record : mapping
        What they are about.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = dict(record)
        self._batches: list[pa.RecordBatch] = []

    def append(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        self._batches.append(batch)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give all rows, in the order in which they came."""
        return iter(self._batches)

    def close(self) -> None:
        """End the writing."""


class Store:
    """Rows in the files of a folder; see the module.

    Parameters
    ----------
    folder : Path
        A store.
    record : mapping
        What is in its ``sweep.json``.
    """

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        self.folder = folder
        self.record = dict(record)
        self._writer: Any = None
        self._file: Any = None

    def append(self, batch: pa.RecordBatch) -> None:
        """Append rows to this process's own file."""
        if self._writer is None:
            self._file = self._own()
            self._writer = pa.ipc.new_stream(self._file, batch.schema)
        # Against what a crash of the machine, not of the process, may leave in a file.
        check = {b"crc32": _checksum(batch)}
        self._writer.write_batch(batch, custom_metadata=pa.KeyValueMetadata(check))
        self._file.flush()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give all rows that were written whole, file by file."""
        for path in sorted(self.folder.glob("rows-*.arrows")):
            yield from _read(path)

    def close(self) -> None:
        """End the writing."""
        if self._writer is not None:
            self._writer.close()
            self._file.close()
            self._writer = self._file = None

    def _own(self) -> Any:
        """Open a file that nobody else has."""
        for number in itertools.count(len(list(self.folder.glob("rows-*.arrows")))):
            try:
                return (self.folder / f"rows-{number:06d}.arrows").open("xb")
            except FileExistsError:
                continue
        raise AssertionError


def _checksum(batch: pa.RecordBatch) -> bytes:
    """Give a number that hardly any other rows, or names of columns, have."""
    found = zlib.crc32(f"{batch.num_rows} {batch.schema}".encode())
    for column in batch.columns:
        for buffer in column.buffers():
            if buffer is not None:
                found = zlib.crc32(buffer, found)
    return str(found).encode()


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    """Give the rows of a file up to where its process was stopped."""
    with path.open("rb") as file:
        try:
            reader = pa.ipc.open_stream(file)
            while True:
                batch, metadata = reader.read_next_batch_with_custom_metadata()
                if metadata is None or metadata["crc32"] != _checksum(batch):
                    return
                batch.validate()
                yield batch
        except (StopIteration, pa.ArrowException, OSError, KeyError, ValueError, MemoryError):
            return  # the file ends, well or torn; a spoilt length may ask for any memory


def open_store(folder: Path, record: Mapping[str, Any], points: Iterable[Iterable[Any]]) -> Store:
    """Make a store, or take one up that was made for the same.

    Parameters
    ----------
    folder : Path
        Where; there must be nothing, an empty folder, or a store.
    record : mapping
        What it is about, as plain data.
    points : iterable of row
        Rows of ``points.csv``, the header first.

    Returns
    -------
    Store

    Raises
    ------
    ResultError
        Something else is there, or a store made for something else; the message says what
        differs. What is there is left alone.
    """
    text = json.dumps(record, indent=1) + "\n"
    while not (folder / RECORD).exists():
        if folder.exists():
            names = [path.name for path in folder.iterdir()] if folder.is_dir() else [""]
            if RECORD in names:
                continue  # somebody else has just made it
            if any(not name.startswith(_NEW) for name in names):
                raise ResultError([Problem(str(folder), "there is something else, which is kept,")])
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / RECORD, text)
    found = read_record(folder)
    differences = list(_differences(found, json.loads(text)))
    if differences:
        more = f"; and {len(differences) - 5} more" if len(differences) > 5 else ""
        message = f"holds another sweep, which is kept: {'; '.join(differences[:5])}{more};"
        raise ResultError([Problem(str(folder), message)])
    if not (folder / _POINTS).exists():
        rows = io.StringIO()
        csv.writer(rows, lineterminator="\n").writerows(points)
        _write(folder / _POINTS, rows.getvalue())
    return Store(folder, record)


def read_record(folder: Path) -> dict[str, Any]:
    """Give what a store is about.

    Parameters
    ----------
    folder : Path
        A store.

    Raises
    ------
    ResultError
        No store there, or one that this version cannot read.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if record["format"] != FORMAT:
            raise ValueError(f"it has format {record['format']!r}, and this version reads {FORMAT}")
        for key in ("scenario", "design", "replications"):
            record[key]
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = Problem(str(folder), f"is no store of a sweep, or a damaged one: {error};")
        raise ResultError([problem]) from error
    return dict(record)


def _write(path: Path, text: str) -> None:
    """Write a file whole, unless somebody else was quicker."""
    new = path.with_name(f"{_NEW}{uuid.uuid4().hex}-{path.name}")
    new.write_text(text, encoding="utf-8")
    try:
        os.link(new, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        os.replace(new, path)
        return
    new.unlink()


def _differences(then: Any, now: Any, place: str = "") -> Iterator[str]:
    """Say where two records differ."""
    if isinstance(then, dict) and isinstance(now, dict):
        if place == "outcomes" and [*then] != [*now] and {*then} == {*now}:
            yield f"outcomes were {', '.join(then)} and are {', '.join(now)} now"
        for key in {**then, **now}:
            yield from _differences(
                then.get(key, "nothing"), now.get(key, "nothing"), f"{place}.{key}".lstrip(".")
            )
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for i, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from _differences(one, other, f"{place}[{i}]")
    elif isinstance(then, list) and isinstance(now, list):
        yield f"{place} has {len(then)} entries then and {len(now)} now"
    elif place == "scenario" and then != now:
        lines = difflib.unified_diff(then.splitlines(), now.splitlines(), "", "", "", "", 0, "")
        changed = [line for line in list(lines)[2:] if line[:1] in "+-" and line[1:].strip()]
        yield "scenario: " + " ".join(changed[:4]) + (" ..." if len(changed) > 4 else "")
    elif then != now:
        yield f"{place} was {then!r} and is {now!r} now"
