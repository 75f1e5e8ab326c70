"""How the blocks of a model are built, as far as memory and time depend on it: read from the names of its layers and its config.

`family_of(shape)` tells gated from plain feed-forward parts, the width of attention, and what the way back needs kept besides
what adapters read. Counted by hand on the classes of transformers 5 for llama-like models, GPT-2, BitNet and their kin; a model of
another build is taken for the nearest of them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from workbench.plan.shape import Module, Shape

READS_HIDDEN = ("q_proj", "k_proj", "v_proj", "qkv_proj", "c_attn", "query_key_value", "Wqkv")
"""What reads the input of attention."""
READS_MIDDLE = ("gate_proj", "up_proj", "gate_up_proj", "fc1", "c_fc", "dense_h_to_4h")
"""What reads the input of the feed-forward part."""
ENDS_MIDDLE = ("down_proj", "fc2", "dense_4h_to_h")
"""What reads its inside; GPT-2 calls it c_proj, as it does the end of attention."""
SLOW_ACTIVATIONS = ("gelu_new", "gelu_fast", "gelu_pytorch_tanh_python")
"""Written in Python as many small steps, each of which keeps something."""


@dataclass(frozen=True)
class Family:
    """Sizes of one block."""

    hidden: int
    heads_width: int
    """Queries of a token, all heads together."""
    keys_width: int
    """Keys of a token, and values too; fewer where heads share them."""
    heads: int
    middle: int
    """Inside of the feed-forward part."""
    is_gated: bool
    has_sub_norms: bool
    """Whether norms also stand inside attention and feed-forward part."""
    slow_activation: bool
    drops: bool
    """Whether the base drops at random while it trains, as its config says."""

    @property
    def width(self) -> float:
        """The width of a block of the calibration that does as much elementwise work."""
        return _work(self.hidden, self.middle) / _work(1, 4 / 3)

    @property
    def busy(self) -> float:
        """How many times the steps of the calibrated block its own has."""
        return (
            1.0
            + 0.25 * self.has_sub_norms
            + (0.3 if self.slow_activation else 0.0)
            + (0.5 if self.drops else 0.0)
            - (0.0 if self.is_gated else 0.2)
        )

    @property
    def attention(self) -> float:
        """How many times as long attention takes as the fused one: with dropout it is done step by step."""
        return 3.0 if self.drops else 1.0

    def kept(self, *, adapted: Collection[str], row: float) -> float:
        """Numbers kept for the way back, for each token of one block.

        Args:
            adapted: What carries an adapter, as target_modules calls it.
            row: Tokens of a row, which decide how much attention keeps where it is not fused.
        """
        # What the two norms read, and queries, keys, values and answer in the order of rows.
        kept = 2.0 * (self.hidden + self.heads_width + self.keys_width)
        kept += self.hidden * (_any(adapted, READS_HIDDEN) + _any(adapted, READS_MIDDLE))
        kept += self.heads_width * _any(adapted, ("o_proj", "out_proj", "dense", "c_proj"))
        inside = _any(adapted, (*ENDS_MIDDLE, "c_proj"))
        if self.slow_activation:
            kept += (4 + inside) * self.middle
        elif self.is_gated:
            kept += (3 + inside) * self.middle
        else:
            kept += (1 + inside) * self.middle
        if self.has_sub_norms:
            kept += self.hidden + self.middle
        if self.drops:
            # Weights of attention before and after they were dropped, and masks of a byte.
            kept += 3.25 * self.heads * row + 0.5 * self.hidden
        return kept


def family_of(shape: Shape) -> Family:
    """How the blocks of a model are built."""
    first = [module for module in shape.modules if module.layer is not None]
    layer = min((module.layer for module in first if module.layer is not None), default=0)
    block = [module for module in first if module.layer == layer]
    names = {module.target for module in block}
    middle = max((m.in_features for m in block if _ends_middle(m)), default=4 * shape.hidden)
    heads = int(_said(shape, "num_attention_heads", "n_head", "num_heads") or 1)
    width = heads * int(_said(shape, "head_dim") or shape.hidden // heads)
    return Family(
        hidden=shape.hidden,
        heads_width=_width_of("q_proj", block) or width,
        keys_width=_width_of("k_proj", block) or width,
        heads=heads,
        middle=middle,
        is_gated=bool(names & {"gate_proj", "gate_up_proj"}),
        has_sub_norms=any("sub_norm" in module.name for module in shape.every),
        slow_activation=_said(shape, "hidden_act", "activation_function") in SLOW_ACTIVATIONS,
        drops=_drops(shape),
    )


def _drops(shape: Shape) -> bool:
    # The one class among them whose dropout is on where its config says nothing.
    silent = 0.1 if shape.model_type == "gpt2" else 0.0
    said = (shape.config.get(name) for name in ("attn_pdrop", "attention_dropout"))
    return next((float(share) for share in said if share is not None), silent) > 0


def _ends_middle(module: Module) -> bool:
    return module.target in ENDS_MIDDLE or module.name.endswith("mlp.c_proj")


def _width_of(target: str, block: list[Module]) -> int:
    return next((m.out_features for m in block if m.target == target), 0)


def _said(shape: Shape, *names: str) -> Any:
    config = shape.config.get("text_config") or shape.config
    return next((config[name] for name in names if config.get(name)), None)


def _work(hidden: float, middle: float) -> float:
    """Numbers that elementwise steps of a gated block pass over, about."""
    return 12 * hidden + 5 * middle


def _any(adapted: Collection[str], names: Collection[str]) -> bool:
    return any(name in adapted for name in names)
