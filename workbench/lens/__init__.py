"""The rank lens: how many of its ranks an adapter uses, and what is left of it at fewer.

`read_lens("runs/rank-sweep/r16")` reads an adapter's spectra without torch and without its base; `lens.suggest(budget=...)` spreads
a number of parameters over its modules, `lens.truncate(rank=4, out=...)` writes a plain PEFT folder, `lens.evaluate()` asks several
truncations in one pass, and `lens.confirm(ranks=[4])` is the spec of the run that a truncation is not.
"""

from workbench.lens.lens import Lens, read_lens

__all__ = ["Lens", "read_lens"]
