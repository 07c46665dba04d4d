"""Make the fits that come with the library: posteriors, pictures, and the scenarios' numbers.

    python benchmarks/fit_shipped.py [NAME ...]

For each scenario with priors this does `python -m escalate calibrate`, puts a thousand posterior
draws into escalate/data/posteriors and the pictures into docs/images, and sets every number of the
scenario file that was calibrated to its posterior median, in two digits, with its interval as the
source. A test holds the numbers to the draws.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from escalate.calibration import prior_names, shipped_posterior

ROOT = Path(__file__).parents[1]
BUDGETS = {"winter-2023-24": 500_000, "january-2025": 150_000}


def two_digits(value):
    """Round to two digits."""
    return float(f"{value:.2g}")


def defaults(draws):
    """Give path to its number and source, from posterior draws."""
    found = {}
    for name in draws.columns[2:]:
        low, median, high = (two_digits(draws[name].quantile(q)) for q in (0.05, 0.5, 0.95))
        for path in name.split(" = "):
            if not path.startswith("observation."):
                found[path] = (median, f"fit: posterior median, 90% {low:g} to {high:g}")
    return found


def rewritten(text, path, value, source):
    """Put a number and its source in the place of what a scenario file has."""
    parts = path.split(".")
    key = re.escape(parts[4])
    number = r"(?:\{ value = [^{}]*\}|[0-9.e+-]+)"
    new = f'{{ value = {value!r}, source = "{source}" }}'
    head = rf"(?ms)(^\[{re.escape('.'.join(parts[:4]))}\]$(?:(?!^\[).)*?^{key} = "
    inner = rf"[^\n]*?\b{re.escape(parts[5])} = " if len(parts) > 5 else ""
    text, count = re.subn(f"{head}{inner}){number}", lambda m: m[1] + new, text, count=1)
    if count != 1:
        raise SystemExit(f"{path} is not in the scenario file")
    return text


def main(names):
    """Do it."""
    for name in names or prior_names():
        with tempfile.TemporaryDirectory() as folder:
            command = ["calibrate", name, "--budget", str(BUDGETS[name]), "--out", folder]
            subprocess.run([sys.executable, "-m", "escalate", *command], check=True, cwd=ROOT)
            shutil.copy(
                f"{folder}/posterior.csv", ROOT / "escalate" / "data" / "posteriors" / f"{name}.csv"
            )
            for picture in ("posterior", "predictive"):
                target = ROOT / "docs" / "images" / f"fit-{name}-{picture}.png"
                shutil.copy(f"{folder}/{picture}.png", target)
        file = ROOT / "escalate" / "data" / "scenarios" / f"{name}.toml"
        text = file.read_text(encoding="utf-8")
        for path, (value, source) in defaults(shipped_posterior(name)).items():
            text = rewritten(text, path, value, source)
        file.write_text(text, encoding="utf-8")
        print(pd.Series({p: v for p, (v, _) in defaults(shipped_posterior(name)).items()}))


if __name__ == "__main__":
    main(sys.argv[1:])
