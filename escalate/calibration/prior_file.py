"""What is believed of parameters, in files: priors, and posteriors that come with the library."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from escalate.errors import EscalateError, Problem, ScenarioError, closest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["load_priors", "prior_names", "shipped_posterior"]

_MOST = 1e100
_OWN = ("law", "also", "source")
_SHIPPED = resources.files("escalate") / "data" / "priors"
_POSTERIORS = resources.files("escalate") / "data" / "posteriors"


def prior_names() -> tuple[str, ...]:
    """Give the names of the shipped scenarios that have priors.

    Examples
    --------
    >>> prior_names()
    ('january-2025', 'winter-2023-24')
    """
    files = [entry.name for entry in _SHIPPED.iterdir()]
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


def shipped_posterior(name: str) -> pd.DataFrame:
    """Give draws from the posterior of a shipped scenario, as ``escalate calibrate`` writes them.

    Parameters
    ----------
    name : str
        One of `prior_names`.

    Returns
    -------
    DataFrame
        A row a draw, with columns ``chain``, ``draw`` and a column a parameter; paths that share a
        value are joined by " = ".

    Raises
    ------
    EscalateError
        No such scenario.

    Examples
    --------
    >>> draws = shipped_posterior("winter-2023-24")
    >>> draws.columns[:2].tolist(), len(draws)
    (['chain', 'draw'], 1000)
    """
    import pandas as pd

    if name not in prior_names():
        raise EscalateError(f"unknown fit {name!r}: {closest(name, prior_names())}")
    with (_POSTERIORS / f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def load_priors(name_or_path: str | os.PathLike[str]) -> dict[Any, Any]:
    r"""Read priors from a TOML file.

    Parameters
    ----------
    name_or_path : str or path
        One of `prior_names`; or a file with a table for each parameter under its path, with
        ``law``, the name of a distribution of scipy.stats, the distribution's own arguments by
        name, and perhaps ``also``, further paths that share the value, and ``source``.

    Returns
    -------
    dict
        For `calibrate`.

    Raises
    ------
    ScenarioError
        What is wrong, where, in which file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "priors.toml")
    >>> _ = path.write_text('["sides.UA.alert_hours"]\nlaw = "lognorm"\ns = 0.5\n')
    >>> float(load_priors(path)["sides.UA.alert_hours"].median())
    1.0
    """
    path = str(name_or_path)
    try:
        file = Path(path)
        if path in prior_names():
            file = _SHIPPED / f"{path}.toml"  # type: ignore[assignment]
        data = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        known = closest(path, prior_names())
        message = f"a file of priors must be there, or be shipped under that name: {known}"
        raise ScenarioError([Problem("", message)], path) from error
    except (OSError, ValueError) as error:  # no text and no TOML are ValueErrors
        reason = getattr(error, "strerror", None) or str(error)
        raise ScenarioError([Problem("", f"cannot be read: {reason}")], path) from error
    found: dict[Any, Any] = {}
    problems: list[Problem] = []
    places: set[str] = set()
    for place, about in data.items():
        try:
            also = about.get("also", []) if isinstance(about, Mapping) else []
            law = _law(about, place)
        except ScenarioError as error:
            problems += error.problems
            continue
        for one in (place, *also):
            if one in places:
                problems.append(Problem(one, "a path must have one prior, but has two"))
            places.add(one)
        found[(place, *also) if also else place] = law
    if not data:
        problems.append(Problem("", "a file of priors must hold at least one"))
    if problems:
        raise ScenarioError(problems, path)
    return found


def _law(about: Any, place: str) -> Any:
    """Give the distribution of one parameter."""
    from scipy import stats

    def wrong(message: str) -> ScenarioError:
        return ScenarioError([Problem(place, message)])

    if not isinstance(about, Mapping):
        raise wrong(f"must be a table with a `law`, but got {about!r}")
    if "law" not in about:
        if any(isinstance(value, Mapping) for value in about.values()):
            quoted = 'a path must be quoted as a whole, as in ["sides.UA.alert_hours"]'
            raise wrong(f"{quoted}, but got a table of tables")
        got = ", ".join(map(repr, about)) or "nothing"
        raise wrong(f"must be a table with a `law`, but got {got}")
    laws = [n for n, one in vars(stats).items() if isinstance(one, stats.rv_continuous)]
    name = about["law"]
    if name not in laws:
        known = closest(str(name), ["beta", "gamma", "lognorm", "norm", "truncnorm", "uniform"])
        message = "`law` must be a continuous distribution of scipy.stats, but got"
        raise wrong(f"{message} {name!r}: {known},")
    law = getattr(stats, name)
    also = about.get("also", [])
    if not isinstance(also, list) or not all(isinstance(path, str) for path in also):
        raise wrong(f"`also` must be a list of paths, but got {also!r}")
    arguments = {key: value for key, value in about.items() if key not in _OWN}
    shapes = [one.strip() for one in law.shapes.split(",")] if law.shapes else []
    for key, value in arguments.items():
        if key not in (*shapes, "loc", "scale"):
            raise wrong(f"unknown key {key!r}: {closest(key, (*shapes, 'loc', 'scale', *_OWN))},")
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise wrong(f"`{key}` must be a number, but got {value!r}")
        if not abs(value) <= _MOST:
            raise wrong(
                f"`{key}` must be a number up to {_MOST:g} either way, but got {value!r:.40}"
            )
    if arguments.get("scale", 1.0) <= 0.0:
        raise wrong(f"`0 < scale` must hold, but got {arguments['scale']!r}")
    for shape in shapes:
        if shape not in arguments:
            raise wrong(f"`{name}` needs `{shape}`")
    frozen = law(**arguments)
    if not frozen.ppf(0.25) < frozen.ppf(0.75):
        raise wrong(f"`{name}` has no values with {arguments}")
    return frozen
