"""The command line: ``python -m escalate list | figures | run | sweep | calibrate | forecast``."""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from escalate import __version__
from escalate.errors import EscalateError, InvalidInputError, Problem

if TYPE_CHECKING:
    from escalate.comparison import Comparison
    from escalate.experiments import Sweep
    from escalate.results import Run
    from escalate.scenario import Scenario

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process if not given.

    Returns
    -------
    int
        0; 2 for input that cannot be used, said in one message; 130 if interrupted.
    """
    arguments = _parser().parse_args(argv)
    try:
        commands = {
            "list": _list, "figures": _figures, "run": _run, "sweep": _sweep,
            "calibrate": _calibrate, "forecast": _forecast,
        }  # fmt: skip
        code = commands[arguments.command](arguments)
        sys.stdout.flush()  # so that a broken pipe is found here, not while Python shuts down
        return code
    except EscalateError as error:
        print(f"escalate: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read our output has had enough of it
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 0
    except OSError as error:  # a full disk, a folder that may not be written to
        print(f"escalate: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        print(f"escalate: {error}" if str(error) else "escalate: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="escalate",
        description="Simulate an exchange of missile and drone strikes between two sides.",
    )
    parser.add_argument("--version", action="version", version=f"escalate {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="list the shipped scenarios")
    figures = commands.add_parser("figures", help="list reported figures, checked")
    figures.add_argument(
        "source", nargs="?",
        help="a shipped scenario, the path of its .toml file, or a .csv file of figures; all "
        "shipped figures if not given",
    )  # fmt: skip
    figures.add_argument(
        "--out", type=Path, metavar="DIR",
        help="write the table, and a picture of each quantity, into this folder",
    )  # fmt: skip
    run = commands.add_parser(
        "run",
        help="run a scenario once, and again for intervals, and compare it with reported figures",
    )
    run.add_argument("scenario", help="a shipped name (see `list`), or the path of a .toml file")
    run.add_argument("--seed", type=_whole, default=1, help="seed, 0 or more (default: 1)")
    run.add_argument(
        "--replications", type=_whole, default=200, metavar="N",
        help="wars behind the 90%% intervals; 0 for none (default: 200)",
    )  # fmt: skip
    run.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="changes",
        help="change a parameter, such as sides.UA.layers.long_range.channels=8; may be repeated",
    )  # fmt: skip
    run.add_argument(
        "--out", type=Path, metavar="DIR",
        help="write the log, the tables and the picture of the run into this folder",
    )  # fmt: skip
    run.add_argument(
        "--plot", action="store_true",
        help="write each picture by itself as well, into --out or the current folder",
    )  # fmt: skip
    run.add_argument("--quiet", action="store_true", help="print nothing but errors")
    sweep = commands.add_parser(
        "sweep", help="fight a scenario at every point of a design, as a file states it"
    )
    sweep.add_argument("file", type=Path, help="the path of a .toml file that states a sweep")
    sweep.add_argument(
        "--out", type=Path, metavar="DIR",
        help="keep the rows in this folder, from which the same command goes on after an "
        "interruption, and write table.csv there",
    )  # fmt: skip
    sweep.add_argument(
        "--replications",
        type=_positive,
        metavar="N",
        help="wars at each point, instead of the file's",
    )
    sweep.add_argument("--workers", type=_positive, metavar="N", help="threads, or processes")
    sweep.add_argument(
        "--processes", action="store_true", help="work in processes instead of threads"
    )
    sweep.add_argument(
        "--dask", metavar="ADDRESS", help="work on a Dask cluster, such as tcp://10.0.0.1:8786"
    )
    sweep.add_argument(
        "--part", type=_part, default=(1, 1), metavar="K/N",
        help="fight the K-th of N parts of the points, as one of N jobs that share --out",
    )  # fmt: skip
    sweep.add_argument("--quiet", action="store_true", help="print nothing but errors")
    calibrate = commands.add_parser(
        "calibrate", help="infer parameters of a scenario from its reported figures"
    )
    calibrate.add_argument("scenario", help="a shipped name, or the path of a .toml file")
    calibrate.add_argument(
        "--priors", metavar="FILE",
        help="a .toml file of priors; winter-2023-24 and january-2025 come with theirs",
    )  # fmt: skip
    calibrate.add_argument(
        "--figures", metavar="FILE",
        help="a .csv file of reported figures in the place of the scenario's own",
    )  # fmt: skip
    calibrate.add_argument("--seed", type=_whole, default=1, help="seed, 0 or more (default: 1)")
    calibrate.add_argument(
        "--budget", type=_positive, default=1_000_000, metavar="WARS",
        help="wars to fight at most (default: 1,000,000)",
    )  # fmt: skip
    calibrate.add_argument(
        "--quick", action="store_true", help="fight an eighth of them, for a first look"
    )
    calibrate.add_argument("--workers", type=_positive, metavar="N", help="threads")
    calibrate.add_argument(
        "--out", type=Path, metavar="DIR",
        help="write the fit, its tables and pictures into this folder; the same command goes on "
        "after an interruption",
    )  # fmt: skip
    calibrate.add_argument("--quiet", action="store_true", help="print nothing but errors")
    forecast = commands.add_parser(
        "forecast", help="score forecasts of a strike table beside three baselines"
    )
    forecast.add_argument("table", help="a strike table, a .csv file in a format that is known")
    for name, word in (("from", "first"), ("to", "last")):
        forecast.add_argument(
            f"--{name}", required=True, type=_day, metavar="DATE", dest=f"{name}_day",
            help=f"{word} day to forecast, such as 2025-04-21",
        )  # fmt: skip
    forecast.add_argument(
        "--horizon", type=_positive, default=7, metavar="DAYS",
        help="days added up in each forecast (default: 7)",
    )  # fmt: skip
    forecast.add_argument(
        "--keep-good", action="store_true",
        help="leave out rows of the table that are wrong, instead of refusing it",
    )  # fmt: skip
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a day such as 2025-04-21, but got {text!r}"
        ) from None


def _positive(text: str) -> int:
    value = _whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, but got {text!r}")
    return value


def _part(text: str) -> tuple[int, int]:
    k, slash, n = text.partition("/")
    if not (slash and k.isdecimal() and n.isdecimal() and 1 <= int(k) <= int(n)):
        raise argparse.ArgumentTypeError(f"must be K/N with 1 <= K <= N, but got {text!r}")
    return int(k), int(n)


def _whole(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be a whole number, 0 or more, but got {text!r}")
    return value


def _list(arguments: argparse.Namespace) -> int:
    from escalate.scenario_file import load_scenario, scenario_names

    names = scenario_names()
    width = max(map(len, names), default=0)
    for name in names:
        print(f"{name:{width}}  {load_scenario(name).title}")
    return 0


def _figures(arguments: argparse.Namespace) -> int:
    from escalate.comparison import figures_of
    from escalate.figures import disagreements, figure_table, read_figures, shipped_figures
    from escalate.scenario_file import load_scenario

    source = arguments.source
    if source is None:
        figures = shipped_figures()
    elif source.casefold().endswith(".csv"):
        figures = read_figures(source)
    else:
        figures = figures_of(load_scenario(source))
    table = figure_table(figures)
    rows = [
        (f.id, " to ".join(dict.fromkeys((f"{f.date_start}", f"{f.date_end}"))),
         f"{f.attacker} on {f.defender}", f.weapon_category, f.quantity, f.describe(),
         "" if f.unit in ("USD", "hours") else f.unit, f.claimant)
        for f in figures
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())
    print(f"\n{len(figures)} figures" if figures else "no figures")
    for found in disagreements(figures):
        print(f"{found.later.id} {found.kind} {found.earlier.id}: {found.reason}")
    if arguments.out is not None:
        import matplotlib

        matplotlib.use("Agg")
        from escalate import plots

        arguments.out.mkdir(parents=True, exist_ok=True)
        written = [arguments.out / "figures.csv"]
        table.to_csv(written[0], lineterminator="\n")
        for number, quantity in enumerate(dict.fromkeys(table["quantity"])):
            # A quantity is any text, so a file is named by what of it may stand in a name.
            word = "".join(c if c.isalnum() or c == "_" else "-" for c in quantity)
            name = f"{number + 1:02}-{word[:60]}.png"
            written.append(_picture(plots.reported(figures, quantity), arguments.out / name))
        print()
        for path in written:
            print(f"wrote {path}")
    return 0


def _changed(scenario: Scenario, changes: Sequence[str]) -> Scenario:
    parsed: dict[str, Any] = {}
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path.strip():
            raise EscalateError(f"--set takes PATH=VALUE, but got {change!r}")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text.strip()  # a bare word
        parsed[path.strip()] = value
    return scenario.replace(parsed) if parsed else scenario


def _run(arguments: argparse.Namespace) -> int:
    from escalate.comparison import figures_of, replications_of, table
    from escalate.metrics import check_figures
    from escalate.results import check_folder
    from escalate.scenario_file import load_scenario
    from escalate.simulation import simulate

    scenario = _changed(load_scenario(arguments.scenario), arguments.changes)
    figures = figures_of(scenario)
    check_figures(scenario, figures)
    if arguments.out is not None:
        check_folder(arguments.out)  # before the work, not after it
    run = simulate(scenario, rng=arguments.seed)
    many = replications_of(
        run, arguments.replications, progress=not arguments.quiet and sys.stderr.isatty()
    )
    comparisons = many.comparisons
    if not arguments.quiet:
        days = scenario.horizon_hours / 24.0
        print(f"{scenario.name}: {scenario.title}")
        print(
            f"{scenario.start:%Y-%m-%d %H:%M} to {scenario.end:%Y-%m-%d %H:%M} ({days:g} days), "
            f"seed {arguments.seed}, intervals from {arguments.replications} replications"
        )
        print()
        print(_happened(run, many.intervals))
        if comparisons:
            fits = sum(c.run_compatible for c in comparisons)
            print()
            print(f"Reported figures: the run fits {fits} of {len(comparisons)}", end="")
            if arguments.replications:
                both = sum(c.compatible for c in comparisons)
                print(f"; the central 90% of the replications meets {both}.")
            else:
                print(".")
            print(table(comparisons))
    written = _write(arguments, run, comparisons)
    if written and not arguments.quiet:
        print()
        for path in written:
            print(f"wrote {path}")
    return 0


def _sweep(arguments: argparse.Namespace) -> int:
    from contextlib import ExitStack

    from escalate.experiment_file import load_experiment

    experiment = load_experiment(arguments.file)
    how: dict[str, Any] = {
        "store": arguments.out, "workers": arguments.workers, "part": arguments.part,
        "progress": not arguments.quiet and sys.stderr.isatty(),
    }  # fmt: skip
    if arguments.replications is not None:
        how["replications"] = arguments.replications
    if arguments.part != (1, 1) and arguments.out is None:
        raise EscalateError("--part goes with --out, where the parts come together")
    if arguments.processes and arguments.dask:
        raise EscalateError("--processes and --dask exclude one another")
    with ExitStack() as stack:
        if arguments.processes:
            import multiprocessing
            from concurrent.futures import ProcessPoolExecutor

            # A fork would copy threads that the compiled loop may have started.
            context = multiprocessing.get_context("spawn")
            how["executor"] = stack.enter_context(
                ProcessPoolExecutor(arguments.workers, mp_context=context)
            )
        elif arguments.dask:
            how["executor"] = stack.enter_context(_dask(arguments.dask))
        done = experiment.run(**how)
    if not arguments.quiet:
        if experiment.title:
            print(experiment.title)
        print(done)
        print()
        print(_means(done))
        if not done.missing and done.design.kind in ("saltelli", "morris"):
            from escalate.sensitivity import morris_indices, sobol_indices

            indices = sobol_indices if done.design.kind == "saltelli" else morris_indices
            found = indices(done)
            print(f"\n{found.table.to_string(index=False, float_format='{:.3g}'.format)}")
            print(f"\n{found.verdict}")
    if arguments.out is not None and not done.missing:
        path = arguments.out / "table.csv"
        done.table().to_csv(path)
        if not arguments.quiet:
            print(f"\nwrote {path}")
    return 0


def _dask(address: str) -> Any:
    try:
        import distributed
    except ImportError as error:
        raise EscalateError(
            "--dask needs the distributed package: pip install 'escalate-sim[distributed]'"
        ) from error
    return distributed.Client(address)


def _means(done: Sweep, most: int = 12) -> str:
    """Lay out the means of the first points, of as many outcomes as fit on a line."""
    import pandas as pd

    columns = done.columns[:6]
    table = done.table(columns)
    shown = table[[*done.design.names, *columns]].head(most)
    with pd.option_context("display.width", 120, "display.max_columns", None):
        text = shown.to_string(float_format=lambda value: f"{value:.4g}")
    left = [
        f"{number} more {what}"
        for number, what in (
            (len(table) - len(shown), "points"), (len(done.columns) - len(columns), "outcomes"),
        )
        if number > 0
    ]  # fmt: skip
    return f"Means\n{text}" + (f"\n... and {' and '.join(left)}" if left else "")


def _calibrate(arguments: argparse.Namespace) -> int:
    from escalate.calibration import calibrate, load_priors, prior_names
    from escalate.figures import read_figures
    from escalate.scenario_file import load_scenario

    scenario = load_scenario(arguments.scenario)
    if arguments.priors is None and arguments.scenario not in prior_names():
        raise EscalateError(f"{arguments.scenario} has no priors: give them by --priors FILE")
    kept = "nothing was kept, as there was no --out"
    if arguments.out is not None:
        kept = f"the same command goes on from what is kept in {arguments.out / 'generations'}"
    try:
        fit = calibrate(
            scenario,
            None if arguments.figures is None else read_figures(arguments.figures),
            load_priors(arguments.priors or arguments.scenario),
            budget=max(arguments.budget // (8 if arguments.quick else 1), 1),
            rng=arguments.seed,
            workers=arguments.workers,
            store=None if arguments.out is None else arguments.out / "generations",
            progress=not arguments.quiet and sys.stderr.isatty(),
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; {kept}") from None
    learned, figures = fit.summary(), fit.predictive()
    missed = figures.index[~figures["inside"]].tolist()
    if not arguments.quiet:
        columns = ["reported", "low", "median", "high", "width_ratio", "inside", "chance",
                   "counted"]  # fmt: skip
        print(f"{scenario.name}: {scenario.title}")
        print(
            f"{fit.fought:,} wars, {fit.ess:.0f} effective draws; log evidence "
            f"{fit.log_evidence[0]:.2f} +- {fit.log_evidence[1]:.2f}"
        )
        shown = learned.to_string(float_format="{:.3g}".format)
        print(f"\nWhat was learned (low to high: 90%)\n{shown}")
        print(
            "\nEvery figure, and the central 90% of what the posterior predicts (width_ratio: its "
            "width over the prior's; chance: of what was reported, in these words)\n"
            f"{figures[columns].to_string(float_format='{:.4g}'.format)}"
        )
        print(
            f"\n{figures['inside'].sum()} of {len(figures)} figures are met; "
            f"missed: {', '.join(missed) or 'none'}"
        )
    if arguments.out is not None:
        import matplotlib

        matplotlib.use("Agg")
        from escalate.plots import calibration as pictures

        out = arguments.out
        written = [
            fit.save(out / "fit.nc"), out / "parameters.csv", out / "figures.csv",
            out / "posterior.csv",
        ]  # fmt: skip
        learned.to_csv(written[1])
        figures.to_csv(written[2])
        # Enough to be used, and small enough to be passed on.
        step = max(fit.posterior.sizes["draw"] // 250, 1)
        thinned = fit.posterior.isel(draw=slice(0, None, step))
        thinned.to_dataframe().to_csv(written[3], float_format="%.6g", lineterminator="\n")
        written.append(_picture(pictures.posterior(fit), out / "posterior.png"))
        written.append(_picture(pictures.predictive(fit), out / "predictive.png"))
        if not arguments.quiet:
            print()
            for path in written:
                print(f"wrote {path}")
    return 0


def _forecast(arguments: argparse.Namespace) -> int:
    from escalate.forecast import score_forecasts
    from escalate.strikes import read_strikes

    try:
        table = read_strikes(arguments.table, keep_good=arguments.keep_good)
    except InvalidInputError as error:
        if arguments.keep_good or not any("row" in problem.place for problem in error.problems):
            raise
        hint = Problem("", "to forecast from the good rows alone, add --keep-good")
        raise InvalidInputError([*error.problems, hint], error.file) from error
    scores = score_forecasts(table, arguments.from_day, arguments.to_day, horizon=arguments.horizon)
    first, last = scores.weeks["start"].min(), scores.weeks["start"].max()
    last += timedelta(days=scores.horizon - 1)
    days = {1: "a day", 7: "a week"}.get(scores.horizon, f"{scores.horizon} days")
    print(f"{table.file} ({table.form}): {table.first} to {table.last}")
    if table.problems:
        print(f"left out {len(table.problems):,} rows that are wrong, as if there had been no such "
              f"strike; the first: {table.problems[0]}")  # fmt: skip
    for note in table.notes:
        print(f"note: {note}")
    print(f"{scores.scored} forecast{'s' * (scores.scored != 1)} of {days}, {first:%Y-%m-%d} to "
          f"{last:%Y-%m-%d}, each from the days before it alone")  # fmt: skip
    if scores.scored < scores.asked:
        print(f"asked for {scores.asked}; the table ends on {table.last}, so {scores.scored} "
              f"{'was' if scores.scored == 1 else 'were'} scored")  # fmt: skip
    print()
    print(scores.text())
    return 0


def _happened(run: Run, intervals: Mapping[str, Mapping[str, tuple[float, float]]]) -> str:
    """Lay out what happened, a line an outcome, by side, with the interval beside it."""
    from escalate.comparison import number
    from escalate.metrics import OUTCOMES

    summary = run.summary()
    sides = list(summary)
    head = ["What happened"]
    for side in sides:
        head += [side, "90% of runs"] if intervals else [side]
    rows = [head]
    for outcome, meaning in OUTCOMES.items():
        row = [meaning]
        for side in sides:
            row.append(number(summary[side][outcome]))
            if intervals:
                low, high = intervals[side][outcome]
                known = not math.isnan(low)
                row.append(f"{number(low)} to {number(high)}" if known else "-")
        rows.append(row)
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _write(
    arguments: argparse.Namespace, run: Run, comparisons: tuple[Comparison, ...]
) -> list[Path]:
    """Write what was asked for and give the paths."""
    written: list[Path] = []
    if arguments.out is None and not arguments.plot:
        return written
    import matplotlib

    matplotlib.use("Agg")
    from escalate import plots

    folder = Path(".")
    name = run.scenario.name or "run"
    if arguments.out is not None:
        folder = run.save(arguments.out)
        written += [folder / "events.parquet", folder / "run.json"]
        # Written even if empty, so that a table of an earlier run does not stay behind.
        written.append(_write_comparisons(folder / "figures.csv", comparisons))
        picture = plots.overview(run, comparisons or None)
        path = folder / f"{name}.png"
        # Without the library's version in it, the same run gives the same bytes.
        picture.savefig(path, dpi=300, metadata={"Software": None})
        written.append(path)
    if arguments.plot:
        for kind in ("timeline", "stocks", "interception", "causal_tree"):
            written.append(_picture(getattr(plots, kind)(run), folder / f"{name}-{kind}.png"))
        if comparisons:
            written.append(_picture(plots.figures(comparisons), folder / f"{name}-figures.png"))
    return written


def _picture(axes: Any, path: Path) -> Path:
    import matplotlib.pyplot as plt

    axes.figure.savefig(path, dpi=300, metadata={"Software": None})
    plt.close(axes.figure)
    return path


def _write_comparisons(path: Path, comparisons: tuple[Comparison, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ["id", "reported", "claimant", "run", "run_compatible", "low90", "high90",
             "compatible", "found", "replications", "contradicts", "revised_by"]
        )  # fmt: skip
        for c in comparisons:
            writer.writerow(
                [c.figure.id, c.figure.describe(), c.figure.claimant, c.value,
                 c.run_compatible, c.low, c.high, c.compatible, c.found, c.replications,
                 " ".join(c.against), " ".join(c.revised_by)]
            )  # fmt: skip
    return path


if __name__ == "__main__":
    sys.exit(main())
