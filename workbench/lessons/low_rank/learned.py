"""Exercises 3 to 5 of lesson 2, on a layer that was trained: what it gives, the rank of its update, and the merged matrix.

Right is what PEFT's own layer says; mistakes are computed here.
"""

from typing import Any

import numpy as np

from workbench.lessons.answers import Array, Called, Number
from workbench.lessons.exercise import Exercise, Facts, Mistake, equals
from workbench.lessons.low_rank.layer import CLOSE, NAME, is_near, weights
from workbench.lessons.sameness import as_array

# 3. What the adapted layer gives.


def _call(facts: Facts) -> list[tuple[Any, ...]]:
    layer = facts.layer
    parts = (layer.base_layer, layer.lora_A[NAME], layer.lora_B[NAME])
    W0_OD, A_RD, B_OR = (part.weight.detach() for part in parts)
    return [(facts.x, W0_OD, A_RD, B_OR, layer.lora_alpha[NAME])]


def _gave(scale: Any, *, base: float = 1.0) -> Any:
    """The test that the layer's output came with this scale of the update."""

    def made(answer: list[np.ndarray], facts: Facts) -> bool:
        w, x_BD = weights(facts), as_array(facts.x)
        wanted = base * x_BD @ w.W0_OD.T + scale(w) * x_BD @ w.BA_OD.T
        return is_near(answer[0], wanted)

    return made


def _is_pefts(answer: list[np.ndarray], facts: Facts) -> bool:
    return is_near(answer[0], as_array(facts.layer(facts.x)))


UPDATE = Exercise(
    name="update",
    title="The adapted layer by hand",
    reads=Called(
        _call,
        Array(
            lambda f: (*f.x.shape[:-1], weights(f).d_out),
            name="What your function gives",
        ),
    ),
    needs=("layer", "x"),
    right=_is_pefts,
    because=lambda f: (
        f"The same numbers as PEFT's layer, to {CLOSE:g} of the largest. That is all LoRA is: "
        f"x W0ᵀ + {weights(f).scale:g} · (x Aᵀ) Bᵀ."
    ),
    mistakes=(
        Mistake(
            "no-scale",
            wrote="def adapted(x, W0, A, B, alpha):\n    return x @ W0.T + x @ A.T @ B.T",
            made=_gave(lambda w: 1.0),
            says=lambda f: (
                f"You add B A as it is. PEFT multiplies it by alpha / r, here {weights(f).scale:g}."
            ),
        ),
        Mistake(
            "alpha-alone",
            wrote="def adapted(x, W0, A, B, alpha):\n    return x @ W0.T + alpha * (x @ A.T @ B.T)",
            made=_gave(lambda w: w.alpha),
            says=lambda f: (
                f"You multiply by alpha = {weights(f).alpha:g}. PEFT divides it by the rank first: alpha / r, "
                "so that the update does not grow with the rank."
            ),
        ),
        Mistake(
            "upside-down",
            wrote="def adapted(x, W0, A, B, alpha):\n    r = A.shape[0]\n"
            "    return x @ W0.T + r / alpha * (x @ A.T @ B.T)",
            made=_gave(lambda w: w.r / w.alpha),
            says="Your scale is r / alpha; it is alpha / r.",
        ),
        Mistake(
            "square-root",
            wrote="def adapted(x, W0, A, B, alpha):\n    r = A.shape[0]\n"
            "    return x @ W0.T + alpha / r**0.5 * (x @ A.T @ B.T)",
            made=_gave(lambda w: w.alpha / w.r**0.5),
            says="You divide by the root of r. That is rank-stabilised LoRA (`use_rslora=True`); plain LoRA, "
            "which your model has, divides by r.",
        ),
        Mistake(
            "base-only",
            wrote="def adapted(x, W0, A, B, alpha):\n    return x @ W0.T",
            made=_gave(lambda w: 0.0),
            says="That is the layer without its adapter. Add what A and B contribute.",
        ),
        Mistake(
            "update-only",
            wrote="def adapted(x, W0, A, B, alpha):\n    r = A.shape[0]\n"
            "    return alpha / r * (x @ A.T @ B.T)",
            made=_gave(lambda w: w.scale, base=0.0),
            says="That is the update alone. LoRA *adds* it to what the frozen layer gives: x W0ᵀ is missing.",
        ),
    ),
    should="Compare with PEFT's layer term by term: x W0ᵀ, then (x Aᵀ) Bᵀ, then the scale.",
    hints=(
        "A linear layer of torch computes `x @ W0.T`. The adapter adds a second path beside it.",
        "The second path: `x @ A.T` has `r` numbers for each row, `@ B.T` makes `d_out` of them.",
        "The second path is multiplied by `alpha / r`, and `r` is `A.shape[0]`.",
    ),
    solution='''def adapted(x, W0, A, B, alpha):
    """The layer with its adapter: the frozen path and, beside it, the low-rank one."""
    r = A.shape[0]
    frozen = x @ W0.T
    inside = x @ A.T  # r numbers for each row
    update = inside @ B.T
    return frozen + alpha / r * update''',
)


