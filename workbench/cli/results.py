"""What each command tells when it is done: the same facts as text for people or as JSON for programs."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli.printing import command, duration, megabytes, note, problem, say, say_json, table
from workbench.doctor import Examination
from workbench.errors import StoreError, WorkbenchError
from workbench.job import Job
from workbench.plan.outcome import sides
from workbench.runs.store import Status, SweepStore
from workbench.scores.task import Score

if TYPE_CHECKING:
    from workbench.compare import Comparison
    from workbench.plan.plan import Plan

GIVEN_UP = ("pruned", "dropped")
"""States of trials that were given up."""

MADE_ELSEWHERE = "foreign.json"
"""Its presence says so; the part that writes it is too heavy to be asked for its name."""


def a_folder(path: Path) -> Path:
    """A path that is a folder, or the error that says what it is."""
    if path.is_dir():
        return path
    what = "is a file" if path.exists() else "does not exist"
    raise StoreError(
        f"{str(path)!r} {what}; give the folder of a sweep (`{command()} runs` lists them)"
    )


def tell_plan(planned: "Plan") -> None:
    """A plan, one line a trial."""
    model, trainings = planned.model, len(planned.groups)
    say(
        f"{planned.name}: {len(planned.trials)} trials on {model.id} "
        f"({model.model_type}, {model.parameters:,} parameters) in "
        + ("one training" if trainings == 1 else f"{trainings} trainings")
    )
    rows = [
        (
            trial.name,
            f"{trial.trainable_parameters:,}",
            f"{100 * trial.trainable_parameters / trial.total_parameters:.2f} %",
            "?" if trial.steps is None else f"{trial.steps:,}",
            megabytes(trial.memory.peak),
        )
        for trial in planned.trials
    ]
    numbers = ("trainable", "share", "steps", "peak memory")
    table(("trial", *numbers), rows, right=numbers)
    for name, reason in planned.alone.items():
        say(f"{name} trains alone: {reason}")
    for name, reason in planned.refused.items():
        say(f"{name} cannot run: {reason}")
    say(f"peak memory of the largest training: {megabytes(planned.peak)}, for {planned.rows_said}")
    for part, size in planned.parts.items():
        say(f"  {part}: {megabytes(size)}")
    say(planned.time_said)
    if planned.gain_said:
        say(planned.gain_said)


def tell_run(job: Job, status: Status, *, as_json: bool = False) -> int:
    """How a sweep ended; the exit code that says it."""
    failed = sorted(name for name, state in status.trials.items() if state == "failed")
    code = 0 if status.state == "done" and not failed else 1
    if as_json:
        scores = [score.model_dump(mode="json") for score in job.store.scores()]
        say_json(
            {
                "path": str(job.path),
                "state": status.state,
                "attempt": status.attempt,
                "trials": status.trials,
                "message": status.message,
                "scores": scores,
            }
        )
    else:
        say(f"{job.path}: {status.state}")
        tell_costs(job.store)
        tell_given_up(status)
    if failed:
        problem(
            f"{len(failed)} of {len(job.store.trials)} trials failed: {', '.join(failed)}; the others are kept"
        )
    if status.state in ("failed", "lost"):
        problem(status.message or "the worker ended without a word")
        log = job.log(10)
        if log and not failed:
            note(f"the end of {job.path / 'log.txt'}:\n{log}")
    if code and status.state != "failed":
        note(f"go on with: {command()} run {job.path} --resume")
    return code


def tell_given_up(status: Status) -> None:
    """The trials that were not trained to their end and are asked nothing, which is no failure."""
    for state in GIVEN_UP:
        names = sorted(name for name, told in status.trials.items() if told == state)
        if names:
            say(f"{state}: {', '.join(names)}")


def tell_costs(store: SweepStore) -> None:
    """What was predicted beside what was measured."""
    measured = store.read_json("measured.json", default={})
    for side in sides(store.read_json("plan.json", default={}), measured):
        if side.measured is None:
            continue
        told = duration if side.unit == "s" else megabytes
        foreseen = "unknown" if side.predicted is None else told(side.predicted)
        times = "" if side.ratio is None else f" ({side.ratio:.2f} times)"
        say(f"{side.what}: predicted {foreseen}, measured {told(side.measured)}{times}")


def sweep_row(path: Path) -> dict[str, Any]:
    """One sweep in the list; one that cannot be read says why."""
    try:
        store = SweepStore.open(path)
        status = store.status()
    except WorkbenchError as error:
        return {
            "sweep": path.name,
            "path": str(path),
            "state": "unreadable",
            "trials": None,
            "trained": None,
            "made_elsewhere": None,
            "failed": None,
            "stopped": None,
            **dict.fromkeys(GIVEN_UP),
            "started": None,
            "message": str(error),
        }
    states = list(status.trials.values())
    trained = states.count("trained") + states.count("done")
    elsewhere = (path / MADE_ELSEWHERE).is_file()
    started = datetime.fromtimestamp((path / "spec.yaml").stat().st_mtime).astimezone()
    return {
        "sweep": path.name,
        "path": str(path),
        "state": status.state,
        "trials": len(store.trials),
        "trained": 0 if elsewhere else trained,
        "made_elsewhere": len(store.trials) if elsewhere else 0,
        "failed": states.count("failed"),
        "stopped": states.count("stopped"),
        **{state: states.count(state) for state in GIVEN_UP},
        "started": started.isoformat(timespec="seconds"),
        "message": status.message,
    }


def tell_sweeps(rows: Sequence[dict[str, Any]]) -> None:
    """The list of sweeps, for people."""
    shown = []
    for row in rows:
        trials, started = "", ""
        if row["state"] != "unreadable":
            elsewhere = row["made_elsewhere"]
            ends = [
                f"{elsewhere} made elsewhere"
                if elsewhere
                else f"{row['trained']} of {row['trials']}"
            ]
            ends += [f"{row[end]} {end}" for end in ("failed", "stopped", *GIVEN_UP) if row[end]]
            trials = ", ".join(ends)
            started = datetime.fromisoformat(row["started"]).strftime("%Y-%m-%d %H:%M")
        shown.append((row["sweep"], row["state"], trials, started, row["message"]))
    table(("sweep", "state", "trained", "started", "message"), shown)


def tell_scores(scores: Sequence[Score]) -> None:
    """Scores with interval and n."""
    rows = [
        (
            score.eval,
            score.slot,
            _interval(score),
            score.unit,
            score.n,
            _number(score.chance),
            score.errors,
            score.truncated,
        )
        for score in scores
    ]
    columns = ("eval", "of", "value", "unit", "n", "chance", "errors", "cut")
    table(columns, rows, right=("n", "chance", "errors", "cut"))


def _interval(score: Score) -> str:
    if score.value is None:
        return "no value"
    return f"{_number(score.value)} [{_number(score.low)}, {_number(score.high)}]"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def tell_comparison(comparison: "Comparison", *, as_json: bool) -> None:
    """The verdict and the leaderboard."""
    if not as_json:
        say(repr(comparison))
        return
    frame = comparison.frame()
    say_json(
        {
            "path": str(comparison.path),
            "primary": comparison.primary,
            "verdict": comparison.verdict.model_dump(mode="json"),
            "table": json.loads(frame.to_json(orient="records")),
        }
    )


def tell_examination(found: Examination, *, as_json: bool) -> None:
    """What works here and what mends the rest."""
    if as_json:
        say_json({"ok": found.ok, **found.model_dump(mode="json")})
        return
    for check in found.checks:
        mark = "ok     " if check.ok else "MISSING" if check.needed else "without"
        say(f"{mark} {check.name}: {check.found}")
        if not check.ok:
            say(f"        {check.mend}")
    say(
        "versions: "
        + ", ".join(
            f"{name} {version or 'not installed'}" for name, version in found.versions.items()
        )
    )
    say("everything needed works" if found.ok else "something needed is missing; see above")
