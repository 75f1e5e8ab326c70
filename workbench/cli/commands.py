"""The commands themselves: each parses what was typed, calls the one function that does it, and prints.

`main()` is the entry point; it turns our errors into one message and their exit code, and anything unforeseen into a
short message and a log. Heavy libraries load inside the commands that need them.
"""

import json
import logging
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from typer.exceptions import TyperException

from workbench import __version__
from workbench.cli import results
from workbench.cli.printing import command as as_typed
from workbench.cli.printing import duration, note, notes, problem, say, say_json
from workbench.cli.resuming import sweep_to_resume
from workbench.errors import InputError, WorkbenchError
from workbench.spec import Spec

app = typer.Typer(
    name="workbench",
    help="Train a sweep of LoRA adapters, evaluate every one, compare them, and write one report.",
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RunsOption = Annotated[Path, typer.Option("--runs", help="The folder that holds the sweeps.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
SpecArgument = Annotated[Path, typer.Argument(metavar="SPEC", help="A YAML file.")]
PathArgument = Annotated[Path, typer.Argument(metavar="PATH", help="The folder of a sweep.")]
TOUR = Path("notebooks/00_start_here.ipynb")


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - the signature is typer's
    if wanted:
        say(f"peft-workbench {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Only `--version` belongs to no command."""


@app.command()
def demo(
    *,
    runs: RunsOption = Path("runs"),
    out: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("reports/demo.html"),
) -> None:
    """Run the example sweep from end to end and write its report."""
    from workbench.cli.following import follow
    from workbench.cli.reporting import writing
    from workbench.compare import compare as compare_sweep
    from workbench.job import start
    from workbench.report import render

    began = time.perf_counter()
    # A name of its own, so that the README's tour finds its sweep as runs/rank-sweep.
    job = start(Spec.load(demo_spec()).replace({"name": "demo"}), runs=runs)
    note(f"training {len(job.store.trials)} adapters into {job.path}")
    status = follow(job)
    code = results.tell_run(job, status)
    if not job.store.scores():
        raise typer.Exit(code)
    with writing() as tell:
        comparison = compare_sweep(job.path)
        report_path = render(job.path, out, overwrite=True, progress=tell)
    say(f"report:  {report_path}")
    say(f"verdict: {comparison.verdict.sentence}")
    say(f"elapsed: {duration(time.perf_counter() - began)}")
    say("Next: make lab")
    raise typer.Exit(code)


def demo_spec() -> Path:
    """The spec of the demo: in a checkout the example that the README shows, in a wheel the copy packed from it."""
    package = Path(__file__).resolve().parents[1]
    in_checkout = package.parent / "examples" / "rank_sweep.yaml"
    return in_checkout if in_checkout.exists() else package / "demo.yaml"


def _load(path: Path) -> Spec:
    """The spec in a file; the folder of a sweep is told what it is for."""
    if (path / "spec.yaml").is_file():
        raise InputError(
            f"{str(path)!r} is the folder of a sweep. Go on with it: {as_typed()} run {path} --resume, "
            f"or give its spec: {path / 'spec.yaml'}"
        )
    if path.is_dir():
        raise InputError(
            f"{str(path)!r} is a folder and cannot be read as a spec; give a YAML file, such as "
            "examples/rank_sweep.yaml"
        )
    return Spec.load(path)


@app.command()
def plan(
    spec: SpecArgument,
    *,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="First measure this machine for five seconds."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what a sweep will cost. Nothing is started."""
    from workbench.job import plan as foresee

    if calibrate:
        from workbench.cli.pacing import measure_this_machine

        measure_this_machine()
    planned = foresee(_load(spec))
    if as_json:
        say_json(planned.model_dump(mode="json"))
    else:
        results.tell_plan(planned)


@app.command()
def run(
    spec: Annotated[
        Path,
        typer.Argument(
            metavar="SPEC",
            help="A YAML file; with --resume also the folder of a sweep, or its name.",
        ),
    ],
    *,
    runs: RunsOption = Path("runs"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the sweep of this spec where it ended.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train, evaluate and store every trial of a spec."""
    from workbench.cli.following import follow
    from workbench.job import attach, start

    if resume:
        job = attach(sweep_to_resume(spec, runs=runs))
        if job.status().state not in ("running", "paused", "stopping"):
            job.restart()
    else:
        job = start(_load(spec), runs=runs)
    note(f"{job.path}: {len(job.store.trials)} trials")
    raise typer.Exit(results.tell_run(job, follow(job), as_json=as_json))


@app.command(name="runs")
def list_runs(
    *,
    runs: RunsOption = Path("runs"),
    limit: Annotated[int, typer.Option(min=1, help="Show at most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the sweeps in a folder, newest first."""
    from workbench.runs.store import find_sweeps

    found = find_sweeps(runs)
    rows = [results.sweep_row(path) for path in found[:limit]]
    if as_json:
        say_json(rows)
    elif not rows:
        say(f"no sweep in {str(runs)!r}; start one: {as_typed()} run examples/rank_sweep.yaml")
    else:
        results.tell_sweeps(rows)
        if len(found) > limit:
            say(f"and {len(found) - limit} older ones; --limit shows more")


@app.command(name="eval")
def evaluate(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="The folder of a sweep or a trial; or adapters in PEFT's format and models, from anywhere.",
        ),
    ],
    *,
    evals: Annotated[
        str | None,
        typer.Option(
            help="Evals or suites, with commas between them; of a sweep the spec's own when left out."
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="The model of adapters from elsewhere; the one they name when left out."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="A benchmark's file, as bbq=FILE; or rows for adapters from elsewhere."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to make of them; runs/<name> when left out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask evals of adapters and of their base. In a sweep the answers replace the old ones."""
    from workbench.cli.evaluating import ask

    names = _names(evals or "")
    if evals is not None and not names:
        raise InputError(f"--evals {evals!r} names no eval; name one, as in --evals retention")
    _quiet_libraries()
    scores = ask(paths, evals=names, base=base, data=data or (), out=out)
    if as_json:
        say_json([score.model_dump(mode="json") for score in scores])
    else:
        results.tell_scores(scores)


def _names(evals: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in evals.split(",") if name.strip())


def _quiet_libraries() -> None:
    """Bars and advice that model libraries print are for their developers; our own bar says enough."""
    import warnings

    warnings.filterwarnings("ignore", category=FutureWarning)
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


@app.command()
def calibrate(
    *,
    evals: Annotated[
        str, typer.Option(help="Which evals, with commas between them; all when left out.")
    ] = "",
    rounds: Annotated[
        int | None, typer.Option(help="How often each eval is asked; 40 when left out.")
    ] = None,
    model: Annotated[
        bool, typer.Option("--model", help="Ask the trained model of the micro-world, too.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Store the certificate in this JSON file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what was planted with every eval, and say how well each recovers it."""
    from workbench.calibrate import Certificate
    from workbench.calibrate import calibrate as measure
    from workbench.cli.calibrating import tell_certificate

    if out is not None:
        Certificate.check_place(out)
    with notes().status("calibrating") as status:
        trained = None
        if model:
            _quiet_libraries()
            from workbench.calibrate.trained import trained_model

            trained = trained_model()
        found = measure(_names(evals), rounds=rounds, trained=trained, progress=status.update)
    if out is not None:
        found.save(out)
    if as_json:
        say_json(found.model_dump(mode="json"))
    else:
        tell_certificate(found)
    raise typer.Exit(0 if found.passes else 1)


@app.command()
def compare(
    path: PathArgument,
    *,
    primary: Annotated[str, typer.Option(help="The eval that decides.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Compare the trials of a sweep, and each with the base."""
    folder = results.a_folder(path)
    with notes().status("comparing"):
        from workbench.compare import compare as compare_sweep

        comparison = compare_sweep(folder, primary=primary or None)
    results.tell_comparison(comparison, as_json=as_json)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    notebook: Annotated[
        Path, typer.Argument(metavar="[NOTEBOOK]", help="What to open; the tour when left out.")
    ] = TOUR,
) -> None:
    """Open JupyterLab. What follows is passed on to it."""
    passed = list(context.args)
    if str(notebook).startswith("-"):
        notebook, passed = TOUR, [str(notebook), *passed]
    if not notebook.exists():
        raise InputError(
            f"there is no {str(notebook)!r} here ({Path.cwd()}); go to the folder of the project, "
            f"or name a notebook: {as_typed()} lab PATH"
        )
    command = [sys.executable, "-m", "jupyterlab", *lab_options(notebook), *passed]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Jupyter refuses root otherwise; in a container everybody is root.
        command.append("--allow-root")
    # One more place to look for settings, for this one server: without news, newer versions or a question about them.
    places = [str(Path(__file__).parent / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, places))
    os.execv(sys.executable, command)


def lab_options(notebook: Path) -> list[str]:
    """What JupyterLab is told so that its address leads to the notebook."""
    path, root = notebook.resolve(), Path.cwd().resolve()
    if not path.is_relative_to(root):
        root = path.parent
    return [
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{quote(path.relative_to(root).as_posix())}",
    ]


@app.command()
def doctor(*, as_json: JsonOption = False) -> None:
    """Say what works here, and the command that mends the rest."""
    from workbench.doctor import examine

    with notes().status("looking around"):
        found = examine()
    results.tell_examination(found, as_json=as_json)
    raise typer.Exit(0 if found.ok else 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give back its exit code."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(message)s")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return int(app(args=given, prog_name=as_typed(), standalone_mode=False) or 0)
    except WorkbenchError as error:
        problem(str(error))
        return error.exit_code
    except TyperException as error:
        return _misused(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has left (as `| head` does); that is no failure.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: said, logged, and exit 1
        return _unforeseen(error, given)


def _misused(error: Any) -> int:
    context = getattr(error, "ctx", None)
    hint = f"; see: {context.command_path} --help" if context else f"; see: {as_typed()} --help"
    problem(error.format_message().rstrip(".") + hint)
    return 2


def _unforeseen(error: Exception, given: list[str]) -> int:
    descriptor, name = tempfile.mkstemp(prefix="workbench-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8") as log:
        log.write(f"workbench {__version__} {json.dumps(given)}\n")
        traceback.print_exception(error, file=log)
    problem(
        f"unforeseen: {type(error).__name__}: {error}\n"
        f"The details are in {name}; please report them. `{as_typed()} doctor` says whether something is missing."
    )
    return 1
