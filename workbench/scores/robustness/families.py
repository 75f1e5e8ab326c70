"""Which arithmetic makes the figures of which eval of robustness, and which of its rows are controls."""

from collections.abc import Callable, Mapping, Sequence

from workbench.scores.figures import Figures
from workbench.scores.robustness import clean, lengths, perturbed, templates
from workbench.scores.task import Row

FIGURES: Mapping[str, Callable[[Sequence[Row]], Figures]] = {
    "perturbed": perturbed.figures,
    "templates": templates.figures,
    "lengths": lengths.figures,
}

CONTROLS: Mapping[str, Callable[[Row], bool]] = {
    "perturbed": clean.is_control,
    "lengths": clean.is_control,
}
"""Rows that never have a value and so are neither in n nor among the errors."""
