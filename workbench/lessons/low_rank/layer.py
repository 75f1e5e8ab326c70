"""What the checks of lesson 2 read of a student's layer, as PEFT made it: its matrices, alpha and scale, in numpy."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.lessons.exercise import Facts
from workbench.lessons.sameness import as_array

NAME = "default"
"""What PEFT calls an adapter that was given no name."""

CLOSE = 1e-6
"""How near PEFT the student's numbers must come, as a share of the largest of them."""


@dataclass(frozen=True)
class Weights:
    """What a LoRA layer consists of, as float64. Shapes: D in, O out, R rank."""

    W0_OD: np.ndarray
    A_RD: np.ndarray
    B_OR: np.ndarray
    alpha: float
    scale: float

    @property
    def r(self) -> int:
        return len(self.A_RD)

    @property
    def d_in(self) -> int:
        return len(self.W0_OD.T)

    @property
    def d_out(self) -> int:
        return len(self.W0_OD)

    @property
    def BA_OD(self) -> np.ndarray:
        product: np.ndarray = self.B_OR @ self.A_RD
        return product


def weights(facts: Facts) -> Weights:
    layer = facts.layer
    return Weights(
        W0_OD=as_array(layer.base_layer.weight),
        A_RD=as_array(layer.lora_A[NAME].weight),
        B_OR=as_array(layer.lora_B[NAME].weight),
        alpha=float(layer.lora_alpha[NAME]),
        scale=float(layer.scaling[NAME]),
    )


def is_near(answer: Any, wanted: np.ndarray) -> bool:
    size = np.abs(wanted).max()
    return bool(np.abs(answer - wanted).max() <= CLOSE * size)
