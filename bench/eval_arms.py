"""One model asked by both sides in turn: `python -m bench.eval_arms CASE.json OUT.json`, for `bench.evals`.

Loads the base once for us, in a bank with eight adapters, and once for `lm-eval`, in a PeftModel with the same eight from
the same folders; then every set is scored by each arm in each repetition, another arm first each time. Times are of
everything after loading: reading the items, prompts, tokens, the model, metrics.
"""

import contextlib
import io
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from bench.eval_sets import AskedSet, asked_set, model_folder
from bench.job import RANKS
from bench.load import Gate
from workbench.adapters.bank import Bank
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.asking import EvalContext, ask
from workbench.models.load import load
from workbench.scores.scoring import score
from workbench.scores.task import Generation, Likelihood
from workbench.spec import AdapterSpec, ModelSpec, Spec, Trial
from workbench.timing.others import Others

EQUAL = 1e-4
"""How far a log-likelihood may be from that of `lm-eval`."""
ONE = 0
"""The adapter that is scored alone."""


@dataclass
class Clock:
    """What of a scoring was spent on likelihoods, and what of these in the model."""

    likelihoods: float = 0.0
    model: float = 0.0

    @contextlib.contextmanager
    def running(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        setattr(self, name, getattr(self, name) + time.perf_counter() - began)


@dataclass
class Told:
    """What an arm made of a set."""

    accuracies: dict[str, float] = field(default_factory=dict)
    """Adapter -> accuracy."""
    likelihoods: dict[str, list[float]] = field(default_factory=dict)
    """Adapter -> every continuation's log-likelihood, in the order of the requests."""


class Ours:
    """The workbench."""

    def __init__(self, case: dict[str, Any], *, home: Path) -> None:
        self.folder = model_folder(case)
        trials = [
            Trial(
                name=f"t{index}-r{rank}",
                spec=Spec(
                    model=ModelSpec(id=str(self.folder)),
                    adapter=AdapterSpec(r=rank, lora_alpha=2 * rank),
                ),
            )
            for index, rank in enumerate(RANKS)
        ]
        loaded = load(trials[0].spec.model, device="cpu")
        self.num_parameters = int(loaded.model.num_parameters())
        self.bank = Bank(loaded.model, loaded.tokenizer, trials)
        self.slots = tuple(trial.name for trial in trials)
        _move(self.bank.model)
        for slot in self.slots:
            self.bank.save(slot, home / "adapters" / slot)
        self.clock = Clock()
        _time_forwards(self.bank.base, clock=lambda: self.clock)

    def score(self, asked: AskedSet, *, slots: tuple[str, ...]) -> Told:
        """Rows and scores, as `workbench eval` makes them."""
        answerer = _Timed(TorchAnswerer(self.bank), clock=self.clock)
        context = EvalContext(data_id="bench", model_id=str(self.folder))
        rows = ask(asked.ours, answerer, slots=slots, context=context)
        told = Told()
        for slot in slots:
            value = score(asked.ours, slot, rows[slot]).value
            told.accuracies[slot] = -1.0 if value is None else value
        return told

    def likelihoods(self, asked: AskedSet, *, slots: tuple[str, ...]) -> Told:
        """The very requests of `lm-eval`, and nothing else."""
        answerer = _Timed(TorchAnswerer(self.bank), clock=self.clock)
        found = answerer.loglikelihood(asked.pairs, slots=slots)
        return Told(likelihoods={slot: [one.logprob for one in found[slot]] for slot in slots})


class _Timed:
    """An answerer that times what it is asked."""

    def __init__(self, inner: TorchAnswerer, *, clock: Clock) -> None:
        self._inner, self._clock = inner, clock
        self.slots, self.tokenizer, self.context = inner.slots, inner.tokenizer, inner.context

    def loglikelihood(self, pairs: Any, *, slots: Any) -> dict[str, list[Likelihood]]:
        with self._clock.running("likelihoods"):
            return self._inner.loglikelihood(pairs, slots=slots)

    def generate(self, prompts: Any, *, slots: Any, **limits: Any) -> dict[str, list[Generation]]:
        return self._inner.generate(prompts, slots=slots, **limits)


class Theirs:
    """`lm-eval` around one PeftModel, whose adapter is swapped."""

    def __init__(self, case: dict[str, Any], *, home: Path, slots: tuple[str, ...]) -> None:
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder = model_folder(case)
        base = AutoModelForCausalLM.from_pretrained(
            folder, use_safetensors=True, dtype=torch.float32
        )
        first, *others = slots
        adapters = home / "adapters"
        self.model = PeftModel.from_pretrained(base, adapters / first, adapter_name=first)
        for slot in others:
            self.model.load_adapter(adapters / slot, adapter_name=slot)
        self.model.eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.clock = Clock()
        _time_forwards(base, clock=lambda: self.clock)

    def score(self, asked: AskedSet, *, slots: tuple[str, ...], batch_size: int | str) -> Told:
        """A run of `lm-eval` for each adapter, without its bootstrap of standard errors."""
        from lm_eval.evaluator import evaluate
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager

        told = Told()
        lm = HFLM(pretrained=self.model, tokenizer=self.tokenizer, batch_size=batch_size)
        inner = lm.loglikelihood

        def timed(requests: Any, **more: Any) -> Any:
            with self.clock.running("likelihoods"):
                return inner(requests, **more)

        lm.loglikelihood = timed
        for slot in slots:
            self.model.set_adapter(slot)
            tasks = TaskManager(include_defaults=False).load(str(asked.task))
            found = evaluate(lm, tasks, bootstrap_iters=0)
            samples = sorted(found["samples"][asked.task.stem], key=lambda s: s["doc_id"])
            told.likelihoods[slot] = [
                float(one[0]) for sample in samples for one in sample["filtered_resps"]
            ]
            told.accuracies[slot] = float(found["results"][asked.task.stem]["acc,none"])
        return told


def _move(model: torch.nn.Module) -> None:
    """Adapters that say something, and nothing wild: B, zero at first, is drawn."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if "lora_B" in name:
                parameter.copy_(0.02 * torch.randn(parameter.shape, generator=generator))


def _time_forwards(model: Any, *, clock: Callable[[], Clock]) -> None:
    began: list[float] = []
    model.register_forward_pre_hook(lambda *_: began.append(time.perf_counter()))

    def ended(*_: Any) -> None:
        clock().model += time.perf_counter() - began.pop()

    model.register_forward_hook(ended)


def measure(case: dict[str, Any], *, home: Path) -> dict[str, Any]:
    """Every set of the case."""
    began = time.perf_counter()
    with _silent():
        ours = Ours(case, home=home)
        theirs = Theirs(case, home=home, slots=ours.slots)
    _progress(f"both sides loaded in {time.perf_counter() - began:.0f} s")
    gate, watch = Gate(patience=float(case["patience"])), Others()
    sets: dict[str, Any] = {}
    quiet: list[bool] = []
    for name in case["sets"]:
        asked = asked_set(name, case=case, tokenizer=ours.bank.tokenizer, home=home)
        sets[name] = _one_set(asked, case=case, ours=ours, theirs=theirs, gate=gate, quiet=quiet)
    return {
        "sets": sets,
        "adapters": len(ours.slots),
        "parameters": ours.num_parameters,
        "lm_eval": metadata.version("lm_eval"),
        "quiet": all(quiet),
        "cores_of_others": watch.cores(),
    }


Arm = Callable[[], Told]


def _one_set(
    asked: AskedSet,
    *,
    case: dict[str, Any],
    ours: Ours,
    theirs: Theirs,
    gate: Gate,
    quiet: list[bool],
) -> dict[str, Any]:
    one, all_slots = (ours.slots[ONE],), ours.slots
    arms: dict[str, tuple[Arm, Ours | Theirs]] = {
        "ours, 1": (partial(ours.score, asked, slots=one), ours),
        "ours, 8": (partial(ours.score, asked, slots=all_slots), ours),
        "ours, 1, same requests": (partial(ours.likelihoods, asked, slots=one), ours),
        "ours, 8, same requests": (partial(ours.likelihoods, asked, slots=all_slots), ours),
    }
    for size in case["batch_sizes"]:
        run = partial(theirs.score, asked, slots=one, batch_size=size)
        arms[f"lm-eval, 1, batch {size}"] = (run, theirs)
    told = {name: _warm(arm, name=f"{asked.name}: {name}") for name, arm in arms.items()}
    best = min(told, key=lambda name: told[name][1] if name.startswith("lm-eval") else 1e9)
    size = best.rpartition(" ")[2]
    batch = int(size) if size.isdigit() else size
    run = partial(theirs.score, asked, slots=all_slots, batch_size=batch)
    arms[f"lm-eval, 8, batch {size}"] = (run, theirs)
    times: dict[str, list[dict[str, float]]] = {name: [] for name in arms}
    found: dict[str, Told] = {}
    for repeat in range(case["repeats"]):
        # Another arm begins each time, so that a drift of the machine falls on all of them.
        order = list(arms)[repeat % len(arms) :] + list(arms)[: repeat % len(arms)]
        quiet.append(gate.wait().quiet)
        for name in order:
            found[name], taken = _timed_run(*arms[name])
            times[name].append(taken)
            _progress(
                f"{asked.name}, {repeat + 1}/{case['repeats']}: {name}: {taken['seconds']:.2f} s"
            )
    return {
        "items": asked.num_items,
        "requests": len(asked.pairs),
        "best_batch": batch,
        "arms": {name: _medians(each) for name, each in times.items()},
        **_compared(found, eight=f"lm-eval, 8, batch {size}"),
    }


def _warm(arm: tuple[Arm, Ours | Theirs], *, name: str) -> tuple[Told, float]:
    told, taken = _timed_run(*arm)
    _progress(f"{name}: {taken['seconds']:.2f} s, not counted")
    return told, taken["seconds"]


def _timed_run(arm: Arm, side: Ours | Theirs) -> tuple[Told, dict[str, float]]:
    clock = side.clock
    clock.likelihoods = clock.model = 0.0
    with _silent():
        began = time.perf_counter()
        told = arm()
        seconds = time.perf_counter() - began
    return told, {"seconds": seconds, **asdict(clock)}


def _medians(each: list[dict[str, float]]) -> dict[str, Any]:
    found = {key: statistics.median(one[key] for one in each) for key in each[0]}
    return found | {"seconds_of_each": [one["seconds"] for one in each]}


def _compared(found: dict[str, Told], *, eight: str) -> dict[str, Any]:
    """Whether both sides say the same of every adapter."""
    theirs, ours = found[eight], found["ours, 8"].accuracies
    same = found["ours, 8, same requests"].likelihoods
    furthest = max(
        _apart(a, b)
        for slot, own in theirs.likelihoods.items()
        for a, b in zip(own, same[slot], strict=True)
    )
    differences = {
        slot: [ours[slot], accuracy]
        for slot, accuracy in theirs.accuracies.items()
        if abs(ours[slot] - accuracy) > 1e-9
    }
    return {
        "largest_difference": furthest,
        "accuracies": theirs.accuracies,
        "differences": differences,
        "equal": furthest <= EQUAL and not differences,
    }


def _apart(one: float, other: float) -> float:
    """What is no number is as far from anything as can be; `max` would pass over it."""
    if one == other:
        return 0.0
    return math.inf if math.isnan(one - other) else abs(one - other)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """The libraries draw bars and print what batch they found."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield


def _progress(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure the case in one file and write what was found into another."""
    case = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    told = measure(case, home=Path(case["home"]))
    Path(sys.argv[2]).write_text(json.dumps(told))


if __name__ == "__main__":
    main()
