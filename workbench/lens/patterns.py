"""Ranks and scales by module, written as `r`, `lora_alpha`, `rank_pattern` and `alpha_pattern`, which PEFT reads as exactly these.

`lora_fields(ranks, scales=...)` needs no model: the commonest value is the plain field, every other has patterns of whole names
in which layers stand as alternatives. `workbench.widgets.allocation` finds shorter words, for which it has to know the model.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.lens.weights import alpha_of

_IN_A_LAYER = re.compile(r"(?P<stack>.*?)\.(?P<layer>\d+)\.(?P<inner>.+)")


def lora_fields(
    ranks: Mapping[str, int], *, scales: Mapping[str, float], is_rslora: bool
) -> dict[str, Any]:
    """The four fields that give every module its rank and keep its scale."""
    alphas = {
        name: _neat(alpha_of(scales[name], rank=rank, is_rslora=is_rslora))
        for name, rank in ranks.items()
    }
    r, alpha = _commonest(ranks.values()), _commonest(alphas.values())
    return {
        "r": r,
        "lora_alpha": alpha,
        "rank_pattern": patterns(ranks, default=r),
        "alpha_pattern": patterns(alphas, default=alpha),
    }


def patterns(values: Mapping[str, Any], *, default: Any) -> dict[str, Any]:
    r"""Patterns for every value but the default.

    >>> patterns({"m.0.q": 2, "m.1.q": 2, "m.2.q": 4, "m.0.v": 4}, default=4)
    {'m\\.(0|1)\\.q': 2}
    """
    grouped: dict[tuple[Any, str, str], list[str]] = {}
    for name, value in values.items():
        if value != default:
            found = _IN_A_LAYER.fullmatch(name)
            stack, inner = (found["stack"], found["inner"]) if found else (name, "")
            grouped.setdefault((value, stack, inner), []).append(found["layer"] if found else "")
    made = {_pattern(s, layers, inner): v for (v, s, inner), layers in grouped.items()}
    if all(_read(made, name, default=default) == value for name, value in values.items()):
        return made
    # One name ends like another: said from their beginning they cannot be confused.
    return {"^" + re.escape(name): value for name, value in values.items() if value != default}


def _pattern(stack: str, layers: list[str], inner: str) -> str:
    if not inner:
        return re.escape(stack)
    numbers = layers[0] if len(layers) == 1 else f"({'|'.join(layers)})"
    return rf"{re.escape(stack)}\.{numbers}\.{re.escape(inner)}"


def _read(made: Mapping[str, Any], name: str, *, default: Any) -> Any:
    return next((v for p, v in made.items() if re.match(rf"(.*\.)?({p})$", name)), default)


def _commonest(values: Iterable[Any]) -> Any:
    """Of equally common ones the smallest, so that rank and alpha in proportion agree."""
    return max(Counter(values).items(), key=lambda item: (item[1], -item[0]))[0]


def _neat(alpha: float) -> float | int:
    return int(alpha) if alpha == int(alpha) else alpha
