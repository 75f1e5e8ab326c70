"""What a sweep will cost, before anything is loaded: `wb.plan(spec)`.

`wb.plan` is this package and the function at once: Python binds a package's name over the lazily loaded function as
soon as any file imports from it, so the package is made callable and both spellings work.
"""

import sys
from types import ModuleType

from workbench.plan.plan import Plan, plan
from workbench.spec import Spec

__all__ = ["Plan", "plan"]


class _Callable(ModuleType):
    def __call__(self, spec: Spec, *, num_rows: int | None = None) -> Plan:
        return plan(spec, num_rows=num_rows)


sys.modules[__name__].__class__ = _Callable
