"""The PEFT Workbench: LoRA and QLoRA sweeps, honest evaluation and one report, from a notebook.

    import workbench as wb
    spec = wb.Spec.load("examples/rank_sweep.yaml")
    wb.plan(spec)
    job = wb.start(spec)
    job.wait()
    wb.compare(job.path)
    wb.report(job.path, "reports/rank-sweep.html")

Names load on first use, so that importing the package costs nothing heavy.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.compare import compare
    from workbench.deployment.running import deploy
    from workbench.errors import WorkbenchError
    from workbench.foreign import evaluate
    from workbench.job import Job, attach, plan, start  # type: ignore[no-redef]
    from workbench.report import report
    from workbench.spec import Spec
    from workbench.widgets import panel  # type: ignore[no-redef]
    from workbench.widgets.leaderboard import leaderboard
    from workbench.widgets.model_map import model_map
    from workbench.widgets.playground import playground  # type: ignore[no-redef]
    from workbench.widgets.rank_lens import lens
    from workbench.widgets.samples import samples

__version__ = "0.1.0"

_HOME = {
    "Spec": "workbench.spec",
    "plan": "workbench.job",
    "start": "workbench.job",
    "attach": "workbench.job",
    "Job": "workbench.job",
    "evaluate": "workbench.foreign",
    "compare": "workbench.compare",
    "deploy": "workbench.deployment.running",
    "report": "workbench.report",
    "panel": "workbench.widgets",
    "playground": "workbench.widgets.playground",
    "model_map": "workbench.widgets.model_map",
    "leaderboard": "workbench.widgets.leaderboard",
    "lens": "workbench.widgets.rank_lens",
    "samples": "workbench.widgets.samples",
    "WorkbenchError": "workbench.errors",
}

__all__ = [
    "Job",
    "Spec",
    "WorkbenchError",
    "__version__",
    "attach",
    "compare",
    "deploy",
    "evaluate",
    "leaderboard",
    "lens",
    "model_map",
    "panel",
    "plan",
    "playground",
    "report",
    "samples",
    "start",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(
            f"module 'workbench' has no attribute {name!r}; it has {', '.join(__all__)}"
        )
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps `wb.plan` the function, though a folder of the same name is imported sooner or later."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
