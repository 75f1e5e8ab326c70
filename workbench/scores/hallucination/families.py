"""Which arithmetic makes the figures of which eval of what is made up, and which of its rows are controls."""

from collections.abc import Callable, Mapping, Sequence

from workbench.scores.figures import Figures
from workbench.scores.hallucination import (
    facts,
    faithfulness,
    halueval,
    slick,
    truthfulqa,
    uncertainty,
)
from workbench.scores.task import Row

FIGURES: Mapping[str, Callable[[Sequence[Row]], Figures]] = {
    "facts": facts.figures,
    "uncertainty": uncertainty.figures,
    "slick": slick.figures,
    "truthfulqa": truthfulqa.figures,
    "halueval": halueval.figures,
    "faithfulness": faithfulness.figures,
}

CONTROLS: Mapping[str, Callable[[Row], bool]] = {
    "facts": facts.is_control,
    "slick": slick.is_control,
}
"""Rows that never have a value and so are neither in n nor among the errors."""
