"""From what the arms wrote down to figures: medians over repeats, rates, differences of losses, where the gain is.

Pure arithmetic on JSON. The steady state is the time from the end of the last skipped step to the end of the last one,
per step, summed over the trials that ran in turn: the seconds in which all trials advance by a step. An arm whose
adapters did not learn, or whose losses are not those of arm (ii), has its figures shown and counts in no gain.
"""

import math
import statistics
from collections.abc import Sequence
from typing import Any

from bench.job import Job

REFERENCE = "reuse"
"""The arm that losses are compared with."""
EQUAL = {"float32": 1e-3, "nf4": 1e-3, "bfloat16": 2e-2}
"""Final losses that are not further apart, relatively, are equal: rounding grows over hundreds of steps."""
QUARTER = 4
"""The final loss is the mean of the last quarter of the steps, the first one of the first: batches differ."""
ENOUGH_STEPS = 20
"""For a loss to have fallen; in fewer steps the batches differ by more than what is learned."""
MEDIANS = (
    "wall_seconds",
    "startup_seconds",
    "steady_seconds",
    "trained_seconds",
    "faults_per_step",
    "cores_of_others",
)
PEAKS = ("peak_rss_bytes", "peak_cuda_bytes", "passes_per_step", "threads")
STEADY_CHAIN = {
    "padding": ("reuse", "flat"),
    "completion logits": ("flat", "both"),
    "our loop": ("both", "alone"),
    "fusion": ("alone", "fused"),
    "allocator": ("fused", "fused-malloc"),
}
"""Steps from (ii) to our engine as it runs, each the ratio of two arms; their product is the whole gain."""


def one_run(told: Sequence[dict[str, Any]], *, wall: float, skip: int) -> dict[str, Any]:
    """Figures of one repetition of an arm, from what its processes wrote (several where each trial has one)."""
    runs = [stamps for one in told for stamps in one["stamps"]]
    faults = [counts for one in told for counts in one["faults"]]
    found: dict[str, Any] = {
        "wall_seconds": wall,
        "startup_seconds": sum(one["startup_seconds"] for one in told),
        "trained_seconds": sum(run[-1] - run[0] for run in runs),
        "steady_seconds": sum(_per_step(run, skip=skip) for run in runs),
        "faults_per_step": sum(_per_step(counts, skip=skip) for counts in faults),
        "losses": [losses for one in told for losses in one["losses"]],
        "moved": min(share for one in told for share in one["moved"]),
    }
    for key in PEAKS:
        if key in told[0]:
            found[key] = max(one[key] for one in told)
    return found


def arm_figures(
    runs: Sequence[dict[str, Any]], *, facts: dict[str, Any], rate: dict[str, Any], job: Job
) -> dict[str, Any]:
    """Medians of an arm's repetitions, and what follows from them."""
    figures: dict[str, Any] = {key: statistics.median(run[key] for run in runs) for key in MEDIANS}
    figures |= {key: max(run[key] for run in runs) for key in PEAKS if key in runs[0]}
    figures["steady_seconds_of_each"] = [run["steady_seconds"] for run in runs]
    figures["wall_seconds_of_each"] = [run["wall_seconds"] for run in runs]
    figures["losses"] = runs[0]["losses"]
    figures["moved"] = min(run["moved"] for run in runs)
    count = len(job.trials)
    real = statistics.fmean(facts["real_tokens"][job.skip :]) * count
    trained = statistics.fmean(facts["trained_tokens"][job.skip :]) * count
    body, head = facts["body_parameters"], facts["head_parameters"]
    seconds = figures["steady_seconds"]
    measured = rate["bfloat16" if job.dtype == "bfloat16" else "float32"] * 1e9
    figures["real_tokens_per_second"] = real / seconds
    # Forward and backward through a frozen matrix are 2 FLOPs each per parameter and token.
    needed = 4 * (body * real + head * trained)
    figures["seconds_at_matmul_rate"] = needed / measured
    figures["share_of_matmul_rate"] = needed / measured / seconds
    return figures


def judge(arms: dict[str, dict[str, Any]], *, dtype: str) -> None:
    """Add to each arm its final losses, how far they are from the reference's, and why it does not count if so."""
    reference = arms.get(REFERENCE)
    for figures in arms.values():
        figures["first_losses"] = [_mean(losses[: _tail(losses)]) for losses in figures["losses"]]
        figures["final_losses"] = [_mean(losses[-_tail(losses) :]) for losses in figures["losses"]]
    for figures in arms.values():
        if reference is not None:
            figures["final_loss_difference"] = max(
                map(_apart, figures["final_losses"], reference["final_losses"])
            )
            figures["largest_loss_difference"] = max(
                _apart(x, y)
                for a, b in zip(figures["losses"], reference["losses"], strict=True)
                for x, y in zip(a, b, strict=True)
            )
        figures["does_not_count"] = _objection(figures, dtype=dtype)


