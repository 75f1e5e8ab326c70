"""One arm, in a process of its own, so that its peak memory and its start-up are its own.

`python -m bench.arms fused JOB OUT --began T` trains what the job says in one of the ways of `ARMS` and writes losses,
stamps and memory. `stock-process` trains one trial: eight of them in turn are what a shell loop over scripts does. The
measuring process starts these and never loads torch itself.
"""

import argparse
import json
import logging
import resource
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.job import Job, read_job

ARMS = {
    "processes": "(i) a trl.SFTTrainer process per trial, in turn",
    "reuse": "(ii) one process, SFTTrainer per trial on one base",
    "mixed": "(iii) PEFT mixed batch, adapter_names in training",
    "alone": "(iv) our engine, K = 1, one trial after the other",
    "fused": "our engine, all trials in one bank",
    "flat": "(ii) without padding: TRL's padding_free",
    "rows": "(ii) without padding: one row a pass, accumulated",
    "completion": "(ii) with logits at completion tokens only",
    "both": "(ii) with padding_free and logits at completion tokens only",
}
"""What each arm is, in words."""


def _stock(variant: str) -> Callable[[Job], dict[str, Any]]:
    def train_all(job: Job) -> dict[str, Any]:
        from bench.stock import load_base, train_stock

        base, tokenizer = load_base(job)
        told = [
            train_stock(base, tokenizer, job=job, trial=trial, variant=variant)
            for trial in job.trials
        ]
        return {"losses": [t["losses"] for t in told], "stamps": [t["stamps"] for t in told]}

    return train_all


def _trainer_of(arm: str) -> Callable[[Job], dict[str, Any]]:
    if arm == "fused":
        from bench.own import train_fused

        return train_fused
    if arm == "alone":
        from bench.own import train_alone

        return train_alone
    if arm == "mixed":
        from bench.mixed import train_mixed

        return train_mixed
    return _stock("plain" if arm in ("reuse", "processes") else arm)


def _peak_rss_bytes() -> int:
    """The most memory this process has held."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: on Linux that begins with what the parent held when it forked.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    """Train and write down how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arm", choices=ARMS)
    parser.add_argument("job", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--began", type=float, required=True, help="when the parent started this")
    parser.add_argument("--trial", type=int, help="train this trial only")
    said = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in ("transformers", "trl", "peft", "datasets"):
        logging.getLogger(name).setLevel(logging.ERROR)
    job = read_job(said.job)
    if said.trial is not None:
        from dataclasses import replace

        job = replace(job, trials=(job.trials[said.trial],))
    told = _trainer_of(said.arm)(job)
    import torch

    told["startup_seconds"] = told["stamps"][0][0] - said.began
    told["peak_rss_bytes"] = _peak_rss_bytes()
    told["threads"] = torch.get_num_threads()
    if job.device == "cuda":
        told["peak_cuda_bytes"] = torch.cuda.max_memory_allocated()
    said.out.write_text(json.dumps(told))


if __name__ == "__main__":
    main()
