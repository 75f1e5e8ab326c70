"""Before the arms of a point run: its model and rows are made, and it is found how many steps it needs here.

`python -m bench.pilot JOB --seconds 130 --least 20` trains a few steps of two of the trials the stock way, sets the
job's steps so that arm (ii) trains all of them for about so long on this machine, and writes `facts.json`. Without
`--seconds` the job's steps stay. Nothing that it measures is reported as a result.
"""

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path

from bench.arms import quieten
from bench.job import Job, read_job
from bench.shapes import facts, prepare

TRIALS = 2
STEPS = 4
MARGIN = 1.1
"""A first few steps are slower than those that follow, so a run would end too soon."""


def main() -> None:
    """Prepare and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", type=Path)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--least", type=int, default=1, help="steps, however long they take")
    said = parser.parse_args()
    quieten()
    job = read_job(said.job)
    prepare(job)
    if said.seconds is not None:
        steps = math.ceil(MARGIN * said.seconds / _seconds_of_a_step(job))
        job = replace(job, steps=max(said.least, steps))
        job.write()
    (said.job.parent / "facts.json").write_text(json.dumps(facts(job)))


def _seconds_of_a_step(job: Job) -> float:
    """Of all trials, one after the other, the stock way."""
    from bench.stock import load_base, train_stock

    small = replace(job, steps=job.skip + STEPS, trials=job.trials[:TRIALS])
    base, tokenizer = load_base(small)
    taken = []
    for trial in small.trials:
        told = train_stock(base, tokenizer, job=small, trial=trial)
        taken.append((told["stamps"][-1] - told["stamps"][job.skip]) / STEPS)
    return float(sum(taken)) * len(job.trials) / len(small.trials)


if __name__ == "__main__":
    main()
