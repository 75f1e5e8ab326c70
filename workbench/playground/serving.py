"""The models of a playground, and their answers token by token; used by the worker process only.

`Hall(sweep=...)` finds the stored trials of a sweep; `load(names)` loads each base that they need once, with all of its
adapters in one bank, as training and evaluating do; `answer(...)` yields what every chosen slot says, in one batched
pass of all slots that can share one. The sweep's folder is read and never written.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from workbench.adapters.bank import Bank
from workbench.errors import InputError, RunError
from workbench.evals.audience import Adapters, Audience, context_length, end_ids
from workbench.experiment import hold
from workbench.foreign.asking import check_copies, is_adopted
from workbench.foreign.folder import WEIGHTS
from workbench.models.load import load as load_model
from workbench.plan.sharing import by_base
from workbench.playground.manner import Manner
from workbench.playground.streaming import Said, stream
from workbench.playground.text import Pieces, prompt_of, whole
from workbench.runs.store import SweepStore
from workbench.scores.task import BASE
from workbench.spec import ModelSpec, Trial

_log = logging.getLogger(__name__)

Event = dict[str, Any]


class OnlyBase:
    """A model without any adapter, asked as a bank is; final."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model = self.base = model
        self.tokenizer = tokenizer
        self.slots: tuple[str, ...] = (BASE,)
        self.trials: Mapping[str, Any] = {}
        self.reads_alone = ""

    @contextmanager
    def use(self, slot: str) -> Iterator[Any]:
        """The model."""
        yield self.model

    def parameters(self, slot: str) -> Mapping[str, torch.Tensor]:
        """None that are not the base's."""
        return {}

    @contextmanager
    def routed(self) -> Iterator[Any]:
        """The model."""
        yield self.model

    def route(self, spans: Sequence[tuple[str, int, int, tuple[Any, ...]]]) -> None:
        """Every token is the base's."""


