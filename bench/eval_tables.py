"""The tables of the scoring of adapters, from stored JSON alone: what was gained over `lm-eval`, and where the time goes."""

from collections.abc import Sequence
from typing import Any

from bench.tables import NONE, Sheet

SAME = ", same requests"


def title_of(result: dict[str, Any]) -> str:
    """What was measured, in a line."""
    case = result["eval_case"]
    repeats = case["repeats"]
    return (
        f"{case['name']}, {result['parameters']:,} parameters, lm-eval {result['lm_eval']}, "
        f"{repeats} repeat{'s' if repeats > 1 else ''}"
    )


def gains_table(results: Sequence[dict[str, Any]]) -> Sheet:
    """How many times as fast we are, set by set; without equal scores nothing is gained."""
    head = (
        "set", "items", "requests", "1 adapter", "8 adapters", "1, default batch", "8, default batch",
        "1, same requests", "8, same requests", "furthest apart", "equal",
    )  # fmt: skip
    rows = [
        (
            f"{result['eval_case']['name']}: {name}",
            str(measured["items"]),
            str(measured["requests"]),
            *(_times(gain) for gain in gains(measured, result["eval_case"]).values()),
            f"{measured['largest_difference']:.0e}",
            "yes" if measured["equal"] else "no",
        )
        for result in results
        for name, measured in result["sets"].items()
    ]
    return Sheet(head, tuple(rows))


def gains(measured: dict[str, Any], case: dict[str, Any]) -> dict[str, float | None]:
    """The ratios of a set: whole scoring at its best batch and at its default, and likelihoods alone."""
    arms, best, default = measured["arms"], measured["best_batch"], case["batch_sizes"][0]
    one, eight = arms["ours, 1"]["seconds"], arms["ours, 8"]["seconds"]
    theirs_one, theirs_eight = (arms[f"lm-eval, {k}, batch {best}"] for k in (1, 8))
    by_default = arms[f"lm-eval, 1, batch {default}"]["seconds"]
    same_one, same_eight = (arms[f"ours, {k}{SAME}"]["seconds"] for k in (1, 8))
    if not measured["equal"]:
        return dict.fromkeys(("1", "8", "1 default", "8 default", "1 same", "8 same"))
    return {
        "1": theirs_one["seconds"] / one,
        "8": theirs_eight["seconds"] / eight,
        "1 default": by_default / one,
        "8 default": 8 * by_default / eight,
        "1 same": theirs_one["likelihoods"] / same_one,
        "8 same": theirs_eight["likelihoods"] / same_eight,
    }


def seconds_table(measured: dict[str, Any]) -> Sheet:
    """Every arm: the whole, and what of it is the model, what is around it, and what is around the likelihoods."""
    rows = []
    for name, arm in measured["arms"].items():
        whole, likelihoods, model = arm["seconds"], arm["likelihoods"], arm["model"]
        each = arm["seconds_of_each"]
        spread = f" ({min(each):.2f}–{max(each):.2f})" if len(each) > 1 else ""
        rest = whole - likelihoods
        rows.append(
            (
                name,
                f"{whole:.2f}{spread}",
                f"{model:.2f}",
                f"{likelihoods - model:.2f}",
                NONE if SAME in name else f"{rest:.2f}",
            )
        )
    head = ("arm", "whole", "in the model", "tokens, batches, read-out", "prompts, metrics, rows")
    return Sheet(head, tuple(rows))


def _times(gain: float | None) -> str:
    return NONE if gain is None else f"{gain:.1f}×"
