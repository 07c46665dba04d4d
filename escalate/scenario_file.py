"""Scenarios as TOML files: read with every error at once, written as if by hand.

A file's keys are the fields of `Scenario` and its parts, so a value has the same path in the
file, in Python and in an error. Any number may be given as ``{ value = 0.8, source = "..." }``,
and a `source` in a table covers every number in it and below that has none of its own.
`Scenario.sources` holds both by path: that of the number, that of the table, and the empty
one for the whole file.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib.resources
import os
import re
import secrets
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple

from escalate import scenario as parts
from escalate.errors import Problem, ScenarioError, closest
from escalate.rules import RULES, Rule
from escalate.scenario import CALENDAR, Scenario, schema

__all__ = [
    "load_scenario",
    "read_scenario",
    "save_scenario",
    "scenario_names",
    "source_of",
    "unsourced",
    "write_scenario",
]

_SHIPPED = importlib.resources.files("escalate") / "data" / "scenarios"
_WIDTH = 100
_BROKEN: Any = object()
"""Stands for a value that could not be read; what is wrong with it has been noted."""


def scenario_names() -> tuple[str, ...]:
    """Give the names of the scenarios that come with the library.

    Returns
    -------
    tuple of str
        In alphabetical order.

    Examples
    --------
    >>> "winter-2023-24" in scenario_names()
    True
    """
    files = [entry.name for entry in _SHIPPED.iterdir()]
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


def load_scenario(name_or_path: str | os.PathLike[str]) -> Scenario:
    """Load a scenario that comes with the library, or one of your own.

    Parameters
    ----------
    name_or_path : str or path-like
        One of `scenario_names`, or the path of a ``.toml`` file.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        Unknown name, a file that cannot be read, or everything that is wrong in it.

    Examples
    --------
    >>> load_scenario("winter-2023-24").horizon_hours
    168.0
    """
    file = os.fspath(name_or_path)
    if isinstance(name_or_path, str) and Path(file).name == file and not file.endswith(".toml"):
        names = scenario_names()
        if file not in names:
            raise _error(f"unknown scenario {file!r}: {closest(file, names)}")
        file += ".toml"
        content = (_SHIPPED / file).read_bytes()
    else:
        try:
            content = Path(file).read_bytes()
        except FileNotFoundError:
            raise _error("there is no such file", file=file) from None
        except OSError as error:
            raise _error(f"the file cannot be read: {error.strerror}", file=file) from None
    try:
        text = content.decode("utf-8-sig")  # some editors begin a file with a byte-order mark
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"the text must be UTF-8, but got the byte 0x{content[error.start]:02x}"
        raise _error(message, f"line {line}", file) from None
    return read_scenario(text, file)


def read_scenario(text: str, file: str = "") -> Scenario:
    r"""Read a scenario from the text of a TOML file.

    Parameters
    ----------
    text : str
        The text.
    file : str, optional
        Name of the file, for errors and for a scenario that has no name of its own.

    Returns
    -------
    Scenario

    Raises
    ------
    ScenarioError
        Everything that is wrong, by path.

    Examples
    --------
    >>> days = "start = 2024-01-01\nend = 2024-01-08T12:00:00\n"
    >>> read_scenario(days + "[sides.A]\n[sides.B]\n", "border.toml").name
    'border'
    """
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        message, place = _no_toml(str(error), text)
        raise _error(message, place, file) from None
    reader = _Reader()
    found = reader.part(Scenario, {"name": Path(file).stem} | table, "")
    if reader.problems:
        raise ScenarioError(reader.problems, file)
    assert isinstance(found, Scenario)
    return found


def write_scenario(scenario: Scenario) -> str:
    r"""Write a scenario as the text of a TOML file, without what is at its default.

    Parameters
    ----------
    scenario : Scenario
        What to write.

    Returns
    -------
    str
        What `read_scenario` makes an equal scenario of.

    Raises
    ------
    ScenarioError
        A function of the user's own, a place called `source`, a source of nothing.

    Examples
    --------
    >>> days = "start = 2024-01-01\nend = 2024-01-08T12:00:00\n"
    >>> print(write_scenario(read_scenario(days + "sides = { A = {}, B = {} }", "border.toml")))
    name = "border"
    start = 2024-01-01
    end = 2024-01-08T12:00:00
    <BLANKLINE>
    [sides.A]
    <BLANKLINE>
    [sides.B]
    <BLANKLINE>
    """
    writer = _Writer(scenario.sources)
    table = writer.part(scenario, "")
    for path in scenario.sources:
        if path not in writer.placed:
            writer.fail(path, "a source must be that of a value or a table, but there is none")
    if writer.problems:
        raise ScenarioError(writer.problems)
    heading = {key: table[key] for key in ("name", "title") if key in table}
    return "\n".join(_lines(heading | table)) + "\n"


def save_scenario(scenario: Scenario, path: str | os.PathLike[str]) -> None:
    r"""Save a scenario as a TOML file; a file of that name is replaced whole or not at all.

    Parameters
    ----------
    scenario : Scenario
        What to save.
    path : str or path-like
        Where to.

    Raises
    ------
    ScenarioError
        As `write_scenario` does.

    Examples
    --------
    >>> import tempfile
    >>> scenario = read_scenario("start = 2024-01-01\nend = 2024-01-08\nsides = {A={}, B={}}")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_scenario(scenario, f"{folder}/border.toml")
    ...     load_scenario(f"{folder}/border.toml") == scenario
    True
    """
    content = write_scenario(scenario).encode("utf-8")
    target = Path(path).resolve()
    # Beside the target, since only within one file system is a move all or nothing.
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(content)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def source_of(scenario: Scenario, path: str) -> str:
    r"""Say where a number comes from: its own source, or that of the nearest table around it.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    path : str
        Path of the number.

    Returns
    -------
    str
        Empty if no source was given.

    Raises
    ------
    ScenarioError
        There is nothing at that path.

    Examples
    --------
    >>> text = 'source = "news"\nstart = 2024-01-01\nend = 2024-01-08\nsides = {A={}, B={}}'
    >>> source_of(read_scenario(text), "sides.A.alert_hours")
    'news'
    """
    node: Any = scenario
    for key, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        try:
            if isinstance(node, Rule):
                known = {} if node.function else RULES[node.name].params
                node = {**vars(node), **known, **node.params}[key]
            elif index:
                node = node[int(index)]
            else:
                node = (node if isinstance(node, Mapping) else vars(node))[key]
        except (LookupError, TypeError):
            raise _error(
                f"must be in the scenario, but there is no {key or index!r}", path
            ) from None
    return _nearest(scenario.sources, path)


def unsourced(scenario: Scenario) -> tuple[str, ...]:
    r"""List the numbers and dates that were given without saying where they come from.

    One left at its default is the library's, not the scenario's, and is not listed.

    Parameters
    ----------
    scenario : Scenario
        The scenario.

    Returns
    -------
    tuple of str
        Their paths.

    Examples
    --------
    >>> text = 'start = { value = 2024-01-01, source = "news" }\nend = 2024-01-08\n'
    >>> unsourced(read_scenario(text + "sides = { A = { alert_hours = 2 }, B = {} }"))
    ('sides.A.alert_hours', 'end')
    """
    written = _Writer(scenario.sources).part(scenario, "")
    return tuple(path for path in _numbers(written, "") if not _nearest(scenario.sources, path))


def _error(message: str, place: str = "", file: str = "") -> ScenarioError:
    return ScenarioError([Problem(place, message)], file)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path and key else path or key


def _outwards(path: str) -> Iterator[str]:
    """Give a path and those of what is around it, the nearest first."""
    yield path
    while path:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
        yield path


def _nearest(sources: Mapping[str, str], path: str) -> str:
    return next((sources[around] for around in _outwards(path) if around in sources), "")


def _fields(cls: type) -> dict[str, tuple[str, Any]]:
    """Give the keys of a part's table, as `schema` does; sources stand with what they are of."""
    return {key: field for key, field in schema(cls).items() if key != "sources"}


