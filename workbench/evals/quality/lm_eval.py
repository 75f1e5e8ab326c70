"""Asks a task of `lm-eval`: its prompts and its metrics, our answerer, all slots in one pass, a row for each document.

`lm_eval:arc_easy` names a task, a group or a tag of the package, `lm_eval:tasks/mine.yaml` a task file. What its metrics
would score without noticing is counted instead: a likelihood that is no number, a right choice that is tied for best, a right
choice that is none of those offered, an answer that is empty. It scores nothing: see `scores.lm_eval`.
"""

import dataclasses
import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from workbench.errors import DataError
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.quality.lm_eval_tasks import LoadedTask, load_tasks
from workbench.evals.quality.perplexity import TOO_LONG, read_texts
from workbench.scores.lm_eval import Raw, Told, weighed
from workbench.scores.perplexity import counts_of
from workbench.scores.task import Answerer, Generation, Item, Likelihood, Read, Row

DEFAULT_NEW_TOKENS = 256
"""What `lm-eval` lets a model write where a task says nothing."""
ANSWER_CHARS = 500
NEW_TOKENS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""What tasks call the most that is written; the first that is given counts."""
KNOWN_KEYS = {*NEW_TOKENS, "until", "do_sample", "temperature", "top_p", "top_k", "num_beams"}
ROLLING = "loglikelihood_rolling"
"""What `lm-eval` calls the likelihood of a whole text."""
Answer = Likelihood | Generation


class Document(NamedTuple):
    """One document of a task, and what is asked about it."""

    loaded: LoadedTask
    doc: Any
    instances: list[Any]
    """The requests of `lm-eval`."""


def ask_lm_eval(
    answerer: Answerer,
    *,
    named: str,
    slots: Sequence[str],
    context: EvalContext,
    progress: Progress,
) -> rounds.Rows:
    """Every document of the tasks that the name stands for."""
    documents = _documents(load_tasks(named))
    for _, document in documents:
        _check_limits(document.instances)
    by_id = {item.id: document for item, document in documents}
    items = context.chosen([item for item, _ in documents])

    def ask(chunk: Sequence[Item], slots: Sequence[str]) -> dict[str, list[list[list[Answer]]]]:
        return _asked(answerer, [by_id[item.id] for item in chunk], slots=slots)

    def row(item: Item, answers: list[list[Answer]], slot: str) -> Row:
        return _row(item, by_id[item.id], answers, slot=slot)

    rows = rounds.ask_in_chunks(items, ask, row, slots=slots, progress=progress)
    if documents[0][1].loaded.main.reading == "bits":
        return {slot: weighed(own) for slot, own in rows.items()}
    return rows


def _documents(tasks: Sequence[LoadedTask]) -> list[tuple[Item, Document]]:
    """Every document with its item, whose id is made of what the document says."""
    found = []
    for loaded in tasks:
        by_doc: dict[int, list[Any]] = defaultdict(list)
        for instance in loaded.task.instances:
            by_doc[instance.doc_id].append(instance)
        ids = {place: _id_of(own[0].doc, task=loaded.name) for place, own in by_doc.items()}
        times, seen = Counter(ids.values()), Counter[str]()
        for place, instances in by_doc.items():
            id = ids[place]
            seen[id] += 1
            document = Document(loaded, instances[0].doc, sorted(instances, key=lambda i: i.idx))
            item = Item(
                id=id if seen[id] == 1 else f"{id}-{seen[id]}",
                prompt=str(instances[0].args[0]),
                expected=_expected(document),
                # The same document twice is one observation.
                cluster=id if times[id] > 1 else "",
                group=loaded.name if len(tasks) > 1 else "",
            )
            found.append((item, document))
    return found


def _id_of(doc: Any, *, task: str) -> str:
    said = json.dumps(doc, sort_keys=True, default=str, ensure_ascii=False)
    return f"{task}/{blake2b(said.encode(), digest_size=8).hexdigest()}"


def _expected(document: Document) -> str:
    gold = document.loaded.task.doc_to_target(document.doc)
    offered = _offered(document)
    if offered and isinstance(gold, int) and 0 <= gold < len(offered):
        return offered[gold].strip()
    return str(gold)


def _offered(document: Document) -> list[str]:
    """The choices of a multiple-choice document; empty for others."""
    task = document.loaded.task
    return list(task.doc_to_choice(document.doc)) if _chooses(task) else []


def _chooses(task: Any) -> bool:
    return getattr(task, "OUTPUT_TYPE", None) == "multiple_choice"


def _asked(
    answerer: Answerer, documents: Sequence[Document], *, slots: Sequence[str]
) -> dict[str, list[list[list[Answer]]]]:
    """For each slot, document, request and repetition, what was answered."""
    requests = [instance for document in documents for instance in document.instances]
    answers = _likelihoods(answerer, requests, slots=slots)
    for index, said in _generated(answerer, requests, slots=slots).items():
        answers[index] = said
    by_slot = {}
    for slot in slots:
        each = iter(answers[index][slot] for index in range(len(requests)))
        by_slot[slot] = [[next(each) for _ in document.instances] for document in documents]
    return by_slot


def _likelihoods(
    answerer: Answerer, requests: Sequence[Any], *, slots: Sequence[str]
) -> dict[int, dict[str, list[Answer]]]:
    """Request -> slot -> its likelihood."""
    pairs: dict[int, tuple[str, str]] = {}
    texts: dict[int, str] = {}
    for index, request in enumerate(requests):
        if request.request_type == "loglikelihood":
            pairs[index] = _parted(*request.args[:2])
        elif request.request_type == ROLLING:
            texts[index] = request.args[0]
    answers: dict[int, dict[str, list[Answer]]] = {index: {} for index in (*pairs, *texts)}
    if pairs:
        for slot, told in answerer.loglikelihood(list(pairs.values()), slots=slots).items():
            for index, one in zip(pairs, told, strict=True):
                answers[index][slot] = [one]
    if texts:
        for slot, read in read_texts(answerer, list(texts.values()), slots=slots).items():
            for index, whole in zip(texts, read, strict=True):
                answers[index][slot] = [_as_likelihood(whole)]
    return answers


def _as_likelihood(whole: Read) -> Likelihood:
    return Likelihood(whole.logprob, whole.num_tokens, False, not whole.num_windows)


def _parted(prompt: str, continuation: str) -> tuple[str, str]:
    """White space at the end of a prompt is asked with what follows, as `lm-eval` has it."""
    kept = prompt.rstrip()
    return kept, prompt[len(kept) :] + continuation


def _generated(
    answerer: Answerer, requests: Sequence[Any], *, slots: Sequence[str]
) -> dict[int, dict[str, list[Answer]]]:
    """Request -> slot -> its answers, one for each repetition that the task asks for."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for index, request in enumerate(requests):
        if request.request_type == "generate_until":
            alike[(*_limits(request.args[1]), request.repeats or 1)].append(index)
    answers: dict[int, dict[str, list[Answer]]] = {}
    for (stop, new_tokens, temperature, repeats), indexes in alike.items():
        prompts = [requests[index].args[0] for index in indexes]
        for index in indexes:
            answers[index] = {slot: [] for slot in slots}
        for seed in range(repeats):
            said = answerer.generate(
                prompts,
                slots=slots,
                max_new_tokens=new_tokens,
                stop=stop,
                temperature=temperature,
                seed=seed,
            )
            for slot in slots:
                for index, one in zip(indexes, said[slot], strict=True):
                    answers[index][slot].append(one)
    return answers


