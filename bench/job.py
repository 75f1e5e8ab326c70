"""What one measurement trains: the shape, the number format, the trials and their length, as one small JSON file.

Every arm is a process of its own that reads the same `job.json`, so all of them train the same trials on the same
rows. `plan_trials(8)` gives the eight ranks. It knows no torch and no library that trains.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

RANKS = (1, 2, 4, 8, 8, 16, 16, 32)
LEARNING_RATES = (4e-3, 3e-3, 2e-3, 1e-3, 2e-3, 5e-4, 1e-3, 5e-4)
SEED = 0


@dataclass(frozen=True, kw_only=True)
class TrialPlan:
    """One adapter; the targets of all of them are all-linear."""

    name: str
    r: int
    learning_rate: float

    @property
    def alpha(self) -> int:
        """Two times the rank: the update keeps its scale when the rank is swept."""
        return 2 * self.r


@dataclass(frozen=True, kw_only=True)
class Job:
    """The same for every arm."""

    shape: str
    dtype: str
    """float32, bfloat16 (the frozen base; adapters stay fp32), or nf4 (fp32 arithmetic)."""
    steps: int
    batch: int
    skip: int
    """First steps that are left out of the steady state."""
    median_tokens: int
    spread: float
    """Of the logarithm of the rows' lengths; 0 makes them all alike."""
    num_rows: int
    device: str
    folder: str
    trials: tuple[TrialPlan, ...]
    seed: int = SEED

    @property
    def model(self) -> Path:
        """The folder of the base model."""
        return Path(Path(self.folder, "model.txt").read_text())

    @property
    def path(self) -> Path:
        """The job's own file."""
        return Path(self.folder, "job.json")

    def rows(self) -> list[dict[str, list[int]]]:
        """The rows, as token ids and labels."""
        lines = Path(self.folder, "rows.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def write(self) -> None:
        """Write `job.json`, and its folder when there is none."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(asdict(self), indent=1))


def read_job(path: Path) -> Job:
    """The job in a file."""
    fields = json.loads(path.read_text())
    fields["trials"] = tuple(TrialPlan(**trial) for trial in fields["trials"])
    return Job(**fields)


def plan_trials(count: int) -> tuple[TrialPlan, ...]:
    """The first `count` of the eight ranks; more begin anew."""
    return tuple(
        TrialPlan(
            name=f"t{index}-r{RANKS[index % 8]}",
            r=RANKS[index % 8],
            learning_rate=LEARNING_RATES[index % 8],
        )
        for index in range(count)
    )