def _class(kind: str) -> type | None:
    """Give the part of a scenario that a type, as written, names."""
    found = getattr(parts, kind.removesuffix(" | None"), None)
    return found if isinstance(found, type) and dataclasses.is_dataclass(found) else None


def _no_toml(complaint: str, text: str) -> tuple[str, str]:
    """Say in this library's words what the TOML parser complains about, and where."""
    message, _, where = complaint.partition(" (at ")
    rows = text.rstrip().split("\n")
    found = re.match(r"line (\d+)", where)
    line = int(found[1]) if found else len(rows)
    if declared := re.match(r"Cannot (?:declare|mutate immutable namespace) (\(.*\))", message):
        name = ".".join(ast.literal_eval(declared[1]))
        return f"must be declared once, but line {line} declares it again", name
    if message == "Cannot overwrite a value":
        header = key = ""  # the parser names only the line, so look for what begins there
        for row in rows[:line]:
            if opened := re.match(r"\s*\[+([^\[\]]+)\]", row):
                header, key = opened[1].strip(), ""
            elif given := re.match(r"\s*([^\s#=][^#=]*?)\s*=", row):
                key = given[1]
        return f"must be given once, but line {line} gives it again", _join(header, key)
    got = f", but got {rows[min(line, len(rows)) - 1].strip()[:60]!r}" if where and text else ""
    place = where.removesuffix(")").replace("end of", "the end of the")
    return f"must be TOML: {message[:1].lower()}{message[1:]}{got}", place