def _check_limits(requests: Sequence[Any]) -> None:
    """What cannot be asked is an error of the task, and not one of every row."""
    for request in requests:
        if request.request_type == "generate_until":
            _limits(request.args[1])


def _limits(given: Mapping[str, Any]) -> tuple[tuple[str, ...], int, float]:
    """Where an answer ends, and how it is drawn."""
    drawn = bool(given.get("do_sample")) and float(given.get("temperature", 1.0)) > 0
    ways = {"num_beams": 1, **({"top_p": 1.0, "top_k": 0} if drawn else {})}
    odd = [key for key in given if key not in KNOWN_KEYS]
    odd += [key for key, plain in ways.items() if given.get(key, plain) != plain]
    if odd:
        raise DataError(
            f"the task asks for answers with {', '.join(odd)}, which is not done here; until, do_sample, temperature "
            f"and {NEW_TOKENS[0]} are"
        )
    until = given.get("until") or ()
    stop = (until,) if isinstance(until, str) else tuple(until)
    new_tokens = next((given[key] for key in NEW_TOKENS if key in given), DEFAULT_NEW_TOKENS)
    return stop, int(new_tokens), float(given.get("temperature", 1.0)) if drawn else 0.0


def _row(item: Item, document: Document, answers: list[list[Answer]], *, slot: str) -> Row:
    """What the task makes of the answers to one document, or why it is told nothing of them."""
    flat = [one for own in answers for one in own]
    truncated = any(one.truncated for one in flat)
    answer = _said(document, flat)[:ANSWER_CHARS]
    broken = _broken(document, flat)
    if broken:
        verdict = rounds.Verdict(error=broken)
        return rounds.row_of(item, verdict, slot=slot, answer=answer, truncated=truncated)
    try:
        metrics = _metrics(document, answers)
    except (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError) as e:
        verdict = rounds.Verdict(error=f"{type(e).__name__}: {e}"[:300])
        return rounds.row_of(item, verdict, slot=slot, answer=answer, truncated=truncated)
    told = _told(document, flat, metrics=metrics)
    value = _value(told)
    verdict = rounds.Verdict(
        value=value,
        outcome={1.0: "correct", 0.0: "wrong"}.get(value, "") if value is not None else "",
        error="" if value is not None or told.reading == "bits" else "unparsed",
        detail=told.model_dump(exclude_none=True, mode="json"),
    )
    return rounds.row_of(item, verdict, slot=slot, answer=answer, truncated=truncated)


