"""`wb.report(path, "reports/name.html")`: what `render` does, with one line in a notebook that says how far it is."""

import sys
from functools import wraps
from pathlib import Path
from typing import Any

from workbench.report.pressing import Progress
from workbench.report.render import render


@wraps(render)
def report(path: str | Path, out: str | Path, **told: Any) -> Path:
    told.setdefault("progress", _line(Path(out).name))
    return render(path, out, **told)


def _line(name: str) -> Progress | None:
    """A line of a notebook that changes; nothing outside of one."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    shown = None

    def tell(done: int, of: int) -> None:
        nonlocal shown
        line = {"text/plain": f"{name}: {done} of {of} parts written"}
        if shown is None:
            shown = display(line, raw=True, display_id=True)
        else:
            shown.update(line, raw=True)

    return tell