class _Reader:
    """Builds the parts of a scenario, noting what is wrong and where numbers come from."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.sources: dict[str, str] = {}

    def fail(self, place: str, message: str) -> Any:
        self.problems.append(Problem(place, message))
        return _BROKEN

    def part(self, cls: type, table: Any, path: str) -> Any:
        """Build a dataclass; if something in it is broken, only check the rest of it."""
        if not isinstance(table, dict):
            return self.fail(path, f"must be a table, but got {table!r}")
        before = len(self.problems)
        fields = _fields(cls)
        given: dict[str, Any] = {}
        for key, value in table.items():
            place = _join(path, key)
            if key == "source":
                self.source(path, value)
            elif key in fields:
                given[key] = self.value(fields[key][0], value, place)
            else:
                self.fail(place, f"unknown key {key!r}: {closest(key, [*fields, 'source'])},")
        for key, (_, default) in fields.items():
            if key not in given and default is dataclasses.MISSING:
                given[key] = self.fail(_join(path, key), "must be given, but is missing")
            elif given.get(key) is _BROKEN and default is not dataclasses.MISSING:
                del given[key]
        if cls is Scenario:
            given["sources"] = self.sources
        # How things fit together can be judged only if each of them is as it should be; then
        # a broken layer is one error, and no further one for the target that houses it.
        whole = len(self.problems) == before
        make = cls if whole else type(cls.__name__, (cls,), {"_together": lambda self: iter(())})
        try:
            built = make(**given)
        except ScenarioError as error:
            for found in error.problems:
                if given.get(found.place) is not _BROKEN:
                    self.fail(_join(path, found.place), found.message)
            return _BROKEN
        return built if whole else _BROKEN

    def value(self, kind: str, value: Any, place: str) -> Any:
        """Read the value of a field of that type."""
        cls = _class(kind)
        if cls is Rule:
            return self.rule(value, place)
        if cls is not None:
            return self.part(cls, value, place)
        if kind.startswith("Mapping["):
            return self.mapping(kind[len("Mapping[str, ") : -1], value, place)
        if kind.startswith("tuple[Entry"):
            return self.calendar(value, place)
        return self.leaf(kind, value, place)

    def source(self, path: str, text: Any) -> None:
        if isinstance(text, str):
            self.sources[path] = text
        else:
            self.fail(_join(path, "source"), f"must be a text, but got {text!r}")

    def leaf(self, kind: str, value: Any, place: str) -> Any:
        """Read a single value, with its source if it has one."""
        if isinstance(value, dict) and value.keys() & {"value", "source"}:
            for key in value:
                if key not in ("value", "source"):
                    known = closest(key, ("value", "source"))
                    return self.fail(_join(place, key), f"unknown key {key!r}: {known},")
            if "source" in value:
                self.source(place, value["source"])
            if "value" not in value:
                # None has no word in TOML: a source alone says why there is no value.
                missing = _join(place, "value"), "must be given, but is missing"
                return None if kind.endswith("None") else self.fail(*missing)
            value = value["value"]
        if isinstance(value, dict):
            return self.fail(place, "must be one value, with or without a source, but got a table")
        if kind.startswith("datetime") and type(value) is date:
            return datetime.combine(value, time())
        return value

    def mapping(self, kind: str, table: Any, place: str) -> Any:
        """Read values by name, leaving out those that are broken."""
        if not isinstance(table, dict):
            return self.fail(place, f"must be a table, but got {table!r}")
        found = {}
        for name, value in table.items():
            here = _join(place, name)
            if name == "source":
                self.source(place, value)
            else:
                found[name] = self.value(kind, value, here)
        return {name: value for name, value in found.items() if value is not _BROKEN}

    def calendar(self, tables: Any, place: str) -> Any:
        """Read entries, each of the kind that it says."""
        if not isinstance(tables, list):
            return self.fail(place, f"must be a list of tables, but got {tables!r}")
        entries = []
        for i, table in enumerate(tables):
            here = f"{place}[{i}]"
            rest = dict(table) if isinstance(table, dict) else {"kind": None}
            kind = rest.pop("kind", "")
            if kind is None:
                self.fail(here, f"must be a table, but got {table!r}")
            elif isinstance(kind, str) and kind in CALENDAR:
                entries.append(self.part(CALENDAR[kind], rest, here))
            else:
                known = closest(str(kind), CALENDAR)
                self.fail(f"{here}.kind", f"unknown kind of entry {kind!r}: {known},")
        return [entry for entry in entries if entry is not _BROKEN]

    def rule(self, value: Any, place: str) -> Any:
        """Read a rule from its name, or from a table with its name, parameters and rules."""
        if isinstance(value, str):
            value, named = {"name": value}, place
        elif isinstance(value, dict):
            named = _join(place, "name")
        else:
            return self.fail(place, f"must be a rule's name or a table with it, but got {value!r}")
        before = len(self.problems)
        given: dict[str, Any] = {"name": "", "of": []}
        for key, item in value.items():
            here = _join(place, key)
            if key == "source":
                self.source(place, item)
            elif key == "of" and isinstance(item, list):
                given[key] = [self.rule(held, f"{here}[{i}]") for i, held in enumerate(item)]
            elif key == "of":
                return self.fail(here, f"must be a list of rules, but got {item!r}")
            else:
                given[key] = self.leaf("", item, here)
        name, held = given.pop("name"), given.pop("of")
        if not isinstance(name, str) or name not in RULES:
            return self.fail(named, f"unknown rule {name!r}: {closest(str(name), RULES)},")
        known = RULES[name].params
        for key in given:
            if key not in known:
                likely = closest(key, [*known, "name", "of", "source"])
                self.fail(_join(place, key), f"unknown key {key!r}: {likely},")
        params = {key: v for key, v in given.items() if key in known and v is not _BROKEN}
        try:
            # A stand-in for a broken rule keeps their number right.
            built = Rule(name, *("never" if r is _BROKEN else r for r in held), **params)
        except ScenarioError as error:
            for found in error.problems:
                self.fail(_join(place, found.place), found.message)
        return built if len(self.problems) == before else _BROKEN


class _Sourced(NamedTuple):
    """A single value with a source of its own."""

    value: Any
    source: str


class _Short(dict[str, Any]):
    """A table that stands on one line if it can."""


class _Writer:
    """Turns the parts of a scenario into tables, their sources beside the numbers."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = sources
        self.sourced = {around for path in sources for around in _outwards(path)}
        self.placed: set[str] = set()
        self.problems: list[Problem] = []

    def fail(self, place: str, message: str) -> None:
        self.problems.append(Problem(place, message))

    def own(self, path: str) -> dict[str, str]:
        """Give the source at that very path as the key of a table, if there is one."""
        if path not in self.sources:
            return {}
        self.placed.add(path)
        return {"source": self.sources[path]}

    def part(self, part: Any, path: str) -> dict[str, Any]:
        """Give the fields that are not at their default, or are that with a source."""
        table: dict[str, Any] = self.own(path)
        for key, (kind, default) in _fields(type(part)).items():
            value, place = getattr(part, key), _join(path, key)
            # A scenario whose file says nothing of its name is given that of the file.
            if value == default and place not in self.sourced and place != "name":
                continue
            if kind.startswith("tuple[Entry"):
                table[key] = [self.entry(entry, f"{place}[{i}]") for i, entry in enumerate(value)]
            elif value is not None or _class(kind) is None:
                table[key] = self.value(value, place)
        return table

    def entry(self, entry: Any, path: str) -> dict[str, Any]:
        kind = next((kind for kind, cls in CALENDAR.items() if cls is type(entry)), "")
        if not kind:
            self.fail(path, f"a file can hold no entry of one's own, but got {entry!r}")
        return {"kind": kind, **self.part(entry, path)}

    def value(self, value: Any, path: str) -> Any:
        if isinstance(value, Rule):
            return self.rule(value, path)
        if dataclasses.is_dataclass(value):
            return self.part(value, path)
        if isinstance(value, Mapping):
            table: dict[str, Any] = self.own(path)
            for name, item in value.items():
                if name == "source":  # only a place may be called that
                    message = "in a file `source` says where numbers come from, and is no name,"
                    self.fail(_join(path, name), message)
                table[name] = self.value(item, _join(path, name))
            return table if any(map(dataclasses.is_dataclass, value.values())) else _Short(table)
        if callable(value):
            self.fail(path, f"a file can hold no function, but got {value!r}")
        return _Sourced(value, **self.own(path)) if path in self.sources else value

    def rule(self, rule: Rule, path: str) -> Any:
        if rule.function is not None:
            self.fail(path, f"a file can hold no function, but got {rule.function!r}")
        table = _Short(self.own(path), name=self.value(rule.name, _join(path, "name")))
        for key, value in rule.params.items():
            table[key] = self.value(value, _join(path, key))
        if rule.of:
            held = enumerate(rule.of)
            table["of"] = [self.rule(inner, f"{_join(path, 'of')}[{i}]") for i, inner in held]
        return rule.name if table == {"name": rule.name} else table


