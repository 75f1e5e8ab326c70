"""Where a widget is shown, and what will be missing there: said in words, because most of it fails silently.

`look_around()` asks the kernel and its process; `limits(surroundings)` gives one sentence for each thing that does not
work there, with what to do. In a JupyterLab with a kernel that has subshells there is nothing to say. It changes
nothing and knows no widget.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

JUPYTER, VSCODE, COLAB, PLAIN = "jupyter", "vscode", "colab", "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The page and the kernel around a widget."""

    front: str
    """`jupyter`, `vscode`, `colab`, or `plain` where no notebook kernel runs."""
    subshells: bool
    """Whether a message reaches the kernel while a cell runs."""
    ipykernel: str = ""
    """Its version; empty without a kernel."""


def look_around() -> Surroundings:
    """What is around this process."""
    kernel = getattr(_shell(), "kernel", None)
    if kernel is None:
        return Surroundings(front=PLAIN, subshells=False)
    return Surroundings(
        front=front_of(os.environ, modules=sys.modules, names=_shell().user_ns),
        subshells=bool(getattr(kernel, "_supports_kernel_subshells", False)),
        ipykernel=metadata.version("ipykernel"),
    )


def front_of(
    environment: Mapping[str, str], *, modules: Mapping[str, Any], names: Mapping[str, Any]
) -> str:
    """Which page shows the notebook, from what it leaves in the kernel.

    >>> front_of({}, modules={}, names={"__vsc_ipynb_file__": "/a/b.ipynb"})
    'vscode'
    >>> front_of({}, modules={"google.colab": None}, names={})
    'colab'
    """
    if "google.colab" in modules or "COLAB_RELEASE_TAG" in environment:
        return COLAB
    # VS Code's own variables are inherited by a JupyterLab started from its terminal; the name of the file is not.
    return VSCODE if "__vsc_ipynb_file__" in names else JUPYTER


def limits(around: Surroundings) -> tuple[str, ...]:
    """What will be missing there, a sentence each."""
    if around.front == PLAIN:
        return ()
    said = []
    if around.front == COLAB:
        said.append(
            "Colab repaints nothing from the background: run wb.attach() again to see how far a "
            "sweep is. Training goes on by itself."
        )
    if around.front == VSCODE:
        said.append(
            "VS Code fetches the scripts of widgets from the network unless its setting "
            "jupyter.widgetScriptSources says otherwise, and forgets widgets when the notebook is "
            "closed: wb.attach() shows a sweep again. Without them, wb.start(spec) and "
            "job.status() do the same."
        )
    if not around.subshells:
        said.append(
            f"ipykernel {around.ipykernel} hears buttons only between cells: while a cell runs, Stop and "
            "Pause wait. Training itself is not held up. Version 7 and newer, in JupyterLab 4.4 and "
            "newer, hear them at once."
        )
    return tuple(said)


def _shell() -> Any:
    # Only a process that has loaded IPython can be inside of it.
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None
