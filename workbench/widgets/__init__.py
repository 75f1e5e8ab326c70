"""The faces in a notebook: `panel()` to choose, start and watch a sweep, `LiveRun(job)` to watch one that runs,
`model_map(model)` to paint ranks on the modules of a model, `leaderboard(job)` to see which trial is best, `samples(job)`
to read what base and adapters answered, `playground(job)` to ask them what one types.

Importing this loads no torch, transformers, peft or papermill: training happens in a worker process, and what a sweep
will cost is read from `config.json` and the header of the weights.
"""

from workbench.widgets.leaderboard import Leaderboard, leaderboard
from workbench.widgets.live_run import LiveRun
from workbench.widgets.model_map import ModelMap, model_map
from workbench.widgets.panel import Panel, panel
from workbench.widgets.playground import Playground, playground
from workbench.widgets.samples import Samples, samples

__all__ = [
    "Leaderboard",
    "LiveRun",
    "ModelMap",
    "Panel",
    "Playground",
    "Samples",
    "leaderboard",
    "model_map",
    "panel",
    "playground",
    "samples",
]
