"""Whether a trial may pass: rules in a file, each judged on stored rows as pass, fail or undecided; no torch.

`gate("runs/new/r8", baseline="runs/old/r8", rules=Rules.load("rules.yaml"))` gives a `Judgement`. A rule passes when
the whole interval lies on the allowed side, fails when it lies wholly on the other, and is undecided otherwise.
"""

from workbench.gate.judging import Held, Judgement, gate
from workbench.gate.junit import as_junit
from workbench.gate.rules import Rule, Rules

__all__ = ["Held", "Judgement", "Rule", "Rules", "as_junit", "gate"]
