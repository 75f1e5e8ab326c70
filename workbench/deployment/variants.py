"""The ways to serve an adapter, in words: what each is, and when to choose it. It loads nothing."""

from dataclasses import dataclass

from workbench.errors import InputError, nearest
from workbench.spec import QuantizationSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way."""

    what: str
    choose: str
    """When it is the one to take."""
    quantization: QuantizationSpec | None = None
    dtype: str = ""
    """The number format of the base; empty for that of the spec."""


_NF4 = QuantizationSpec(load_in_4bit=True, bnb_4bit_quant_type="nf4")
_INT8 = QuantizationSpec(load_in_8bit=True)

VARIANTS: dict[str, Variant] = {
    "base": Variant(
        what="the model without the adapter",
        choose="the control: what the adapter adds in time is measured against it",
    ),
    "attached": Variant(
        what="the adapter beside the frozen base, as it was trained",
        choose="several adapters on one base, or one that changes often",
    ),
    "merged": Variant(
        what="the adapter added into the weights",
        choose="one adapter that stays: the speed of the base, and a whole copy of it for each adapter",
    ),
    "mixed": Variant(
        what="rows of one batch, each with its own adapter of this sweep",
        choose="many users with adapters of their own at once",
    ),
    "swapped": Variant(
        what="another adapter made active before every call; the switch is part of the time",
        choose="one adapter at a time out of many",
    ),
    "int8": Variant(
        what="the adapter beside a base in 8 bits",
        choose="a model that does not fit in 16 bits, on a GPU",
        quantization=_INT8,
    ),
    "nf4": Variant(
        what="the adapter beside a base in 4 bits (nf4)",
        choose="as little memory as can be, where some change of answers is acceptable",
        quantization=_NF4,
    ),
    "bf16": Variant(
        what="the adapter beside a base in bfloat16",
        choose="half of the memory, on hardware that computes in it",
        dtype="bfloat16",
    ),
    "compiled": Variant(
        what="the merged model through torch.compile",
        choose="one adapter that stays and many calls of like shapes: compiling takes a while first",
    ),
}
"""Every way, the control first."""

CONTROL = "base"
"""What the times of the others are held against."""
REFERENCE = "attached"
"""What the answers of the others are held against."""


def chosen(names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """These ways in the order of the table, with control and reference; all of them for none.

    >>> chosen(["nf4"])
    ('base', 'attached', 'nf4')
    """
    for name in names:
        if name not in VARIANTS:
            raise InputError(f"there is no variant {name!r}. {nearest(name, VARIANTS)}")
    wanted = {CONTROL, REFERENCE, *(names or VARIANTS)}
    return tuple(name for name in VARIANTS if name in wanted)
