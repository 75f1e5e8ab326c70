"""Which rows each step of a job trains on: the order that a plain Trainer would take them in, batch by batch."""

from bench.job import Job
from workbench.data.batches import epoch_order


def windows(job: Job, *, num_rows: int) -> list[list[int]]:
    """The row numbers of each step."""
    found: list[list[int]] = []
    epoch = 0
    while len(found) < job.steps:
        order = epoch_order(num_rows, seed=job.seed, epoch=epoch)
        found += [order[i : i + job.batch] for i in range(0, num_rows, job.batch)]
        epoch += 1
    return found[: job.steps]
