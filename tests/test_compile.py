"""What `@law` and `@kernel` mean, and where compiled code is kept."""

from __future__ import annotations

import importlib
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numba
import pytest

import escalate
import escalate.laws
from escalate import _compile
from escalate._compile import LAWS, _cache_folders, law, source_hash
from escalate.randomness import uniform

PACKAGE = Path(escalate.__file__).parent
NOWHERE = "/dev/null/x"  # below a file, where not even the superuser can make a folder

FIRST_DRAWS = """
import numba
from escalate.randomness import uniform

before = numba.config.CACHE_DIR
print(*(uniform(1, 2, 3, i).hex() for i in range(4)))
print(before, uniform.stats.cache_path, sum(uniform.stats.cache_hits.values()))
"""
EXPECTED = " ".join(uniform(1, 2, 3, i).hex() for i in range(4))


@pytest.fixture
def package(tmp_path):
    """Give a folder with just enough of the package to compile and draw."""
    part = tmp_path / "site" / "escalate"
    part.mkdir(parents=True)
    (part / "__init__.py").touch()
    for name in ("_compile.py", "randomness.py"):
        shutil.copy(PACKAGE / name, part)
    return part


def draw(package, cache, temporary, code=FIRST_DRAWS):
    """Run code with that part of the package in a process of its own; return its lines."""
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", code],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")},
            "PYTHONPATH": str(package.parent),
            "XDG_CACHE_HOME": str(cache),
            "TMPDIR": str(temporary),
        },
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_a_law_stays_plain_python_and_is_listed():
    def double(x):
        return 2 * x

    assert law(double) is double
    assert LAWS.pop() is double


def test_every_law_of_the_model_is_listed():
    for room in pkgutil.iter_modules(escalate.laws.__path__, "escalate.laws."):
        module = importlib.import_module(room.name)
        assert module.__all__
        assert all(getattr(module, name) in LAWS for name in module.__all__)


def test_a_kernel_leaves_numba_s_own_setting_alone_and_remembers_its_code(package, tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    first = draw(package, tmp_path / "cache", temporary)
    again = draw(package, tmp_path / "cache", temporary)
    assert first[0] == again[0] == EXPECTED
    setting, place, hits = first[1].rsplit(" ", 2)
    assert (setting, hits) == ("", "0")
    assert Path(place).is_relative_to(tmp_path / "cache" / "escalate")
    assert again[1].endswith(f"{place} 1")
    assert not any(temporary.iterdir())


def test_an_edit_of_any_source_leaves_old_code_behind(package, tmp_path):
    folders = []
    for text in ("", "x = 1", "x = 2"):
        (package / "other.py").write_text(text)
        lines = draw(package, tmp_path / "cache", tmp_path)
        assert lines[0] == EXPECTED
        folders.append(lines[1].split()[0])
        assert lines[1].endswith(" 0")
    assert len(set(folders)) == 3


def test_where_the_user_s_cache_cannot_be_written_a_temporary_folder_serves(package, tmp_path):
    lines = draw(package, NOWHERE, tmp_path)
    assert lines[0] == EXPECTED
    place = Path(lines[1].split()[0])
    assert place.is_relative_to(tmp_path) and place.parts[-2].startswith("numba-")
    assert not list(package.rglob("*.nb?"))


def test_where_nothing_can_be_written_code_is_compiled_and_forgotten(package, tmp_path):
    code = f"""
import pathlib
from escalate import _compile

_compile._cache_folders = lambda: [pathlib.Path({NOWHERE!r})]
{FIRST_DRAWS}"""
    lines = draw(package, NOWHERE, tmp_path, code)
    assert lines[0] == EXPECTED
    assert lines[1] == " None 0"
    assert not list(package.rglob("*.nb?"))


def test_without_any_place_to_write_the_draws_are_the_same(package):
    assert draw(package, NOWHERE, NOWHERE)[0] == EXPECTED


def test_code_is_kept_in_the_user_s_cache_or_else_in_a_temporary_folder(monkeypatch, tmp_path):
    name = f"numba-{source_hash()}"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second = _cache_folders()
    assert first == tmp_path / "escalate" / name
    assert second.name == name and second.is_relative_to(tempfile.gettempdir())
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert _cache_folders()[0] == Path.home() / ".cache" / "escalate" / name


def test_the_hash_of_the_sources_changes_with_every_one_of_them(monkeypatch, tmp_path):
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(_compile, "__file__", str(tmp_path / "_compile.py"))

    def now():
        source_hash.cache_clear()
        return source_hash()

    hashes = [now()]
    (tmp_path / "a.py").write_text("x = 1")
    hashes.append(now())
    (tmp_path / "a.py").write_text("x = 2")
    hashes.append(now())
    (room / "b.py").write_text("x = 1")
    hashes.append(now())
    (room / "b.py").rename(room / "c.py")
    hashes.append(now())
    (room / "c.py").rename(tmp_path / "c.py")
    hashes.append(now())
    assert len(set(hashes)) == len(hashes)
    assert all(len(h) == 16 and int(h, 16) >= 0 for h in hashes)
    (tmp_path / "notes.txt").write_text("of no account")
    assert now() == hashes[-1]
    assert now() == hashes[-1]
    source_hash.cache_clear()


def test_without_a_compiler_a_kernel_is_the_function_and_wraps_around_in_silence(monkeypatch):
    import numpy as np

    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)

    @_compile.kernel
    def add(x, y):
        """Add words."""
        return x + y

    assert int(add(np.uint64(2**64 - 1), np.uint64(3))) == 2
    assert (add.__name__, add.__doc__) == ("add", "Add words.")
