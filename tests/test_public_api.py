"""The front door: what `import escalate` offers, and what it leaves unloaded."""

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import escalate as esc

ROOT = Path(__file__).parents[1]
LISTED = [(module, name) for module, names in esc._CONTENTS.items() for name in names]


def fresh(code):
    """Give what a new interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_all_is_the_table_of_contents_in_its_order():
    assert esc.__all__ == [*(name for _, name in LISTED), *esc._MODULES]
    assert len(set(esc.__all__)) == len(esc.__all__)


def test_type_checkers_see_the_table_of_contents():
    tree = ast.parse((ROOT / "escalate" / "__init__.py").read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {(node.module, alias.name) for node in block.body for alias in node.names}
    assert seen == {*LISTED, *(("escalate", name) for name in esc._MODULES)}


@pytest.mark.parametrize(("module", "name"), LISTED)
def test_a_name_is_public_where_it_is_defined(module, name):
    home = importlib.import_module(module)
    assert getattr(esc, name) is getattr(home, name)
    assert name in home.__all__


@pytest.mark.parametrize("name", esc._MODULES)
def test_a_module_is_offered_by_its_name(name):
    assert getattr(esc, name) is sys.modules[f"escalate.{name}"]


@pytest.mark.parametrize("name", [*esc._CONTENTS, "escalate.metrics", "escalate.plots"])
def test_all_names_of_a_module_exist(name):
    module = importlib.import_module(name)
    for public in module.__all__:
        assert hasattr(module, public), public


def test_dir_lists_everything_before_it_is_loaded():
    assert set(esc.__all__) <= set(dir(esc))
    missing = "import escalate as e; print(set(e.__all__) - set(dir(e)) or 'none')"
    assert fresh(missing) == "none"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'escalate' has no attribute 'simulat'$"):
        _ = esc.simulat
    with pytest.raises(ImportError, match="simulat"):
        exec("from escalate import simulat")
    assert not hasattr(esc, "nothing")


def test_star_import_gives_what_all_says():
    names = "from escalate import *; import escalate; print(set(escalate.__all__) <= set(dir()))"
    assert fresh(names) == "True"


def test_importing_the_library_loads_no_heavy_one():
    heavy = {"matplotlib", "pandas", "xarray", "numba", "scipy", "pyarrow", "numpy", "simpy"}
    loaded = fresh("import sys, escalate; print(*{m.partition('.')[0] for m in sys.modules})")
    assert not heavy & set(loaded.split())


def test_running_a_war_draws_nothing_and_makes_no_table():
    code = (
        "import sys, escalate as esc; "
        "esc.simulate(esc.load_scenario('february-2023'), rng=1).summary(); "
        "print(*{m.partition('.')[0] for m in sys.modules})"
    )
    assert not {"matplotlib", "pandas", "xarray", "pyarrow"} & set(fresh(code).split())


def test_there_is_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "escalate/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", esc.__version__)
    cited = re.search(r"^version: *(\S+)$", (ROOT / "CITATION.cff").read_text("utf-8"), re.M)
    assert cited is None or cited[1].strip("\"'") == esc.__version__
    released = re.findall(r"^## \[(\d.*?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert released[:1] in ([], [esc.__version__])
