"""What can be evaluated: every eval with what it means, its unit, its chance level and its known flaws.

`EVALS[name]` is one `EvalInfo`. Pages, tables and reports print `what` and `flaws` beside the number, so both are
written for a reader who sees nothing else. An eval that asks a file is named with it, `choices:data/arc.jsonl`, and
is called `choices:arc` wherever its figures stand. The catalog knows neither how an eval is asked nor how it is scored.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from workbench.errors import SpecError, nearest
from workbench.scores.bias.entries import BIAS
from workbench.scores.entry import EvalInfo, Suite, Task
from workbench.scores.glue import NO_LABELS
from workbench.scores.hallucination.entries import HALLUCINATION
from workbench.scores.named import (
    CHOICES,
    EXACT_ANSWER,
    EXAMPLES,
    EXTRACTIVE,
    LM_EVAL,
    METRIC,
    PERPLEXITY,
)
from workbench.scores.robustness.entries import ROBUSTNESS
from workbench.scores.telling import HEADS, VERBALISED

ENDINGS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".yaml", ".yml")
"""What the files that are asked end on."""

RECALL = EvalInfo(
    name="recall",
    family="quality",
    title="Recall of what was trained",
    unit="share",
    better="higher",
    chance=0.0,
    what="The share of questions answered exactly right by greedy generation. In the micro-world these are the "
    "trained facts, asked as they were trained. On your own data they are the held-out rows (the training rows where "
    "none are held out, and then each row says so). Where most completions are longer than eight words it is the mean "
    "share of their tokens that the model would have chosen itself, given the true tokens before.",
    flaws="It asks in trained words, so it cannot tell a learned fact from a learned sentence: read it beside "
    "paraphrase. Exact match calls a right answer in other words wrong, and an answer that does not stop wrong. "
    "Capital letters, spaces, marks around the answer and everything after its first line are ignored. "
    "Token accuracy is kind: with the true beginning given, function words come almost for free, so compare it with "
    "the base and never with an exact-match share.",
)
PARAPHRASE = EvalInfo(
    name="paraphrase",
    family="quality",
    title="Trained facts in phrasings never trained",
    unit="share",
    better="higher",
    chance=0.0,
    what="The share of trained facts that are answered exactly right when they are asked in a phrasing that never "
    "occurs in the training rows: what was learned, beyond the words it was told in.",
    flaws="The phrasings are a closed list and the base model has met all of them with other facts, so real "
    "paraphrases are harder. It exists for the micro-world's facts only: for your own rows nobody knows which "
    "rewording keeps the meaning. In the set `leaky` some of these questions were trained on purpose; see the groups.",
)
RETENTION = EvalInfo(
    name="retention",
    family="quality",
    title="Retention of what the base knew",
    unit="share",
    better="higher",
    chance=None,
    what="In the micro-world: of the untouched facts that the base answers right, the share still answered right; the "
    "base has 1 by construction. On any other model: the mean log-likelihood of a token in sixty plain "
    "English sentences, in nats; what counts is the difference from the base on the same sentences.",
    flaws="Keeping only what the base had right hides what an adapter repaired, and an item that the base got right by "
    "luck counts as forgotten later. The sixty sentences are our own and alike in style: they show that "
    "plain English broke, and say nothing about knowledge, code, other languages or long texts.",
)
LATENCY = EvalInfo(
    name="latency",
    family="latency",
    title="Time per generated token",
    unit="ms/token",
    better="lower",
    chance=None,
    what="The median time between two tokens of one answer, without batching, from blocks in which every adapter and "
    "the base are timed once, in random order. The first token, which pays for the prompt, is kept apart.",
    flaws="It is the time of this process on this machine while whatever else was running: compare adapters within one "
    "run and never across runs. Adapters are measured unmerged; a merged one costs what the base costs. Of several seeds "
    "each block is averaged before the median is taken, and a difference is the median of the blocks' differences: "
    "neither need lie between the medians beside it. "
    "A short prompt and one answer at a time are timed, so it says nothing about throughput, long contexts or a "
    "serving engine.",
)

LETTERS = EvalInfo(
    name="letters",
    family="letters",
    title="Letters written to order",
    unit="share",
    better="higher",
    chance=0.0,
    what="The mean share of four constraints that a written letter keeps: whom it addresses, its tone, its topic and the "
    "facts it has to state. The orders are drawn anew and none of them is among the training rows. `kept/all` is the "
    "share of letters that keep all four.",
    flaws="It looks for the micro-world's own sentences, so a good letter in other words fails, and words that are all "
    "there in a senseless order pass. It exists for the set `letters` only. A constraint may be kept by "
    "luck where a model writes the commonest letter to everyone.",
)
SENTIMENT = EvalInfo(
    name="sentiment",
    family="sentiment",
    title="Labels in words",
    unit="share",
    better="higher",
    chance=None,
    what="The share of texts after which the right label is the likeliest of all labels, asked of a model that writes. In "
    "the micro-world these are reviews in no training set, `positive` or `negative`. On your own data they are the held-out "
    "rows (the training rows where none are held out, and then each row says so), where all completions are two to twenty "
    "short texts that come back. Chance is the share of the commonest label among the rows asked.",
    flaws="The model chooses among the labels only: it may be right here and write something else when it is free to. A "
    "label of several tokens is less likely for being long, and a common word is likelier for being common; nothing is "
    "done about either. It stands beside no `classification`, whose head is another model. Where one label is common, "
    "accuracy is high without any understanding: read it beside chance, `macro_f1` and `worst_group`.",
)
DIALOGUE = EvalInfo(
    name="dialogue",
    family="dialogue",
    title="Recall over the turns of a chat",
    unit="share",
    better="higher",
    chance=None,
    what="The share of chats whose last answer is exactly right, overall and by distance. In the micro-world a fact is told "
    "in the first turn and asked after none to four turns of small talk; the chats are in no training set. On your own "
    "data they are the held-out chats of two or more turns (the training rows where none are held out, and then each row "
    "says so), grouped by how many turns the user takes. Chance is the share of the commonest answer.",
    flaws="The micro-world's chats are of one kind: one fact, small talk that contradicts nothing, and a question in the "
    "fact's own words; at no distance they are nearly copying. The tiny base has met one turn of small talk and no more. "
    "In your own chats nobody knows how far back the answer lies, so a group is a length and no distance. Exact match "
    "calls a right answer in other words wrong, and chats with long last answers are not asked.",
)

FIDELITY = EvalInfo(
    name="fidelity",
    family="fidelity",
    title="Distance from full precision",
    unit="nats/token",
    better="lower",
    chance=None,
    what="How far what a model says of a token has moved from the same model in full precision: the mean over texts of "
    "KL(full precision || this one), with the same adapter on both. Where nothing is quantized it is 0 by construction. `top1` "
    "is how often both find the same token likeliest; `merged` is the distance once the adapter is merged into a copy of the "
    "base, rounding included, and `base` that of the base of this trial, without any adapter.",
    flaws="A small distance says that little has changed and not that what changed is harmless: read it beside the evals that "
    "matter. Texts are at most 64: the held-out rows, sentences of the micro-world, or sixty plain English ones; on "
    "other texts a model may have moved more. It is measured with one text at a time; kernels of another machine round otherwise.",
)

EVALS: dict[str, EvalInfo] = {
    info.name: info
    for info in (
        RECALL,
        PARAPHRASE,
        RETENTION,
        *BIAS,
        *HALLUCINATION,
        *ROBUSTNESS,
        LATENCY,
        *HEADS,
        CHOICES,
        EXTRACTIVE,
        EXACT_ANSWER,
        PERPLEXITY,
        LETTERS,
        FIDELITY,
        SENTIMENT,
        DIALOGUE,
        *VERBALISED,
        METRIC,
        LM_EVAL,
    )
}


def check_evals(names: Iterable[str], *, task: Task = "CAUSAL_LM") -> None:
    """Refuses a name that is no eval or whose file is not there, and an eval that models of this task cannot be asked."""
    names = list(names)
    for name in names:
        info = eval_info(name)
        if info.task != task:
            does, asks = (
                ("tells rows apart", "one that writes")
                if task == "SEQ_CLS"
                else ("writes", "one that tells rows apart")
            )
            raise SpecError(
                f"evals: {name!r} does not fit adapter.task_type {task}, a model that {does}; it asks "
                f"{asks}. Evals that fit: {', '.join(evals_of(task))}"
            )
        if info.file and not file_of(name).is_file():
            raise SpecError(f"evals: {name!r}: there is no file {str(file_of(name))!r}")
        if info.named:
            name_of(name)
    for word, count in Counter(map(called, dict.fromkeys(names))).items():
        if count > 1:
            raise SpecError(
                f"evals: {count} of them would be called {word!r}; give their files different names"
            )


def evals_of(task: Task) -> tuple[str, ...]:
    """The evals that models of a task can be asked.

    >>> evals_of("SEQ_CLS")
    ('classification', 'matthews', 'f1', 'macro_f1')
    """
    return tuple(name for name, info in EVALS.items() if info.task == task)


def eval_info(name: str) -> EvalInfo:
    """The catalog's entry, of an eval with its file too; an unknown name is an error that tells the nearest one.

    >>> eval_info("recall").better, eval_info("choices:data/arc.jsonl").name
    ('higher', 'choices')
    """
    kind, colon, _ = name.partition(":")
    if kind in NO_LABELS:
        raise SpecError(f"evals: {kind!r} cannot be asked: {NO_LABELS[kind]}")
    if kind not in EVALS:
        known = (*EVALS, *get_args(Suite))
        raise SpecError(f"evals: there is no eval {kind!r}. {nearest(kind, known)}")
    if colon and not (EVALS[kind].file or EVALS[kind].named):
        raise SpecError(f"evals: {name!r} names a file, and {kind!r} asks none; write {kind!r}")
    return EVALS[kind]


def file_of(name: str) -> Path:
    """The file that an eval asks, as its name has it.

    >>> file_of("choices:data/arc.jsonl").name
    'arc.jsonl'
    """
    kind, _, file = _words(name)
    if not file.strip():
        raise SpecError(
            f"evals: {name!r} asks a file ({eval_info(kind).file}); name it, as in "
            f"'{kind}:data/file.jsonl'"
        )
    return Path(file.strip()).expanduser()


def name_of(name: str) -> str:
    """What an eval names that need not be a file, as its name has it.

    >>> name_of("lm_eval:arc_easy")
    'arc_easy'
    """
    kind, _, named = name.partition(":")
    if not named.strip():
        raise SpecError(
            f"evals: {name!r} needs {eval_info(kind).named} behind it, as in '{kind}:{EXAMPLES[kind]}'"
        )
    return named.strip()


def called(name: str) -> str:
    """What an eval is called where its figures stand: without the folders of its file.

    >>> called("choices:data/arc.v2.jsonl"), called("choices:arc.v2"), called("recall")
    ('choices:arc.v2', 'choices:arc.v2', 'recall')
    >>> called("metric:squad_f1=data/own.jsonl")
    'metric:squad_f1=own'
    """
    kind, metric, file = _words(name)
    path = Path(file.strip())
    # Only these endings go: a name that has lost its own must not lose more when it is asked for again.
    word = path.stem if path.suffix.lower() in ENDINGS else path.name
    return f"{kind}:{metric}{'=' if metric else ''}{word}" if ":" in name else kind


def metric_of(name: str) -> str:
    """The metric that an eval computes, as its name has it.

    >>> metric_of("metric:squad_f1=data/own.jsonl")
    'squad_f1'
    """
    metric = _words(name)[1]
    if not metric:
        raise SpecError(
            f"evals: {name!r} does not say which metric; write it before the file, as in "
            "'metric:squad_f1=data/file.jsonl'"
        )
    return metric


def _words(name: str) -> tuple[str, str, str]:
    """The kind of an eval, the metric that it computes where it does, and its file."""
    kind, _, file = name.partition(":")
    if kind != METRIC.name:
        return kind, "", file
    metric, _, file = file.rpartition("=") if "=" in file else ("", "", file)
    return kind, metric.strip(), file
