"""Sweeps stated in a file: which scenario, what varies, how often, and what is kept."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from escalate.designs import (
    Design,
    Parameter,
    grid,
    latin_hypercube,
    lever,
    one_at_a_time,
    sobol,
    table,
    uncertainty,
)
from escalate.errors import EscalateError, InvalidInputError, Problem, ScenarioError, closest
from escalate.experiments import Sweep, sweep
from escalate.precision import Precision
from escalate.rules import Rule
from escalate.scenario import Scenario
from escalate.scenario_file import load_scenario
from escalate.sensitivity import morris, saltelli

__all__ = ["Experiment", "load_experiment"]

_KINDS: dict[str, tuple[str, ...]] = {
    "grid": ("levels", "constraints"),
    "latin_hypercube": ("points", "seed", "constraints"),
    "sobol": ("points", "seed", "constraints"),
    "one_at_a_time": ("levels",),
    "table": ("file", "constraints"),
    "saltelli": ("base", "seed", "second_order", "groups"),
    "morris": ("trajectories", "levels", "seed"),
}
"""Kinds of designs, and what each may be told."""

_KEYS = (
    "title", "scenario", "set", "replications", "precision", "seed", "outcomes", "common", "design",
    "levers", "uncertainties",
)  # fmt: skip
_PARAMETER = ("path", "low", "high", "choices", "whole", "log", "levels", "also")


@dataclass(frozen=True)
class Experiment:
    """A sweep as a file states it."""

    title: str
    """What it is about."""
    scenario: Scenario
    """What is at war."""
    design: Design
    """The points."""
    replications: int | Precision
    """Wars at each point."""
    seed: int
    """Randomness of the wars."""
    outcomes: tuple[str, ...] | None
    """What is kept; what `sweep` keeps by itself if None."""
    common: bool
    """Whether all points are fought with the same luck."""

    def run(self, **how: Any) -> Sweep:
        """Fight it.

        Parameters
        ----------
        **how
            `store`, `executor`, `workers`, `part`, `progress` and `replications` as for
            `escalate.sweep`.

        Returns
        -------
        Sweep
        """
        return sweep(
            self.scenario,
            self.design,
            **{"replications": self.replications, **how},
            rng=self.seed,
            outcomes=self.outcomes,
            common=self.common,
        )


def load_experiment(path: str | os.PathLike[str]) -> Experiment:
    """Read a sweep from a TOML file.

    Parameters
    ----------
    path : str or path
        The file. Scenarios and tables that it names by a path are looked for beside it.

    Returns
    -------
    Experiment

    Raises
    ------
    ScenarioError
        What is wrong, where, in which file.
    """
    file = Path(path)
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ScenarioError([Problem("", f"cannot be read: {error}")], str(path)) from error
    try:
        return _experiment(data, file.parent)
    except InvalidInputError as error:
        known = error.file or str(path)
        raise ScenarioError(error.problems, known) from error
    except EscalateError as error:
        raise ScenarioError([Problem("", str(error))], str(path)) from error


def _experiment(data: Mapping[str, Any], folder: Path) -> Experiment:
    _known(data, _KEYS, "")
    scenario = _scenario(_needed(data, "scenario", str, ""), folder)
    changes = _optional(data, "set", dict, {}, "")
    if changes:
        try:
            scenario = scenario.replace(
                {path: _ruled(value, path) for path, value in _flat(changes).items()}
            )
        except ScenarioError as error:
            raise ScenarioError(
                Problem(f"set.{p.place}", p.message) for p in error.problems
            ) from error
    parameters = [
        _parameter(declare, name, about, f"{kind}.{name}")
        for kind, declare in (("levers", lever), ("uncertainties", uncertainty))
        for name, about in _optional(data, kind, dict, {}, "").items()
    ]
    replications: int | Precision
    if ("replications" in data) == ("precision" in data):
        raise _wrong("", "either `replications` or [precision] must be given")
    if "precision" in data:
        given = _optional(data, "precision", dict, {}, "")
        fields = ("outcome", "half_width", "relative", "level", "least", "most")
        _known(given, fields, "precision")
        _needed(given, "outcome", str, "precision")
        replications = Precision(**given)
    else:
        replications = _needed(data, "replications", int, "")
    outcomes = _optional(data, "outcomes", list, None, "")
    for name in outcomes or ():
        if not isinstance(name, str):
            raise _wrong("outcomes", f"must be a list of names, but got {name!r} in it")
    return Experiment(
        _optional(data, "title", str, "", ""),
        scenario,
        _design(_needed(data, "design", dict, ""), parameters, scenario, folder),
        replications,
        _seed(data, ""),
        None if outcomes is None else tuple(outcomes),
        _optional(data, "common", bool, True, ""),
    )


def _scenario(name: str, folder: Path) -> Scenario:
    beside = folder / name
    return load_scenario(beside if beside.is_file() else name)


def _design(
    about: Mapping[str, Any], parameters: list[Parameter], scenario: Scenario, folder: Path
) -> Design:
    kind = _needed(about, "kind", str, "design")
    if kind not in _KINDS:
        raise _wrong("design.kind", f"unknown kind {kind!r}: {closest(kind, _KINDS)},")
    _known(about, ("kind", *_KINDS[kind]), "design")
    constraints = _optional(about, "constraints", list, [], "design")
    levels = _optional(about, "levels", int, None, "design")
    if kind == "grid":
        return grid(*parameters, levels=levels, constraints=constraints)
    if kind == "one_at_a_time":
        return one_at_a_time(scenario, *parameters, levels=levels)
    if kind == "table":
        import pandas as pd

        file = folder / _needed(about, "file", str, "design")
        try:
            rows = pd.read_csv(file)
        except (OSError, ValueError) as error:
            raise _wrong("design.file", f"{file} cannot be read: {error}") from error
        return table(rows, *parameters, constraints=constraints)
    seed = _seed(about, "design")
    if kind in ("saltelli", "morris"):
        given = {key: about[key] for key in _KINDS[kind] if key in about and key != "seed"}
        sampled = saltelli if kind == "saltelli" else morris
        return sampled(*parameters, rng=seed, **given)
    make = latin_hypercube if kind == "latin_hypercube" else sobol
    points = _needed(about, "points", int, "design")
    return make(*parameters, points=points, rng=seed, constraints=constraints)


def _parameter(declare: Any, name: str, about: Any, place: str) -> Parameter:
    if not isinstance(about, dict):
        raise _wrong(place, f"must be a table, but got {about!r}")
    _known(about, _PARAMETER, place)
    path = _optional(about, "path", str, "", place)
    choices = about.get("choices")
    if isinstance(choices, list):
        choices = [_choice(value, f"{place}.choices[{i}]") for i, value in enumerate(choices)]
    elif isinstance(choices, dict):
        choices = {
            label: _choice(value, f"{place}.choices.{label}")
            if path
            else {p: _ruled(new, place) for p, new in _flat(value).items()}
            if isinstance(value, dict)
            else value
            for label, value in choices.items()
        }
    elif choices is not None:
        raise _wrong(f"{place}.choices", f"must be a list or a table, but got {choices!r}")
    if not path and not (choices and isinstance(choices, dict)):
        raise _wrong(place, "must have a `path`, or `choices` that say what each of them changes")
    for key in ("whole", "log"):
        _optional(about, key, bool, False, place)
    also = about.get("also", ())
    if not isinstance(also, (str, list, dict, tuple)):
        raise _wrong(f"{place}.also", f"must be a path, or several, but got {also!r}")
    given = {key: about[key] for key in _PARAMETER[1:] if key in about and key != "choices"}
    made: Parameter = declare(path or name, choices=choices, name=name, **given)
    return made


def _choice(value: Any, place: str) -> Any:
    """Give a choice; a table is a rule with its parameters."""
    if not isinstance(value, dict):
        return value
    if "name" not in value:
        raise _wrong(place, f"a rule must have a `name`, but got {value!r}")
    if not isinstance(value.get("of", []), list):
        raise _wrong(place, f"`of` must be a list of rules, but got {value['of']!r}")
    params = {key: given for key, given in value.items() if key not in ("name", "of")}
    try:
        return Rule(value["name"], *(_choice(one, place) for one in value.get("of", [])), **params)
    except ScenarioError as error:
        raise ScenarioError(
            Problem(f"{place}.{p.place}".rstrip("."), p.message) for p in error.problems
        ) from error


def _ruled(value: Any, place: str) -> Any:
    """Give what a path is changed to; a table with a name is a rule."""
    return _choice(value, place) if isinstance(value, dict) and "name" in value else value


def _flat(changes: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Give changes by whole path, however their file cuts it into tables."""
    found: dict[str, Any] = {}
    for key, value in changes.items():
        place = f"{path}.{key}" if path else key
        if isinstance(value, dict) and value and "name" not in value:
            found |= _flat(value, place)
        else:
            found[place] = value
    return found


def _wrong(place: str, message: str) -> ScenarioError:
    return ScenarioError([Problem(place, message)])


def _known(given: Mapping[str, Any], known: Iterable[str], place: str) -> None:
    for key in given:
        if key not in known:
            raise _wrong(
                f"{place}.{key}".lstrip("."), f"unknown key {key!r}: {closest(key, known)},"
            )


def _seed(given: Mapping[str, Any], place: str) -> int:
    seed: int = _optional(given, "seed", int, 1, place)
    if seed < 0:
        raise _wrong(f"{place}.seed".lstrip("."), f"must be 0 or more, but got {seed}")
    return seed


def _needed(given: Mapping[str, Any], key: str, kind: type, place: str) -> Any:
    if key not in given:
        raise _wrong(place, f"`{key}` must be given")
    return _optional(given, key, kind, None, place)


def _optional(given: Mapping[str, Any], key: str, kind: type, otherwise: Any, place: str) -> Any:
    value = given.get(key, otherwise)
    if key in given and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        words = {int: "a whole number", str: "text", list: "a list", dict: "a table"}
        message = f"must be {words.get(kind, 'true or false')}, but got {value!r}"
        raise _wrong(f"{place}.{key}".lstrip("."), message)
    return value
