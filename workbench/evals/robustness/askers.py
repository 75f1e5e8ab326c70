"""Who asks for which eval of robustness. It asks nobody itself."""

from collections.abc import Mapping
from typing import Any

from workbench.evals.robustness.lengths import ask_lengths
from workbench.evals.robustness.perturbed import ask_perturbed
from workbench.evals.robustness.templates import ask_templates

ASKERS: Mapping[str, Any] = {
    "perturbed": ask_perturbed,
    "templates": ask_templates,
    "lengths": ask_lengths,
}
