"""The trials of one base trained, and every word of it written into the sweep's folder: where engine and runs meet.

`train_all` (`groups.py`) trains what is not trained yet; `preparing.py` makes a trial ready, `joining.py` takes up one that a
person asked for while others train, `pruning.py` ends those that are behind. It knows no eval.
"""

from workbench.training.groups import failed, train_all
from workbench.training.preparing import Group

__all__ = ["Group", "failed", "train_all"]