def _objection(figures: dict[str, Any], *, dtype: str) -> str:
    if figures["moved"] < 1.0:
        return f"{1 - figures['moved']:.0%} of an adapter's matrices had no gradient"
    pairs = list(zip(figures["first_losses"], figures["final_losses"], strict=True))
    fell = [last < first for first, last in pairs]
    if len(figures["losses"][0]) >= ENOUGH_STEPS and not all(fell):
        return f"{fell.count(False)} of {len(fell)} losses did not fall"
    if figures.get("final_loss_difference", 0.0) > EQUAL[dtype]:
        return f"final losses differ from (ii) by {figures['final_loss_difference']:.1e}"
    return ""


def gains(arms: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Ratios of arms that count; those whose arms did not run are left out."""
    wanted = {
        "fused over (i), end to end": ("processes", "fused", "wall_seconds"),
        "fused over (ii), end to end": ("reuse", "fused", "wall_seconds"),
        "fused over (ii), steady": ("reuse", "fused", "steady_seconds"),
        "fused over (iii), steady": ("mixed", "fused", "steady_seconds"),
        "fused over (iv), steady": ("alone", "fused", "steady_seconds"),
        "fused-malloc over (i), end to end": ("processes", "fused-malloc", "wall_seconds"),
        "fused-malloc over (ii), steady": ("reuse", "fused-malloc", "steady_seconds"),
        "fused-malloc over reuse-malloc, steady": (
            "reuse-malloc",
            "fused-malloc",
            "steady_seconds",
        ),
        "huge pages on top: fused-malloc over fused-pages, steady": (
            "fused-malloc",
            "fused-pages",
            "steady_seconds",
        ),
        "fused over the best stock variant, steady": (_best_stock(arms), "fused", "steady_seconds"),
    }
    return {
        name: arms[slow][key] / arms[fast][key]
        for name, (slow, fast, key) in wanted.items()
        if _counts(arms, slow, fast)
    }


def split(arms: dict[str, dict[str, Any]]) -> dict[str, float]:
    """The gain over (ii) as a product, in the steady state, and what the start-ups of (i) are on top of it."""
    found = {
        name: arms[slow]["steady_seconds"] / arms[fast]["steady_seconds"]
        for name, (slow, fast) in STEADY_CHAIN.items()
        if _counts(arms, slow, fast)
    }
    if _counts(arms, "processes", "reuse"):
        found["start-up"] = arms["processes"]["wall_seconds"] / arms["reuse"]["wall_seconds"]
    return found


def padding_factor(facts: dict[str, Any]) -> float:
    """Padded tokens of a trial's own batches for each real one."""
    return float(sum(facts["padded_tokens"]) / sum(facts["real_tokens"]))


def thinned(figures: dict[str, Any], *, points: int = 12) -> dict[str, Any]:
    """The figures of an arm with a few of its losses, for a file that stays small."""
    steps = len(figures["losses"][0])
    kept = sorted({round(i * (steps - 1) / max(1, points - 1)) for i in range(points)})
    few = [[round(losses[i], 6) for i in kept] for losses in figures["losses"]]
    return figures | {"losses": few, "steps_of_losses": [i + 1 for i in kept]}


def _counts(arms: dict[str, dict[str, Any]], *names: str) -> bool:
    return all(name in arms and not arms[name]["does_not_count"] for name in names)


def _best_stock(arms: dict[str, dict[str, Any]]) -> str:
    """The fastest of the public ways in one process."""
    names = [
        n for n in ("reuse", "mixed", "flat", "rows", "completion", "both") if _counts(arms, n)
    ]
    return min(names, key=lambda name: arms[name]["steady_seconds"], default="")


def _per_step(marks: Sequence[float], *, skip: int) -> float:
    return (marks[-1] - marks[skip]) / (len(marks) - 1 - skip)


def _tail(losses: Sequence[float]) -> int:
    return max(1, len(losses) // QUARTER)


def _mean(losses: Sequence[float]) -> float:
    return statistics.fmean(losses)


def _apart(a: float, b: float) -> float:
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    return abs(a - b) / max(abs(b), 1e-12)