# 4. The rank of the update.


def _rank(facts: Facts) -> int:
    # B A has the rank of the core R x R that is left when both factors are orthogonal but for it.
    w = weights(facts)
    core_RR = np.linalg.qr(w.B_OR)[1] @ np.linalg.qr(w.A_RD.T)[1].T
    values = np.linalg.svd(core_RR, compute_uv=False)
    return int((values > values.max(initial=0) * 1e-5).sum()) if values.any() else 0


RANK = Exercise(
    name="rank",
    title="The rank of what was learned",
    reads=Number(whole=True),
    needs=("layer",),
    right=equals(_rank),
    because=lambda f: (
        f"{_rank(f)} of the {min(weights(f).W0_OD.shape)} singular values of B A are not zero. However long you "
        f"train, there can never be more than r = {weights(f).r}: everything that goes through the adapter "
        f"goes through {weights(f).r} numbers."
    ),
    mistakes=(
        Mistake(
            "full",
            wrote="rank = min(d_in, d_out)",
            made=equals(lambda f: min(weights(f).W0_OD.shape)),
            says="That is the most that a matrix of this shape can have. But B A is made of only r columns and "
            "r rows.",
        ),
        Mistake(
            "summed",
            wrote="rank = torch.linalg.matrix_rank(A) + torch.linalg.matrix_rank(B)",
            made=equals(lambda f: 2 * weights(f).r),
            says="That adds the ranks of A and B. Of a *product* the rank is at most the smaller of the two.",
        ),
        Mistake(
            "all-values",
            wrote="rank = torch.linalg.svdvals(B @ A).numel() * r",
            made=equals(lambda f: weights(f).r * min(weights(f).W0_OD.shape)),
            says="You counted singular values, zero or not. Count only those that are not zero.",
        ),
        Mistake(
            "of-the-layer",
            wrote="rank = 0",
            made=equals(lambda f: 0),
            says="Rank 0 is the start, where B is zero. Yours has been trained: take A and B from your layer.",
        ),
    ),
    should="Multiply B and A as they are after training, and count the singular values that are not zero.",
    hints=(
        "The rank of a matrix is how many of its rows point in really different directions.",
        "`torch.linalg.svdvals(B @ A)` gives all singular values; look at them. How many are not zero?",
        "`torch.linalg.matrix_rank(B @ A)` counts them, with a tolerance for rounding.",
    ),
    solution="rank = torch.linalg.matrix_rank(B @ A)",
)


# 5. Merging.


def _merged(scale: Any, *, base: float = 1.0) -> Any:
    def made(answer: np.ndarray, facts: Facts) -> bool:
        w = weights(facts)
        return is_near(answer, base * w.W0_OD + scale(w) * w.BA_OD)

    return made


MERGED = Exercise(
    name="merged",
    title="One matrix again",
    reads=Array(lambda f: weights(f).W0_OD.shape, name="Your matrix"),
    needs=("layer",),
    right=lambda answer, f: is_near(
        answer, as_array(f.layer.base_layer.weight) + as_array(f.layer.get_delta_weight(NAME))
    ),
    because="This is the matrix that PEFT's `merge_and_unload()` leaves. It is as large and as fast as the layer "
    "was before; the adapter costs nothing any more, and cannot be taken off any more either.",
    mistakes=(
        Mistake(
            "no-scale",
            wrote="W = W0 + B @ A",
            made=_merged(lambda w: 1.0),
            says=lambda f: f"The scale alpha / r = {weights(f).scale:g} is missing.",
        ),
        Mistake(
            "delta-only",
            wrote="W = alpha / r * B @ A",
            made=_merged(lambda w: w.scale, base=0.0),
            says="That is only the change. The merged layer is W0 plus the change.",
        ),
        Mistake(
            "taken-off",
            wrote="W = W0 - alpha / r * B @ A",
            made=_merged(lambda w: -w.scale),
            says="You subtract the update. That is how an adapter is taken off again (`unmerge`).",
        ),
        Mistake(
            "twice",
            wrote="W = W0 + 2 * alpha / r * B @ A",
            made=_merged(lambda w: 2 * w.scale),
            says="The update is in there twice, as if a merged adapter were merged again.",
        ),
        Mistake(
            "base",
            wrote="W = W0",
            made=_merged(lambda w: 0.0),
            says="That is W0 alone, without what was learned.",
        ),
    ),
    should="It must give for every x what W0 and the adapter give together: W0 + (alpha / r) B A.",
    hints=(
        "x W0ᵀ + s · x Aᵀ Bᵀ has x in both terms. Take it out.",
        "Aᵀ Bᵀ = (B A)ᵀ, and `B @ A` has the shape of `W0`.",
        "`W0`, plus `alpha / r` times `B @ A`.",
    ),
    solution="W = W0 + alpha / r * B @ A",
)