def _numbers(node: Any, path: str) -> Iterator[str]:
    """Give the paths of the numbers and dates in a table that is to be written."""
    if isinstance(node, _Sourced):
        node = node.value
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _numbers(value, _join(path, key))
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from _numbers(value, f"{path}[{i}]")
    else:
        items = node if isinstance(node, tuple) else [node]
        if any(isinstance(v, (int, float, datetime)) and not isinstance(v, bool) for v in items):
            yield path


def _flat(node: Any) -> bool:
    """Say whether a value reads well within a line: a source deserves one of its own."""
    if isinstance(node, (_Short, list)):
        items = node if isinstance(node, list) else node.values()
        return "source" not in node and all(map(_flat, items))
    return not isinstance(node, (_Sourced, dict))


def _text(node: Any) -> str:
    """Write a value within a line."""
    import tomlkit

    if isinstance(node, _Sourced):
        return _text({k: v for k, v in node._asdict().items() if v is not None})
    if isinstance(node, dict):
        pairs = [f"{tomlkit.key(key).as_string()} = {_text(value)}" for key, value in node.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(node, (list, tuple)):
        return f"[{', '.join(map(_text, node))}]"
    if isinstance(node, datetime):
        return str(node.date()) if node.time() == time() else node.isoformat()
    if isinstance(node, (bool, str)):
        return tomlkit.item(node).as_string()
    if isinstance(node, float) and not (node.is_integer() and abs(node) < 1e15):
        return repr(float(node))
    return f"{int(node):_}" if abs(node) > 9999 else str(int(node))


def _filled(items: Iterable[str]) -> Iterator[str]:
    """Write the items of a long list, as many on a line as fit."""
    line = "   "
    for item in items:
        if line.strip() and len(line) + len(item) + 2 > _WIDTH:
            yield line
            line = "   "
        line += f" {item},"
    yield line


def _lines(table: Mapping[str, Any], *keys: str) -> Iterator[str]:
    """Write a table: what fits on lines, then the tables in it under their headers."""
    import tomlkit

    tables: list[tuple[str, Any]] = []
    for key, node in table.items():
        name = tomlkit.key(key).as_string()
        line = f"{name} = {_text(node)}"
        short = _flat(node) and len(line) <= _WIDTH
        if (isinstance(node, dict) or (isinstance(node, list) and node)) and not short:
            tables.append((key, node))
        elif isinstance(node, tuple) and not isinstance(node, _Sourced) and not short:
            yield from (f"{name} = [", *_filled(map(_text, node)), "]")
        else:
            yield line
    for key, node in tables:
        header = ".".join(tomlkit.key(k).as_string() for k in (*keys, key))
        for item in node if isinstance(node, list) else [node]:
            rows = list(_lines(item if isinstance(item, dict) else {"name": item}, *keys, key))
            if isinstance(node, list):
                yield from ("", f"[[{header}]]")
            elif (
                not rows or rows[0]
            ):  # one that holds nothing but tables needs no header of its own
                yield from ("", f"[{header}]")
            yield from rows