def _broken(document: Document, answers: Sequence[Answer]) -> str:
    """Why no metric may see these answers; empty where one may."""
    likelihoods = [one.logprob for one in answers if isinstance(one, Likelihood)]
    if any(math.isnan(one) for one in likelihoods):
        return "nan"
    if any(isinstance(one, Generation) and one.num_tokens < 0 for one in answers):
        return "nan"
    if answers and all(isinstance(one, Generation) and not one.text for one in answers):
        return "empty"
    if document.instances[0].request_type == ROLLING and any(one.truncated for one in answers):
        return TOO_LONG
    return _undecided(document, likelihoods) if _chooses(document.loaded.task) else ""


def _undecided(document: Document, likelihoods: Sequence[float]) -> str:
    """Of a choice: its first index would win a tie, and a right one that is not offered would be wrong for all."""
    task, count = document.loaded.task, len(_offered(document))
    if task.get_config("process_results") is not None or getattr(task, "multiple_input", False):
        return ""
    target = task.doc_to_target(document.doc)
    golds = [_place(one, document) for one in (target if isinstance(target, list) else [target])]
    if not all(0 <= gold < count for gold in golds):
        return "no correct choice"
    own = list(likelihoods[:count])
    best = [place for place, one in enumerate(own) if one == max(own)]
    tied = len(best) > 1 and bool(set(best) & set(golds)) and not set(best) <= set(golds)
    return "tie" if tied else ""


def _place(gold: Any, document: Document) -> int:
    if isinstance(gold, str):
        offered = _offered(document)
        return offered.index(gold) if gold in offered else -1
    return int(gold)


def _metrics(document: Document, answers: list[list[Answer]]) -> dict[str, Any]:
    """What the task's own functions say; the metrics of a second filter bear its name."""
    task = document.loaded.task
    instances = [
        dataclasses.replace(
            instance,
            resps=[_as_lm_eval(one, kind=instance.request_type) for one in own],
            filtered_resps={},
        )
        for instance, own in zip(document.instances, answers, strict=True)
    ]
    for ensemble in task._filters:
        ensemble.apply(instances)
    metrics: dict[str, Any] = {}
    for number, name in enumerate(instances[0].filtered_resps):
        found = task.process_results(document.doc, [one.filtered_resps[name] for one in instances])
        metrics |= {key if number == 0 else f"{key},{name}": one for key, one in found.items()}
    return metrics


def _as_lm_eval(answer: Answer, *, kind: str) -> Any:
    if isinstance(answer, Generation):
        return answer.text
    if kind == ROLLING:
        return answer.logprob
    return answer.logprob, answer.is_greedy


def _told(document: Document, answers: Sequence[Answer], *, metrics: Mapping[str, Any]) -> Told:
    main, pooled = document.loaded.main, document.loaded.pooled
    plain = {name: raw for name, one in metrics.items() if (raw := _raw(one)) is not None}
    ways = {name: pooled.get(name.partition(",")[0], "mean") for name in plain}
    of_text: dict[str, Any] = {}
    if main.reading == "bits":
        of_text = _of_text(document, answers, metrics=plain)
    chooses = main.name.startswith("acc") and _chooses(document.loaded.task)
    return Told(
        measure=main.name,
        reading=main.reading,
        metrics=plain,
        pooled={name: way for name, way in ways.items() if way != "mean"},
        chance=1 / len(_offered(document)) if chooses else None,
        **of_text,
    )


def _of_text(
    document: Document, answers: Sequence[Answer], *, metrics: Mapping[str, Raw]
) -> dict[str, Any]:
    """A text's log-likelihood and its sizes, counted as the task counts them where it says so."""
    counted = counts_of(str(document.instances[0].args[0]))
    for name, size in (("bits_per_byte", "bytes"), ("word_perplexity", "words")):
        own = metrics.get(name)
        if isinstance(own, tuple):
            counted[size] = int(own[1])
    logprob = math.fsum(one.logprob for one in answers if isinstance(one, Likelihood))
    return {"logprob": logprob, **counted}


def _raw(given: Any) -> Raw | None:
    """A number or a few of them as JSON can hold them; None for anything else."""
    if isinstance(given, tuple | list):
        several = [_raw(one) for one in given]
        alike = len(several) == 2 and all(isinstance(one, float) for one in several)
        return tuple(one for one in several if isinstance(one, float)) if alike else None
    try:
        number = float(given)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _value(told: Told) -> float | None:
    """The main metric of the document, turned so that more is better; None where there is none yet."""
    raw = told.metrics.get(told.measure)
    if told.reading == "agreement":
        return float(raw[0] == raw[1]) if isinstance(raw, tuple) else None
    if told.reading == "bits" or not isinstance(raw, float):
        return None
    return -raw if told.reading == "negated" else raw


def _said(document: Document, answers: Sequence[Answer]) -> str:
    """What was answered, in words: the text, or the likeliest choice."""
    first = next(iter(answers), None)
    if isinstance(first, Generation):
        return first.text
    offered = _offered(document)
    own = [one.logprob for one in answers[: len(offered)] if isinstance(one, Likelihood)]
    if len(offered) < 2 or len(own) < len(offered) or any(math.isnan(one) for one in own):
        return ""
    return offered[own.index(max(own))].strip()
