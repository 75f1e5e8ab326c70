"""A planted generator whose times depend on the size of the work: as a machine with so many lanes would take them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.timing.generator import Planted
from workbench.timing.call import Cell


@dataclass
class Sized(Planted):
    """Rows up to `lanes` cost nothing more; beyond them they wait for each other. Reading takes time for every token."""

    lanes: float = 4.0
    per_token: float = 0.25
    """Milliseconds of the first token for a token in."""
    full_at: int = 0
    """From so many rows on it is out of memory; 0 is never."""

    def call(self, cell: Cell) -> Sequence[float]:
        if self.full_at and cell.batch >= self.full_at:
            self.calls += 1
            raise RuntimeError("out of memory")
        planted = self.ttft, self.gap
        waits = max(1.0, cell.batch / self.lanes)
        self.ttft, self.gap = self.ttft_at(cell), planted[1] * waits
        try:
            return super().call(cell)
        finally:
            self.ttft, self.gap = planted

    def ttft_at(self, cell: Cell) -> float:
        """The planted time to the first token."""
        return self.ttft + self.per_token * cell.input_tokens * max(1.0, cell.batch / self.lanes)
