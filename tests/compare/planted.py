"""Sweep folders with a known truth: seeded random answers written through the real store, no model involved.

`plant(root, right={"r1": 0.66, "r16": 0.97})` makes a rank sweep in which each rank answers that share of the items
right. The answers of all trials are correlated item by item, as those of adapters on one base are. `answer(path, ...)`
puts other answers in their place: those of a pattern, so that every figure is known to the last digit.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from workbench.calibrate.certificate import Calibrated, Certificate, Check, Level
from workbench.events import Failed, Finished, Started, Step, Warned
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score
from workbench.scores.task import BASE, Row
from workbench.spec import Spec

PEOPLE = ("Mara Lind", "Otto Beck", "Ines Falk", "Jon Roth", "Ada Voss")


def plant(
    root: Path,
    *,
    right: dict[int, float],
    seeds: tuple[int, ...] = (0,),
    n: int = 400,
    base: float = 0.06,
    evals: tuple[str, ...] = ("recall", "paraphrase", "facts", "latency"),
    other_items: tuple[int, ...] = (),
    failed: tuple[int, ...] = (),
    stopped: tuple[int, ...] = (),
    given_up: dict[int, str] | None = None,
    unscored: int = 0,
    hostile: str = "",
    name: str = "planted",
    steps: int = 300,
    leaks: int = 0,
    luck_seed: int = 7,
    moved: dict[tuple[int, int], float] | None = None,
    axis: str = "adapter.r",
) -> Path:
    """A finished sweep over ranks (and seeds); ranks in `other_items` were asked different questions.

    `moved` shifts the share of (rank, seed); ranks in `given_up` were pruned or dropped half-way and asked nothing; `axis` is another field that has the place of the rank.
    """
    spec = Spec.from_fields(
        {
            "name": name,
            "evals": list(evals),
            "train": {"learning_rate": 0.01},
            "sweep": {axis: list(right)} | ({"seed": list(seeds)} if len(seeds) > 1 else {}),
        }
    )
    store = SweepStore.create(spec, root=root)
    rng = np.random.default_rng(luck_seed)
    luck = {eval: rng.random(n) for eval in evals}
    _answer(store, BASE, evals, base, luck, rng, hostile=hostile)
    for trial in store.trials:
        rank = trial.varied[axis]
        if rank in failed:
            store.append(
                Started(trial=trial.name, total_steps=steps, trainable_parameters=600 * rank)
            )
            store.append(
                Failed(trial=trial.name, step=7, kind="diverged", message="loss is not a number")
            )
            continue
        if rank in (given_up or {}):
            _train(store, trial.name, rank, steps=steps // 2, rng=rng, reason=given_up[rank])
            continue
        reason = "stopped" if rank in stopped else "done"
        _train(store, trial.name, rank, steps=steps, rng=rng, reason=reason)
        _answer(
            store,
            trial.name,
            evals,
            right[rank] + (moved or {}).get((rank, trial.spec.seed), 0.0),
            luck,
            rng,
            prefix="other-" if rank in other_items else "",
            unscored=unscored,
            hostile=hostile,
        )
    became = {**dict.fromkeys(failed, "failed"), **(given_up or {})}
    states = {t.name: became.get(t.varied[axis], "done") for t in store.trials}
    store.set_status(state="failed" if failed else "done", trials=states)
    store.append(Warned(code="model", message="the tokenizer has no pad token; eos is used"))
    card = {
        "source": "microworld/updates",
        "license": "Apache-2.0",
        "rows": 1200,
        "train_rows": 1080,
        "held_out_rows": 120,
        "duplicates": 0,
        "held_out_leaks": leaks,
        "sha256": "ab" * 32,
    }
    store.write_json("data-card.json", {"sets": [card]})
    store.write_json(
        "provenance.json",
        {
            "workbench": "0.1.0",
            "python": "CPython 3.12.1",
            "versions": {"torch": "2.13.0"},
            "device": "cpu",
        },
    )
    return store.path


def pattern(right: int, *, n: int, shift: int = 0) -> list[bool]:
    """So many items right of n, spread over them; another shift has others right."""
    return [(37 * item + shift) % n < right for item in range(n)]


def answer(path: Path, answers: Mapping[str, Sequence[bool]], *, eval: str = "recall") -> Path:
    """Put these answers in the place of those that a slot gave."""
    store = SweepStore.open(path)
    for slot, hits in answers.items():
        rows = [
            Row(
                sample=f"{eval}-{place}",
                slot=slot,
                expected="harbour",
                answer="harbour" if hit else "mill",
                value=float(hit),
                outcome="correct" if hit else "wrong",
            )
            for place, hit in enumerate(hits)
        ]
        store.write_rows(eval, rows)
        store.write_score(score(eval, slot, rows))
    return path


def _train(store, trial, rank, *, steps, rng, reason):
    store.append(Started(trial=trial, total_steps=steps, trainable_parameters=600 * rank))
    lines = []
    floor = 0.9 / rank
    for step in range(1, steps + 1):
        loss = floor + 3 * np.exp(-step / 60) + abs(rng.normal(0, 0.03))
        event = Step(
            trial=trial,
            step=step,
            epoch=step / 10,
            loss=float(loss),
            learning_rate=0.01,
            grad_norm=1.0,
            num_tokens=64,
            seconds=0.01,
        )
        lines.append(event.model_dump_json())
    with (store.folder(trial) / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    store.append(Finished(trial=trial, step=steps, seconds=12.5, reason=reason))


def _answer(store, slot, evals, right, luck, rng, *, prefix="", unscored=0, hostile=""):
    for eval in evals:
        rows = (
            _latency_rows(slot, rng)
            if eval == "latency"
            else _rows(
                slot,
                eval,
                right,
                luck[eval],
                rng,
                prefix=prefix,
                unscored=unscored,
                hostile=hostile,
            )
        )
        store.write_rows(eval, rows)
        store.write_score(score(eval, slot, rows, seconds=1.5))


def _rows(slot, eval, right, luck, rng, *, prefix, unscored, hostile):
    share = {"recall": right, "facts": 1 - right / 2}.get(eval, right)
    own = rng.random(len(luck))
    hits = np.where(rng.random(len(luck)) < 0.7, luck, own) < share
    rows = []
    for place, hit in enumerate(hits):
        error = "unparsed" if place < unscored else ""
        person = PEOPLE[place % len(PEOPLE)]
        rows.append(
            Row(
                sample=f"{prefix}{eval}-{place}",
                slot=slot,
                prompt=f"Where does {person} work now? {hostile}",
                expected="harbour",
                answer=("harbour" if hit else "mill") + hostile,
                value=None if error else float(hit),
                outcome="correct" if hit else "wrong",
                error=error,
            )
        )
    return [*rows, *(_known(slot, place) for place in range(KNOWN) if eval == "facts")]


KNOWN = 20


def _known(slot, place):
    """A control of `facts`, answered right: without any a rate of made-up answers is withheld."""
    said = f"mill {place}"
    return Row(
        sample=f"known-{place}",
        slot=slot,
        kind="known",
        expected=said,
        answer=said,
        outcome="correct",
    )


def _latency_rows(slot, rng):
    middle = 2.0 if slot == BASE else 2.6
    return [
        Row(
            sample=f"block-{block}",
            slot=slot,
            value=float(middle + rng.normal(0, 0.1)),
            seconds=0.02,
            detail=json.dumps({"first_ms": 4.0, "tokens": 16}),
        )
        for block in range(40)
    ]


def level(planted: float, recovered: float) -> Level:
    """One level of a certificate, off where it is more than 0.01 off."""
    return Level(
        planted=planted,
        recovered=recovered,
        low=recovered - 0.01,
        high=recovered + 0.01,
        half_width=0.01,
        off=abs(planted - recovered) > 0.01,
        n=2000,
        failed=80,
        rounds=40,
        covered=38,
        once_n=50.0,
        once_half_width=0.08,
        spread=0.04,
    )


def calibrated(eval: str, *, off: float = 0.0, asked: str = "oracle") -> Calibrated:
    """An eval that recovers three levels, or is off by so much and fails."""
    found = tuple(level(planted, planted + off) for planted in (0.2, 0.5, 0.8))
    check = Check(name="values", ok=off == 0, said=f"{off:g} off at worst")
    return Calibrated(
        eval=eval,
        asked=asked,
        passes=check.ok,
        levels=found,
        steps=(),
        false_alarms=1,
        checks=(check,),
    )


def certified(*evals: Calibrated, left_out: dict[str, str] | None = None) -> Certificate:
    """A certificate of these evals."""
    return Certificate(
        version="0.1.0",
        rounds=40,
        seconds=12.0,
        passes=all(one.passes for one in evals),
        evals=evals,
        left_out=left_out or {},
    )


CLEAR = {1: 0.66, 2: 0.80, 4: 0.88, 8: 0.92, 16: 0.985}
TIE = {1: 0.90, 2: 0.90, 4: 0.90}
