"""The singular values of what an adapter adds to each weight, and what they say about smaller ranks.

`spectrum(pair)` factors scale * B @ A without ever forming the product: B = Q S and A' = P T by QR, then the singular values
of the small S T'. By Eckart, Young and Mirsky no matrix of rank r' is closer to the product than the first r' terms, and the
distance is the root of the sum of the squared values that were left out. It knows no files and no model.

Shapes: D inputs, O outputs, R rank, r the smallest of the three.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.lens.weights import Floats, Pair


@dataclass(frozen=True)
class Spectrum:
    """The singular values of one module's update, and the sizes that a rank costs."""

    module: str
    values: tuple[float, ...]
    """Falling; as many as the rank, or as the smaller side of the weight where that is less."""
    rank: int
    inputs: int
    outputs: int

    @property
    def cost(self) -> int:
        """Trainable numbers of one rank."""
        return self.inputs + self.outputs

    @cached_property
    def energy(self) -> float:
        """The sum of the squares: the squared Frobenius norm of the update."""
        return math.fsum(value**2 for value in self.values)

    @cached_property
    def effective_rank(self) -> float:
        """The exponential of the entropy of the values as shares (Roy and Vetterli, 2007); 0 where nothing was learned.

        >>> Spectrum("m", (2.0, 2.0, 2.0, 0.0), 4, 8, 8).effective_rank
        3.0
        """
        total = math.fsum(self.values)
        if not total:
            return 0.0
        shares = [share for value in self.values if (share := value / total) > 0]
        found = math.exp(-math.fsum(share * math.log(share) for share in shares))
        return round(found, 12)

    def kept(self, rank: int) -> float:
        """The share of the energy in the first so many terms; all of it where there is none.

        >>> Spectrum("m", (2.0, 1.0), 2, 8, 8).kept(1)
        0.8
        """
        if not self.energy:
            return 1.0
        return math.fsum(value**2 for value in self.values[:rank]) / self.energy

    def error(self, rank: int) -> float:
        """The Frobenius norm of what a truncation leaves out.

        >>> Spectrum("m", (5.0, 4.0, 3.0), 3, 8, 8).error(1)
        5.0
        """
        return math.sqrt(math.fsum(value**2 for value in self.values[rank:]))


@dataclass(frozen=True, eq=False)
class Factored:
    """An update as its singular vectors and values."""

    left_Or: Floats
    values_r: Floats
    right_rD: Floats


def factored(pair: Pair) -> Factored:
    """The singular value decomposition of scale * B @ A, by the QR of both factors."""
    q_Or, s_rR = np.linalg.qr(pair.b_OR.astype(np.float64))
    p_Dr, t_rR = np.linalg.qr(pair.a_RD.T.astype(np.float64))
    u, values, v = np.linalg.svd(pair.scale * (s_rR @ t_rR.T), full_matrices=False)
    return Factored(left_Or=q_Or @ u, values_r=values, right_rD=v @ p_Dr.T)


def spectrum(pair: Pair) -> Spectrum:
    """The singular values of one module's update; its vectors are not kept."""
    s_rR, t_rR = _triangle(pair.b_OR), _triangle(pair.a_RD.T)
    values = np.linalg.svd(pair.scale * (s_rR @ t_rR.T), full_matrices=False).S
    return Spectrum(
        module=pair.module,
        values=tuple(values.tolist()),
        rank=pair.rank,
        inputs=int(pair.a_RD.shape[1]),
        outputs=int(pair.b_OR.shape[0]),
    )


def _triangle(tall: NDArray[Any]) -> Floats:
    """The triangle of a QR; without the other factor it takes half the time."""
    return np.asarray(np.linalg.qr(tall.astype(np.float64), mode="r"), dtype=np.float64)
