"""The examples run as they stand, and draw what they say."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Give a function that runs an example once, in a folder of its own."""

    @functools.cache
    def run(path):
        folder = tmp_path_factory.mktemp(path.stem)
        done = subprocess.run(
            [sys.executable, "-W", "error", path],
            cwd=folder, capture_output=True, text=True,
            env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        return done, folder

    return run


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_writes_the_picture_it_names(ran, path):
    done, folder = ran(path)
    assert done.returncode == 0, done.stderr
    assert done.stdout and not done.stderr
    picture = folder / f"{path.stem}.png"
    assert f"`{picture.name}`" in path.read_text("utf-8").split('"""')[1]
    assert list(folder.iterdir()) == [picture]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_mediator_leaves_what_was_before_the_truce_as_it_was(ran):
    done, _ = ran(ROOT / "examples" / "03_mediator.py")
    assert "same until then: True" in done.stdout
