"""The faces in a notebook: `panel()` to choose, start and watch a sweep, `LiveRun(job)` to watch one that runs.

Those of one file load with it, since not every notebook shows them: `model_map.model_map(model)` to paint ranks on the
modules of a model, `leaderboard.leaderboard(job)` to see which trial is best, `samples.samples(job)` to read what base
and adapters answered, `playground.playground(job)` to ask them what one types.

Importing this loads no torch, transformers, peft or papermill: training happens in a worker process, and what a sweep
will cost is read from `config.json` and the header of the weights.
"""

from workbench.widgets.live_run import LiveRun
from workbench.widgets.panel import Panel, panel

__all__ = ["LiveRun", "Panel", "panel"]
