"""The floor plan: a module is built on the floors below its own, and stands by itself."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "escalate"
FLOORS = (
    ("errors", "_compile"),
    ("randomness", "events", "theory", "work", "precision", "store"),
    ("laws", "rules", "scores"),
    ("scenario",),
    ("scenario_file", "figures", "claims", "designs", "strikes"),
    ("results", "series", "forecast", "observation"),
    ("metrics", "engines"),
    ("simulation", "truths"),
    ("snapshot",),
    ("comparison", "ensemble", "evolution"),
    ("tournaments", "meanfield", "pairing", "experiments", "calibration"),
    ("regimes", "sensitivity"),
    ("plots", "experiment_file"),
    ("__init__", "__main__"),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
EXCEPTIONS = {
    ("results", "metrics", "Run.summary"),
    ("results", "snapshot", ""),  # for type checkers only
    ("results", "snapshot", "Run.snapshot"),
}
"""Who looks upstairs, at what, and where: all there is."""
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def imports(tree, scope=""):
    """Give (module of escalate, scope) of every import, however deep it stands."""
    for node in ast.iter_child_nodes(tree):
        inner = scope
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inner = f"{scope}.{node.name}".lstrip(".")
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            if package == "escalate":
                yield module_of(rest), scope
        yield from imports(node, inner)


def module_of(dotted):
    """Give the module in which `dotted` is found, itself or what it stands in."""
    while dotted and dotted not in MODULES and f"{dotted}.__init__" not in MODULES:
        dotted = dotted.rpartition(".")[0]
    return dotted or "__init__"


def room(module):
    return module.partition(".")[0]


def looks_up(module, source):
    """Give every import that is not of a lower floor, nor within the same room."""
    return {
        (module, found, scope)
        for found, scope in imports(ast.parse(source))
        if room(found) != room(module)
        and not (module == "__main__" and found == "__init__")
        and FLOOR[room(found)] >= FLOOR[room(module)]
    }


def test_every_module_has_a_floor():
    assert {room(module) for module in MODULES} == set(FLOOR)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_floors_below(module):
    found = looks_up(module, MODULES[module].read_text(encoding="utf-8"))
    assert found == {exception for exception in EXCEPTIONS if exception[0] == module}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("laws.flight", "import escalate.metrics"),
        ("scenario", "from escalate import plots"),
        ("metrics", "from escalate.engines import simpy"),
        ("rules", "def f():\n    from escalate.scenario import Side"),
        ("events", "if TYPE_CHECKING:\n    from escalate.results import Run"),
        ("results", "from escalate import load_run"),
    ],
)
def test_an_import_of_an_upper_floor_is_found(module, source):
    assert len(looks_up(module, source)) == 1


def test_each_module_imports_alone():
    names = ["escalate." + name.removesuffix(".__init__") for name in MODULES]
    names = [name for name in names if name not in ("escalate.__init__", "escalate.__main__")]
    code = f"""
import importlib, sys
for name in {names}:
    for loaded in [m for m in sys.modules if m.partition(".")[0] == "escalate"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except Exception as error:
        sys.exit(f"{{name}} does not import alone: {{error!r}}")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
