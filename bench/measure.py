"""Measures a case: its arms in turn, each in a process of its own, repetition after repetition, behind the gate.

`measure(case, rate=..., gate=..., say=print)` gives the figures of every point of a case as plain JSON. An arm that
fails is named and left out, the others go on. It starts processes and does arithmetic; it never loads torch.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import figures
from bench.arms import ARMS
from bench.job import Job, plan_trials, read_job
from bench.load import Gate
from bench.machine import ROOT, environment
from bench.suite import Case, minutes
from workbench.timing.others import Others

MAX_ROWS = 512
LAST_WORDS = 600
"""Characters of what a failed process said."""

Say = Callable[[str], None]


def measure(case: Case, *, rate: dict[str, Any], gate: Gate, say: Say) -> dict[str, Any]:
    """Every point of a case."""
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        points = [
            _point(_job(case, batch=batch, home=home), case=case, rate=rate, gate=gate, say=say)
            for batch in case.batches
        ]
    return {"case": asdict(case), "points": points}


def _point(job: Job, *, case: Case, rate: dict[str, Any], gate: Gate, say: Say) -> dict[str, Any]:
    job.write()
    asked = [] if case.steps is not None else ["--seconds", str(case.seconds)]
    began = time.perf_counter()
    run_python("bench.pilot", str(job.path), *asked, "--least", str(case.least))
    job = read_job(job.path)
    facts = json.loads(Path(job.folder, "facts.json").read_text())
    say(
        f"{case.name}, batch {job.batch}: {job.steps} steps of {len(job.trials)} trials, "
        f"prepared in {time.perf_counter() - began:.0f} s"
    )
    runs, failed, gates = _all_runs(job, case=case, gate=gate, say=say)
    arms = {
        arm: figures.arm_figures(told, facts=facts, rate=rate, job=job)
        for arm, told in runs.items()
        if told and arm not in failed
    }
    figures.judge(arms, dtype=job.dtype)
    return {
        "conditions": {k: v for k, v in asdict(job).items() if k != "folder"},
        "repeats": case.repeats,
        "parameters": {k: facts[k] for k in ("body_parameters", "head_parameters")},
        "tokens_per_trial": sum(facts["real_tokens"]),
        "tokens_per_step_of_a_trial": sum(facts["real_tokens"]) / job.steps,
        "padding_factor": figures.padding_factor(facts),
        "arms": {arm: figures.thinned(found) for arm, found in arms.items()},
        "gains": figures.gains(arms),
        "split": figures.split(arms),
        "time_of_a_step": _profile(job, arms=arms, failed=failed) if case.profiled else None,
        "failed": failed,
        "gates": gates,
        "quiet": all(opened["quiet"] for opened in gates),
    }


def _all_runs(
    job: Job, *, case: Case, gate: Gate, say: Say
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str], list[dict[str, Any]]]:
    """What each arm wrote in each repetition, what failed, and how the gate opened."""
    runs: dict[str, list[dict[str, Any]]] = {arm: [] for arm in case.arms}
    failed: dict[str, str] = {}
    gates: list[dict[str, Any]] = []
    for repeat in range(case.repeats):
        # Another arm begins each time, so that a drift of the machine falls on all of them.
        first = repeat % len(case.arms)
        for arm in case.arms[first:] + case.arms[:first]:
            if arm in failed:
                continue
            gates.append({"arm": arm, **asdict(gate.wait())})
            try:
                run = _run(arm, job=job)
            except RuntimeError as error:
                failed[arm] = str(error)
                say(f"  {arm} failed: {error}")
                continue
            runs[arm].append(run)
            say(
                f"  {repeat + 1}/{case.repeats} {arm}: wall {run['wall_seconds']:.1f} s, "
                f"{run['steady_seconds'] * 1e3:.0f} ms a step of all, "
                f"others {run['cores_of_others']:.2f} cores"
            )
            if arm == figures.REFERENCE and repeat == 0 and case.steps is None:
                left = minutes(case, seconds=run["trained_seconds"]) / len(case.batches)
                say(f"  this point takes about {left:.0f} min in all")
    return runs, failed, gates


def _run(arm: str, *, job: Job) -> dict[str, Any]:
    """One repetition of an arm: its process, or one for each trial in turn."""
    way = ARMS[arm]
    out = Path(job.folder, "told.json")
    told = []
    watch, began = Others(), time.perf_counter()
    for trial in range(len(job.trials)) if way.in_turn else (None,):
        which = [] if trial is None else ["--trial", str(trial)]
        started = repr(time.monotonic())
        run_python(
            "bench.arms", arm, str(job.path), str(out), "--began", started, *which,
            extra=dict(way.environment),
        )  # fmt: skip
        told.append(json.loads(out.read_text()))
        out.unlink()
    wall = time.perf_counter() - began
    found = figures.one_run(told, wall=wall, skip=job.skip)
    return found | {"cores_of_others": watch.cores()}


def _profile(job: Job, *, arms: dict[str, Any], failed: dict[str, str]) -> dict[str, Any] | None:
    """Where the time of a step of the fastest fused arm goes."""
    fused = [arm for arm in arms if ARMS[arm].way == "fused"]
    if not fused:
        return None
    arm = min(fused, key=lambda name: arms[name]["steady_seconds"])
    try:
        told = run_python("bench.profile", str(job.path), extra=dict(ARMS[arm].environment))
    except RuntimeError as error:
        failed["profile"] = str(error)
        return None
    return {"arm": arm, **json.loads(told)}


def _job(case: Case, *, batch: int, home: str) -> Job:
    steps = case.steps or case.least
    return Job(
        shape=case.shape,
        dtype=case.dtype,
        steps=steps,
        batch=batch,
        skip=min(case.skip, steps - 1),
        median_tokens=case.tokens,
        spread=case.spread,
        num_rows=batch * max(1, MAX_ROWS // batch),
        device=case.device,
        folder=str(Path(home, f"batch-{batch}")),
        trials=plan_trials(case.k),
    )


def run_python(module: str, *arguments: str, extra: dict[str, str] | None = None) -> str:
    """What a module of ours prints, in a process of its own with the environment of all arms."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**environment(), **(extra or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = _last_words(done.stderr)
        raise RuntimeError(f"{module} ended with {done.returncode}: {said}")
    return done.stdout


def _last_words(text: str) -> str:
    """The end of what a process said, without the places of this machine in it."""
    return text.replace(str(ROOT), ".").replace(str(Path.home()), "~")[-LAST_WORDS:].strip()
