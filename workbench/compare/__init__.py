"""Comparing the trials of a sweep from its stored rows: `compare(path)` gives verdict, tables and charts; no torch."""

from workbench.compare.caveats import CODES, Caveat
from workbench.compare.comparison import Comparison, compare
from workbench.compare.drawing import Chart
from workbench.compare.markup import Table
from workbench.compare.pairing import Difference
from workbench.compare.verdict import Verdict

__all__ = [
    "CODES",
    "Caveat",
    "Chart",
    "Comparison",
    "Difference",
    "Table",
    "Verdict",
    "compare",
]
