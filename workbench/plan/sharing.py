"""Which trials share each forward of one base, and why the others do not.

Decided from specs alone: no model is loaded to answer it. The plan says it before a sweep runs, the experiment does it.
"""

from collections.abc import Sequence
from typing import Any

from workbench.spec import Spec, Trial


def together(trials: Sequence[Trial]) -> list[tuple[Trial, ...]]:
    """Trials that are trained in one pass; those that cannot share one are alone."""
    groups: dict[Any, list[Trial]] = {}
    for trial in trials:
        spec = trial.spec
        alone = trial.name if alone_because(spec) else ""
        how = (spec.model, spec.quantization, spec.train.bf16, spec.train.gradient_checkpointing)
        groups.setdefault((alone, how), []).append(trial)
    return [tuple(group) for group in groups.values()]


def alone_because(spec: Spec) -> str:
    """Why a trial must train alone; empty when it can share.

    >>> alone_because(Spec())
    ''
    """
    adapter = spec.adapter
    if spec.quantization is not None and spec.quantization.load_in_8bit:
        return "8-bit outliers are chosen over the whole batch, so neighbours would change them"
    if adapter.use_dora:
        return "DoRA rescales the base's own output, which rows of other adapters share"
    if adapter.bias != "none":
        return "a trained bias belongs to the base, which the others share"
    if adapter.modules_to_save:
        return "modules_to_save replaces modules of the base, which the others share"
    if adapter.init_lora_weights in ("pissa", "olora"):
        return f"init {adapter.init_lora_weights!r} rewrites the base, which the others share"
    return ""
