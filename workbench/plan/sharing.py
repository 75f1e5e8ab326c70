"""Which trials share each forward of one base, and why the others do not.

Decided from specs, and from what trials need where memory is bounded: no model is loaded to answer it. The plan says it
before a sweep runs, the experiment does it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.plan.room import Need, Room, shares
from workbench.spec import Spec, Trial


def together(
    trials: Sequence[Trial], *, needs: Mapping[str, Need] | None = None, room: Room | None = None
) -> list[tuple[Trial, ...]]:
    """Trials that are trained in one pass; those that cannot share one are alone.

    Args:
        trials: On any number of bases.
        needs: What each asks for; None where that is not known.
        room: What those of one pass may take; None sets no bound.
    """
    groups: dict[Any, list[Trial]] = {}
    for trial in trials:
        spec = trial.spec
        alone = trial.name if alone_because(spec) else ""
        how = (_base(spec), spec.train.bf16, spec.train.gradient_checkpointing)
        groups.setdefault((alone, how), []).append(trial)
    return [
        part for group in groups.values() for part in shares(group, needs=needs or {}, room=room)
    ]


_ENDS = ("embed_tokens", "wte", "wpe", "embed_in", "word_embeddings", "lm_head", "embed_out")
"""What the first and the last module of a model are called."""
_BEFORE = ("", "model.", "transformer.", "model.decoder.", "gpt_neox.")


def lies_on_an_end(target_modules: str | tuple[str, ...] | None) -> bool:
    """Whether modules that are named so are an embedding or the head.

    >>> lies_on_an_end(("q_proj", "lm_head")), lies_on_an_end(r".*(q_proj|lm_head)"), lies_on_an_end("all-linear")
    (True, True, False)
    """
    if isinstance(target_modules, str):
        names = (before + end for before in _BEFORE for end in _ENDS)
        return any(re.fullmatch(target_modules, name) for name in names)
    return any(word.rsplit(".", 1)[-1] in _ENDS for word in target_modules or ())


def alone_because(spec: Spec) -> str:
    """Why a trial must train alone; empty when it can share.

    >>> alone_because(Spec())
    ''
    """
    adapter = spec.adapter
    if why := own_base_because(spec):
        return why
    if spec.quantization is not None and spec.quantization.load_in_8bit:
        return "8-bit outliers are chosen over the whole batch, so neighbours would change them"
    if adapter.use_dora:
        return "DoRA rescales the base's own output, which rows of other adapters share"
    if lies_on_an_end(adapter.target_modules):
        return (
            "an adapter on an embedding or on the head has no rows of tokens that could be routed"
        )
    if adapter.modules_to_save:
        return "modules_to_save replaces modules of the base, which the others share"
    return ""


_OTHER_METHODS = {
    "IA3": "IA3 rescales the base's own activations, and PEFT mixes it with no other method",
    "VERA": "VeRA keeps its projections in the model once, and PEFT mixes it with no other method",
    "PROMPT_TUNING": "prompt tuning puts tokens in front of its rows, which others do not have",
    "FULL": "full fine-tuning changes the base itself, which the others share",
}


def own_base_because(spec: Spec) -> str:
    """Why a trial needs the base loaded for itself; empty when its adapter can lie beside others."""
    adapter = spec.adapter
    if adapter.peft_type in _OTHER_METHODS:
        return _OTHER_METHODS[adapter.peft_type]
    if adapter.bias != "none":
        return "a trained bias belongs to the base, which the others share"
    if adapter.init_lora_weights in ("pissa", "olora"):
        return f"init {adapter.init_lora_weights!r} rewrites the base, which the others share"
    return ""


def by_base(trials: Sequence[Trial]) -> list[tuple[Trial, ...]]:
    """Trials on one loaded base."""
    groups: dict[Any, list[Trial]] = {}
    for trial in trials:
        own = trial.name if own_base_because(trial.spec) else ""
        groups.setdefault((own, _base(trial.spec)), []).append(trial)
    return [tuple(group) for group in groups.values()]


def _base(spec: Spec) -> tuple[Any, ...]:
    # The labels of a set decide how wide the head of a classifier is.
    labelled = spec.data.id if spec.adapter.task_type == "SEQ_CLS" else ""
    return (spec.model, spec.quantization, spec.adapter.task_type, labelled)
