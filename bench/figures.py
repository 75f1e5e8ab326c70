"""From what the arms wrote down to figures: medians over repeats, rates, differences of losses, where the gain is.

Pure arithmetic on JSON. The steady state is the time from the end of the last skipped step to the end of the last one,
per step, summed over the trials that ran in turn: the seconds in which all trials advance by a step.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Any

REFERENCE = "reuse"
"""The arm that losses are compared with."""


def one_run(told: Sequence[dict[str, Any]], *, wall: float, skip: int) -> dict[str, Any]:
    """Figures of one repetition of an arm, from what its processes wrote (several where each trial has one)."""
    runs = [stamps for one in told for stamps in one["stamps"]]
    found: dict[str, Any] = {
        "wall_seconds": wall,
        "startup_seconds": sum(one["startup_seconds"] for one in told),
        "steady_seconds": sum((run[-1] - run[skip]) / (len(run) - 1 - skip) for run in runs),
        "peak_rss_bytes": max(one["peak_rss_bytes"] for one in told),
        "threads": told[0]["threads"],
        "losses": [losses for one in told for losses in one["losses"]],
    }
    for key in ("peak_cuda_bytes", "passes_per_step"):
        if key in told[0]:
            found[key] = max(one[key] for one in told)
    return found


def arm_figures(
    runs: Sequence[dict[str, Any]], *, facts: dict[str, Any], rate: dict[str, Any], job: Any
) -> dict[str, Any]:
    """Medians of an arm's repetitions, and what follows from them."""
    figures: dict[str, Any] = {
        key: statistics.median(run[key] for run in runs)
        for key in ("wall_seconds", "startup_seconds", "steady_seconds", "peak_rss_bytes")
    }
    for key in ("peak_cuda_bytes", "passes_per_step"):
        if key in runs[0]:
            figures[key] = max(run[key] for run in runs)
    figures["steady_seconds_of_each"] = [run["steady_seconds"] for run in runs]
    figures["wall_seconds_of_each"] = [run["wall_seconds"] for run in runs]
    figures["losses"] = runs[0]["losses"]
    figures["final_losses"] = [losses[-1] for losses in runs[0]["losses"]]
    count = len(job.trials)
    real = statistics.fmean(facts["real_tokens"][job.skip :]) * count
    trained = statistics.fmean(facts["trained_tokens"][job.skip :]) * count
    body, head = facts["body_parameters"], facts["head_parameters"]
    seconds = figures["steady_seconds"]
    measured = rate["bfloat16" if job.dtype == "bfloat16" else "float32"] * 1e9
    figures["real_tokens_per_second"] = real / seconds
    # Forward and backward through a frozen matrix are 2 FLOPs each per parameter and token.
    figures["share_of_matmul_rate"] = 4 * (body + head) * real / seconds / measured
    figures["share_of_matmul_rate_needed"] = 4 * (body * real + head * trained) / seconds / measured
    return figures


def compare_losses(arms: dict[str, dict[str, Any]]) -> None:
    """Add to each arm how far its losses are from those of the reference, at the end and at most."""
    if REFERENCE not in arms:
        return
    reference = arms[REFERENCE]["losses"]
    for figures in arms.values():
        pairs = list(zip(figures["losses"], reference, strict=True))
        figures["final_loss_difference"] = max(_apart(a[-1], b[-1]) for a, b in pairs)
        figures["largest_loss_difference"] = max(
            _apart(x, y) for a, b in pairs for x, y in zip(a, b, strict=True)
        )


def gains(arms: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Ratios that say where the gain is; those whose arms did not run are left out."""
    wanted = {
        "fused over processes, end to end": ("processes", "fused", "wall_seconds"),
        "fused over one process, end to end": ("reuse", "fused", "wall_seconds"),
        "fused over one process, steady": ("reuse", "fused", "steady_seconds"),
        "fused over PEFT mixed batch, steady": ("mixed", "fused", "steady_seconds"),
        "fusion alone: our K = 1 over fused, steady": ("alone", "fused", "steady_seconds"),
        "our loop alone: one process over our K = 1": ("reuse", "alone", "steady_seconds"),
        "no padding alone (padding_free)": ("reuse", "flat", "steady_seconds"),
        "no padding alone (row by row)": ("reuse", "rows", "steady_seconds"),
        "completion logits alone": ("reuse", "completion", "steady_seconds"),
        "padding_free and completion logits": ("reuse", "both", "steady_seconds"),
        "fused over both of these, steady": ("both", "fused", "steady_seconds"),
        "start-up alone: processes over one process": ("processes", "reuse", "wall_seconds"),
    }
    return {
        name: arms[slow][key] / arms[fast][key]
        for name, (slow, fast, key) in wanted.items()
        if slow in arms and fast in arms
    }


def padding_factor(facts: dict[str, Any]) -> float:
    """Padded tokens of a trial's own batches for each real one."""
    return float(sum(facts["padded_tokens"]) / sum(facts["real_tokens"]))


def _apart(a: float, b: float) -> float:
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    return abs(a - b) / max(abs(b), 1e-12)
