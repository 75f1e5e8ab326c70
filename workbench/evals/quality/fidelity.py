"""Asks how far a model has moved from itself in full precision: all that it says of each token of the same texts.

Of every slot two models are asked beside the reference, which is the base in 32 bits with the slot's adapter on: the slot as
it is, on a base that may be quantized, and its adapter merged into a copy of that base. A row is one text; its value is
the mean over tokens of KL(reference || slot). For this the base is loaded again, once in 32 bits and once for each
adapter to merge, so it needs the memory of three models. It scores nothing: see `scores.fidelity`.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch

from workbench import microworld
from workbench.data.rendering import encode_text
from workbench.evals import questions, rounds
from workbench.evals.context import EvalContext, Progress
from workbench.models.load import load
from workbench.models.quantize import from_bnb
from workbench.scores.task import BASE, Answerer, Item, Row
from workbench.spec import ModelSpec, QuantizationSpec

MAX_TEXTS = 64
"""So many show a difference well below what matters, and are asked in one go."""
DEFAULT_SET = "updates"


class Nearness(NamedTuple):
    """How near two models are on one text."""

    kl: float
    """The mean over its tokens of KL(reference || other), in nats."""
    same: float
    """The share of tokens after which both find the same next one likeliest."""
    num_tokens: int


class Found(NamedTuple):
    """All that is asked of one slot on one text."""

    base: Nearness
    slot: Nearness
    merged: Nearness | None
    truncated: bool


@runtime_checkable
class Opened(Protocol):
    """An answerer that lets its models be looked into."""

    tokenizer: Any

    @property
    def context(self) -> int: ...
    def opened(self, slot: str) -> AbstractContextManager[Any]: ...


def ask_fidelity(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """The distance of every slot from itself in full precision, text by text."""
    if not isinstance(answerer, Opened):
        return rounds.not_asked("fidelity", "there are no weights to look at", slots=slots)
    items = replace(context, limit=min(MAX_TEXTS, context.limit or MAX_TEXTS)).chosen(
        _texts(answerer, context)
    )
    if not items:
        return rounds.not_asked("fidelity", "the data have no text", slots=slots)

    def ask(chunk: Sequence[Item], slots: Sequence[str]) -> rounds.Asked[Found]:
        with TemporaryDirectory(prefix="workbench-") as folder:
            return _Distances(answerer, chunk, folder=Path(folder)).of(slots)

    return rounds.ask_in_chunks(items, ask, _row, slots=slots, progress=progress)


def nearness(model: Any, reference: Any, ids: Sequence[int]) -> Nearness:
    """How near a model is to another on one text; NaN where one of them is not finite."""
    log_p, log_q = (_log_probabilities(one, ids) for one in (reference, model))
    # What the reference rules out adds nothing, though its logarithm is no number to multiply.
    each_TV = torch.where(log_p == -torch.inf, 0.0, log_p.exp() * (log_p - log_q))
    kl_T = each_TV.sum(-1)
    same_T = log_p.argmax(-1) == log_q.argmax(-1)
    return Nearness(float(kl_T.mean()), float(same_T.double().mean()), len(ids))


def _log_probabilities(model: Any, ids: Sequence[int]) -> torch.Tensor:
    device = next(model.parameters()).device
    # A token that is masked keeps attention on the path where a NaN stays one: without a mask torch makes zeros of it.
    ids_1T = torch.tensor([[*ids, ids[-1]]], device=device)
    mask_1T = torch.ones_like(ids_1T)
    mask_1T[0, -1] = 0
    with torch.no_grad():
        logits = model(input_ids=ids_1T, attention_mask=mask_1T, use_cache=False).logits
    # A prompt that PEFT puts in front has logits of its own. In 64 bits a distance of nothing is nothing.
    log_TV: torch.Tensor = logits[0, -len(ids) - 1 : -1].double().cpu().log_softmax(-1)
    return log_TV


class _Distances:
    """The models of one loaded base beside the reference; final."""

    def __init__(self, opened: Opened, items: Sequence[Item], *, folder: Path) -> None:
        """Nothing is loaded before it is needed."""
        self.opened = opened
        self.folder = folder
        self.encoded = [
            encode_text(opened.tokenizer, item.expected, max_length=opened.context - 1)
            for item in items
        ]
        with opened.opened(BASE) as model:
            inner = model.get_base_model() if hasattr(model, "get_base_model") else model
            config = getattr(inner.config, "quantization_config", None)
            self.place = str(inner.config.name_or_path)
            self.quantization = None if config is None else from_bnb(config)
            self.is_full = config is None and inner.dtype == torch.float32
        self.dtype = str(inner.dtype).removeprefix("torch.")

    def of(self, slots: Sequence[str]) -> dict[str, list[Found]]:
        """What is found of every slot."""
        with self.opened.opened(BASE) as model, self._reference(BASE) as reference:
            base = self._all(model, reference or model)
        found = {}
        for slot in slots:
            own, merged = base, None
            if slot != BASE:
                with self.opened.opened(slot) as model:
                    _save(model, self.opened.tokenizer, self.folder / slot)
                with self.opened.opened(slot) as model, self._reference(slot) as reference:
                    own = self._all(model, reference or model)
                    merged = self._merged(slot, reference or model)
            found[slot] = [
                Found(*near, None if merged is None else merged[i], self.encoded[i][1])
                for i, near in enumerate(zip(base, own, strict=True))
            ]
        return found

    def _all(self, model: Any, reference: Any) -> list[Nearness]:
        return [nearness(model, reference, ids) for ids, _ in self.encoded]

    @contextmanager
    def _reference(self, slot: str) -> Iterator[Any]:
        """The slot in 32 bits; None where it is so already."""
        if self.is_full:
            yield None
            return
        folder = self.folder / slot
        if slot != BASE and not (folder / "adapter_config.json").is_file():
            yield load(ModelSpec(id=str(folder))).model
            return
        model = load(ModelSpec(id=self.place)).model
        yield model if slot == BASE else _with_adapter(model, folder)

    def _merged(self, slot: str, reference: Any) -> list[Nearness] | None:
        folder = self.folder / slot
        if not (folder / "adapter_config.json").is_file():
            return None
        own: QuantizationSpec | None = self.quantization
        model = load(ModelSpec(id=self.place, dtype=self.dtype), quantization=own).model
        attached = _with_adapter(model, folder)
        if attached.peft_config["default"].is_prompt_learning:
            return None
        merged = attached.merge_and_unload().eval()
        return self._all(merged, reference)


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    """What is active in a model, as PEFT saves it; without an adapter all of it, as transformers does."""
    from peft import PeftModel

    inner = model if isinstance(model, PeftModel) else getattr(model, "model", None)
    if not isinstance(inner, PeftModel):
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return
    active = inner.active_adapter
    inner.save_pretrained(folder, selected_adapters=[active], save_embedding_layers=False)
    # PEFT puts an adapter that is not called `default` in a folder of its name.
    for path in (folder / active).iterdir():
        path.rename(folder / path.name)


def _with_adapter(model: Any, folder: Path) -> Any:
    from peft import PeftModel

    # Loaded by PEFT alone and not by our bank: a mistake of ours would show here.
    return PeftModel.from_pretrained(model, folder, use_safetensors=True).eval()


def _texts(answerer: Opened, context: EvalContext) -> list[Item]:
    """Texts to compare on, each an item whose `expected` is the whole of it."""
    if context.asks_microworld and (context.microworld_set or not context.held_out):
        known = microworld.items("retention", data=context.microworld_set or DEFAULT_SET)
        return [replace(one, expected=f"{one.prompt} {one.expected}", prompt="") for one in known]
    if context.held_out or context.train:
        own = questions.own_items(answerer, context)  # type: ignore[arg-type]
        return [replace(one, expected=one.prompt + one.choices[0], prompt="") for one in own]
    lines = Path(__file__).with_name("everyday.txt").read_text(encoding="utf-8").splitlines()
    return [
        Item(id=f"everyday/{number}", prompt="", expected=text, kind="everyday")
        for number, text in enumerate(lines, start=1)
    ]


def _row(item: Item, found: Found, slot: str) -> Row:
    near = found.slot
    detail = {
        "tokens": near.num_tokens,
        "top1": near.same,
        "base": found.base.kl,
        "base/top1": found.base.same,
    }
    if found.merged is not None:
        detail |= {"merged": found.merged.kl, "merged/top1": found.merged.same}
    verdict = rounds.Verdict(value=near.kl, detail=detail)
    return rounds.row_of(item, verdict, slot=slot, truncated=found.truncated)
