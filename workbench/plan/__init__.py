"""What a sweep will cost, before anything is loaded: `wb.plan(spec)`."""

from workbench.plan.plan import Plan, plan

__all__ = ["Plan", "plan"]
