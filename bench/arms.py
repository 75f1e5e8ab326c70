"""The arms: every way in which the same trials are trained, each in a process of its own.

`python -m bench.arms fused JOB OUT --began T` trains what the job says and writes losses, stamps, page faults and peak
memory; start-up and memory are then the arm's own. An arm that trains in turn has a process a trial, which is what a
shell loop over scripts does. The measuring process starts these and never loads torch itself.
"""

import argparse
import json
import logging
import resource
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.job import Job, read_job
from workbench.job import WORKER_ENVIRONMENT

KEPT_BLOCKS = {k: v for k, v in WORKER_ENVIRONMENT.items() if k.startswith("MALLOC_")}
"""As our worker has it: the allocator keeps large blocks instead of giving each back to the kernel."""
HUGE_PAGES = KEPT_BLOCKS | {"THP_MEM_ALLOC_ENABLE": "1"}
"""The same, and torch asks for pages of 2 MB."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A way of training all trials."""

    words: str
    way: str
    """Which code trains: fused, alone, mixed, or a variant of the stock trainer."""
    in_turn: bool = False
    """A process for each trial, one after the other."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of its process, on top of what all arms have."""


ARMS = {
    "processes": Arm(words="(i) a trl.SFTTrainer process a trial, in turn", way="plain", in_turn=True),
    "reuse": Arm(words="(ii) one process, an SFTTrainer a trial on one base", way="plain"),
    "mixed": Arm(words="(iii) PEFT mixed batch, adapter_names in training", way="mixed"),
    "alone": Arm(words="(iv) our engine, K = 1, one trial after the other", way="alone"),
    "fused": Arm(words="our engine, all trials in one bank", way="fused"),
    "flat": Arm(words="(ii) without padding: TRL's padding_free", way="flat"),
    "rows": Arm(words="(ii) without padding: one row a pass, accumulated", way="rows"),
    "completion": Arm(
        words="(ii) with logits at completion tokens only and no metrics", way="completion"
    ),
    "both": Arm(words="(ii) with padding_free and completion", way="both"),
    "reuse-malloc": Arm(words="(ii) with kept blocks", way="plain", environment=KEPT_BLOCKS),
    "fused-malloc": Arm(
        words="fused with kept blocks, as our worker runs", way="fused", environment=KEPT_BLOCKS
    ),
    "fused-pages": Arm(
        words="fused with kept blocks and huge pages", way="fused", environment=HUGE_PAGES
    ),
}  # fmt: skip
"""Every arm by its name."""


def _stock(variant: str) -> Callable[[Job], dict[str, Any]]:
    def train_all(job: Job) -> dict[str, Any]:
        from bench.stock import load_base, train_stock

        base, tokenizer = load_base(job)
        told = [
            train_stock(base, tokenizer, job=job, trial=trial, variant=variant)
            for trial in job.trials
        ]
        return {key: [one[key] for one in told] for key in ("losses", "stamps", "faults", "moved")}

    return train_all


def _trainer_of(way: str) -> Callable[[Job], dict[str, Any]]:
    if way == "fused":
        from bench.own import train_fused

        return train_fused
    if way == "alone":
        from bench.own import train_alone

        return train_alone
    if way == "mixed":
        from bench.mixed import train_mixed

        return train_mixed
    return _stock(way)


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
    quieten()
    job = read_job(said.job)
    if said.trial is not None:
        job = replace(job, trials=(job.trials[said.trial],))
    told = _trainer_of(ARMS[said.arm].way)(job)
    import torch

    told["startup_seconds"] = told["stamps"][0][0] - said.began
    told["peak_rss_bytes"] = _peak_rss_bytes()
    told["threads"] = torch.get_num_threads()
    if job.device == "cuda":
        told["peak_cuda_bytes"] = torch.cuda.max_memory_allocated()
    said.out.write_text(json.dumps(told))


def quieten() -> None:
    """What the libraries say on their way is not what is measured."""
    warnings.simplefilter("ignore")
    for name in ("transformers", "trl", "peft", "datasets"):
        logging.getLogger(name).setLevel(logging.ERROR)


if __name__ == "__main__":
    main()
