"""The tables of a measured case as plain rows of text: the terminal and the page print the same ones.

`arms_table(point)`, `gains_table(point)` and `curve_table(points)` give a `Sheet` each, from stored JSON alone. A
cell without a figure is a dash.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.arms import ARMS
from bench.figures import STEADY_CHAIN

NONE = "–"
LEAST_SHARE = 0.005
"""Of a step, for a part to have a row."""


@dataclass(frozen=True)
class Sheet:
    """A table; the first column is words, the others are figures."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def title_of(point: dict[str, Any]) -> str:
    """What was trained, in a line."""
    asked = point["conditions"]
    return (
        f"{asked['shape']}, {asked['dtype']}, K = {len(asked['trials'])}, batch {asked['batch']}, "
        f"{asked['steps']} steps, {point['tokens_per_trial']:,} real tokens a trial "
        f"({point['tokens_per_step_of_a_trial']:.0f} a step), padding × "
        f"{point['padding_factor']:.2f}, {point['repeats']} "
        f"repeat{'s' if point['repeats'] > 1 else ''}"
    )


def arms_table(point: dict[str, Any]) -> Sheet:
    """Every arm with its medians."""
    arms = point["arms"]
    on_cuda = any("peak_cuda_bytes" in figures for figures in arms.values())
    head = (
        "arm", "wall s", "start-up s", "ms a step of all", "real tokens/s", "of matmul rate",
        "peak MB", *(["CUDA MB"] if on_cuda else []), "faults a step", "loss vs (ii)", "counts",
    )  # fmt: skip
    return Sheet(head, tuple(_arm_row(arm, arms[arm], on_cuda=on_cuda) for arm in arms))


def _arm_row(arm: str, figures: dict[str, Any], *, on_cuda: bool) -> tuple[str, ...]:
    cuda = [f"{figures['peak_cuda_bytes'] / 1e6:,.0f}"] if on_cuda else []
    return (
        arm,
        f"{figures['wall_seconds']:.1f}",
        f"{figures['startup_seconds']:.1f}",
        _milliseconds(figures["steady_seconds_of_each"], median=figures["steady_seconds"]),
        f"{figures['real_tokens_per_second']:,.0f}",
        f"{figures['share_of_matmul_rate']:.0%}",
        f"{figures['peak_rss_bytes'] / 1e6:,.0f}",
        *cuda,
        f"{figures['faults_per_step']:,.0f}",
        f"{figures['final_loss_difference']:.0e}" if "final_loss_difference" in figures else NONE,
        "no" if figures["does_not_count"] else "yes",
    )


def words_of(point: dict[str, Any]) -> list[tuple[str, str]]:
    """What each arm of a point is."""
    return [(arm, ARMS[arm].words) for arm in point["arms"] if arm in ARMS]


def gains_table(point: dict[str, Any]) -> Sheet:
    """Ratios of arms."""
    rows = tuple((name, f"{ratio:.2f}×") for name, ratio in point["gains"].items())
    return Sheet(("gain", "ratio"), rows)


def split_table(point: dict[str, Any]) -> Sheet:
    """The gain over (ii) as a product, link by link; a product only where no link before is missing."""
    found, rows = point["split"], []
    product: float | None = 1.0
    for name, (slow, fast) in STEADY_CHAIN.items():
        ratio = found.get(name)
        product = None if product is None or ratio is None else product * ratio
        if ratio is not None:
            rows.append((name, f"{slow} / {fast}", _ratio(ratio), _ratio(product)))
    if "start-up" in found:
        rows.append(("start-up, end to end", "processes / reuse", _ratio(found["start-up"]), NONE))
    return Sheet(("gain", "of", "ratio", "product so far"), tuple(rows))


def time_table(profile: dict[str, Any]) -> Sheet:
    """Where the time of a fused step goes."""
    whole = profile["step_seconds"]
    rows = [
        (name, f"{seconds * 1e3:.1f}", f"{seconds / whole:.0%}")
        for name, seconds in profile["seconds"].items()
        if seconds / whole >= LEAST_SHARE
    ]
    return Sheet(("part of a fused step", "ms", "share"), tuple(rows))


def curve_table(points: Sequence[dict[str, Any]]) -> Sheet:
    """The gain of all trials' step against the tokens of one trial's step."""
    chain = tuple(STEADY_CHAIN)
    rows = []
    for point in points:
        gains, found = point["gains"], point["split"]
        whole = [gains.get(f"{arm} over (ii), steady") for arm in ("fused", "fused-malloc")]
        rows.append(
            (
                f"{point['conditions']['batch']} × {point['conditions']['median_tokens']}",
                f"{point['tokens_per_step_of_a_trial']:.0f}",
                f"{point['padding_factor']:.2f}",
                *(_ratio(value) for value in whole),
                *(_ratio(found.get(name)) for name in chain),
            )
        )
    head = ("batch × median", "tokens a step", "padding ×", "S(K)", "S(K), malloc", *chain)
    return Sheet(head, tuple(rows))


def _ratio(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}×"


def _milliseconds(each: Sequence[float], *, median: float) -> str:
    if len(each) == 1:
        return f"{median * 1e3:.0f}"
    return f"{median * 1e3:.0f} ({min(each) * 1e3:.0f}–{max(each) * 1e3:.0f})"
