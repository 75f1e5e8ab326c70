"""The faces in a notebook: `panel()` to choose, start and watch a sweep, `LiveRun(job)` to watch one that runs,
`model_map(model)` to paint ranks on the modules of a model.

Importing this loads no torch, transformers, peft or papermill: training happens in a worker process, and what a sweep
will cost is read from `config.json` and the header of the weights.
"""

from workbench.widgets.live_run import LiveRun
from workbench.widgets.model_map import ModelMap, model_map
from workbench.widgets.panel import Panel, panel

__all__ = ["LiveRun", "ModelMap", "Panel", "model_map", "panel"]