class Hall:
    """What is loaded, and who of it is asked; final."""

    def __init__(self, *, sweep: Path | None, model: ModelSpec, only: Sequence[str] = ()) -> None:
        """Find the trials; nothing is loaded.

        Args:
            sweep: The folder of a sweep; None asks a model without adapters.
            model: That model.
            only: The trials that may be asked.
        """
        self.notes: list[str] = []
        self.refused: dict[str, str] = {}
        """Trials that could not be put on their base, and why."""
        self._model = model
        self._store = SweepStore.open(sweep) if sweep is not None else None
        trials = [t for t in self._store.trials if t.name in only] if self._store else []
        self._groups = by_base(trials) or [()]
        self._banks: dict[int, Adapters] = {}

    def load(self, names: Sequence[str], *, say: Callable[[str], None]) -> None:
        """Load the bases of these slots that are not loaded yet."""
        for place, trials in enumerate(self._groups):
            if place in self._banks or not self._needed(place, names):
                continue
            say(f"reading {trials[0].spec.model.id if trials else self._model.id}")
            bank = self._loaded(trials, say=say)
            if bank is not None:
                self._banks[place] = bank

    def answer(
        self,
        prompt: str,
        *,
        slots: Sequence[str],
        manner: Manner,
        stopped: Callable[[], bool],
    ) -> Iterator[Event]:
        """What happens while these slots answer, as plain dicts."""
        gone = [slot for slot in slots if slot in self.refused]
        if gone:
            raise InputError(f"{gone[0]!r} cannot be asked: {self.refused[gone[0]]}")
        first = True
        for place, bank in sorted(self._banks.items()):
            ours = [slot for slot in slots if self._place_of(slot) == place]
            if not ours:
                continue
            asked = prompt_of(bank.tokenizer, prompt, chat=manner.chat)
            room = self._room(bank, asked.ids)
            if first:
                first = False
                yield {
                    "event": "begin",
                    "prompt_tokens": len(asked.ids),
                    "rendered": asked.rendered,
                }
            audience = Audience(bank)
            for slot in ours:
                if not audience.is_sound(slot):
                    yield {"event": "said", "of": {}, "over": {slot: _over("", "broken")}}
            sound = [slot for slot in ours if audience.is_sound(slot)]
            for some, respondents in audience.together(sound):
                script = _Script(bank.tokenizer, asked.ids, slots=some)
                for said in stream(
                    respondents,
                    asked.ids,
                    manner=manner,
                    room=room,
                    eos_ids=end_ids(bank.model, bank.tokenizer),
                    stopped=stopped,
                ):
                    yield script.write(said)

    @property
    def facts(self) -> dict[str, Any]:
        """What is known once something is loaded."""
        bank = next(iter(self._banks.values()), None)
        if bank is None:
            return {}
        cuda = torch.cuda.is_available()
        return {
            "context": context_length(bank.model, bank.tokenizer),
            "has_chat": bank.tokenizer.chat_template is not None,
            "device": "cuda" if cuda else "cpu",
            "device_bytes": torch.cuda.memory_allocated() if cuda else 0,
            "refused": self.refused,
            "notes": self.notes,
        }

    def _needed(self, place: int, names: Sequence[str]) -> bool:
        return any(self._place_of(name) == place for name in names)

    def _place_of(self, slot: str) -> int:
        """Which base a slot is asked on; the base itself on the first, as evals ask it."""
        if slot == BASE:
            return 0
        for place, trials in enumerate(self._groups):
            if any(trial.name == slot for trial in trials):
                return place
        raise InputError(f"{slot!r} is not here")

    def _loaded(self, trials: Sequence[Trial], *, say: Callable[[str], None]) -> Adapters | None:
        if not trials:
            loaded = load_model(self._model)
            self.notes += loaded.notes
            return OnlyBase(loaded.model, loaded.tokenizer)
        group, refused = hold(trials)
        self.refused |= {trial.name: str(error) for trial, error in refused}
        if group is None:
            raise RunError("; ".join(f"{name}: {why}" for name, why in self.refused.items()))
        self.notes += group.loaded.notes
        for number, trial in enumerate(group.trials, start=1):
            say(f"putting on {trial.name} ({number} of {len(group.trials)})")
            self._restore(group.bank, trial)
        return group.bank

    def _restore(self, bank: Bank, trial: Trial) -> None:
        assert self._store is not None
        kept = self._store.folder(trial.name) / trial.spec.adapter.kept_as
        try:
            if is_adopted(self._store.path):
                check_copies(kept / WEIGHTS, model=bank.base)
            bank.restore(trial.name, kept)
        except Exception as error:  # noqa: BLE001 - a file may be broken in any way, and costs its own slot only
            _log.exception("%s could not be read", kept)
            self.refused[trial.name] = f"what it learned cannot be read: {error}"[:300]

    def _room(self, bank: Adapters, ids: Sequence[int]) -> int:
        """Tokens that are left for an answer; a prompt that leaves none is refused."""
        context = context_length(bank.model, bank.tokenizer)
        if len(ids) >= context:
            raise InputError(
                f"the prompt has {len(ids):,} tokens, and this model reads {context:,} at once, its answer "
                f"among them; shorten it by {len(ids) - context + 1:,} tokens or more"
            )
        return context - len(ids)


class _Script:
    """What some slots say in one pass, as text."""

    def __init__(self, tokenizer: Any, prompt: Sequence[int], *, slots: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._slots = slots
        self._pieces = [Pieces(tokenizer, prompt) for _ in slots]
        self._ids: list[list[int]] = [[] for _ in slots]

    def write(self, said: Sequence[Said]) -> Event:
        """The tokens of a step, and the answers that end with it."""
        of: dict[str, list[dict[str, Any]]] = {}
        over = {}
        for one in said:
            name = self._slots[one.slot]
            if one.token >= 0:
                of[name] = [self._token(one)]
                if one.how != "end":
                    self._ids[one.slot].append(one.token)
            if one.how:
                ids = () if one.how == "broken" else self._ids[one.slot]
                over[name] = _over(whole(self._tokenizer, ids), one.how)
        return {"event": "said", "of": of, "over": over}

    def _token(self, one: Said) -> dict[str, Any]:
        pieces = self._pieces[one.slot]
        top = [[pieces.alternative(token), _short(p)] for token, p in one.likeliest]
        end = {"end": True} if one.how == "end" else {}
        text = pieces.add(one.token)
        return {"t": text, "i": one.token, "p": _short(one.probability), "top": top, **end}


def _over(text: str, how: str) -> dict[str, str]:
    return {"text": text, "how": how}


def _short(probability: float) -> float:
    return float(f"{probability:.6g}")
