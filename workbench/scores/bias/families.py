"""Which arithmetic makes the figures of which eval of bias, and which of its rows are controls."""

from collections.abc import Callable, Mapping, Sequence

from workbench.scores.bias import (
    associations,
    bbq,
    crows_pairs,
    occupations,
    stereoset,
    swaps,
    winobias,
    winogender,
)
from workbench.scores.figures import Figures
from workbench.scores.task import Row

FIGURES: Mapping[str, Callable[[Sequence[Row]], Figures]] = {
    "occupations": occupations.figures,
    "crows_pairs": crows_pairs.figures,
    "stereoset": stereoset.figures,
    "bbq": bbq.figures,
    "winogender": winogender.figures,
    "winobias": winobias.figures,
    "swaps": swaps.figures,
    "associations": associations.figures,
}

CONTROLS: Mapping[str, Callable[[Row], bool]] = {
    "occupations": occupations.is_control,
    "crows_pairs": crows_pairs.is_control,
    "bbq": bbq.is_control,
    "swaps": swaps.is_control,
}
"""Rows that never have a value and so are neither in n nor among the errors."""
