"""Who asks for which eval of bias: those that need nothing, and those that ask a file. It asks nobody itself."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.evals.bias import (
    associations,
    bbq,
    crows_pairs,
    stereoset,
    swaps,
    winobias,
    winogender,
)
from workbench.evals.bias.occupations import ask_occupations
from workbench.scores.task import Item

ASKERS: Mapping[str, Any] = {
    "occupations": ask_occupations,
    "swaps": swaps.ask_swaps,
    "associations": associations.ask_associations,
}

FILE_ASKERS: Mapping[str, Any] = {
    "crows_pairs": crows_pairs.ask_crows_pairs,
    "stereoset": stereoset.ask_stereoset,
    "bbq": bbq.ask_bbq,
    "winogender": winogender.ask_winogender,
    "winobias": winobias.ask_winobias,
    "own_swaps": swaps.ask_own_swaps,
    "own_associations": associations.ask_own_associations,
}

READERS: Mapping[str, Callable[[Path], list[Item]]] = {
    "crows_pairs": crows_pairs.read_items,
    "stereoset": stereoset.read_items,
    "bbq": bbq.read_items,
    "winogender": winogender.read_items,
    "winobias": winobias.read_items,
    "own_swaps": swaps.read_items,
    "own_associations": associations.read_items,
}
"""How the file of an eval becomes items, which also shows what is wrong with it."""
