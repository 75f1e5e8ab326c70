"""Who asks for which eval of what is made up: those that need nothing, and those that ask a file. It asks nobody itself."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.evals.hallucination import faithfulness, halueval, truthfulqa
from workbench.evals.hallucination.facts import ask_facts
from workbench.evals.hallucination.slick import ask_slick
from workbench.evals.hallucination.uncertainty import ask_uncertainty
from workbench.scores.task import Item

ASKERS: Mapping[str, Any] = {
    "facts": ask_facts,
    "uncertainty": ask_uncertainty,
    "slick": ask_slick,
}

FILE_ASKERS: Mapping[str, Any] = {
    "truthfulqa": truthfulqa.ask_truthfulqa,
    "halueval": halueval.ask_halueval,
    "faithfulness": faithfulness.ask_faithfulness,
}

READERS: Mapping[str, Callable[[Path], list[Item]]] = {
    "truthfulqa": truthfulqa.read_items,
    "halueval": halueval.read_items,
    "faithfulness": faithfulness.read_items,
}
"""How the file of an eval becomes items, which also shows what is wrong with it."""
