"""What can be evaluated: every eval with what it means, its unit, its chance level and its known flaws.

`EVALS[name]` is one `EvalInfo`. Pages, tables and reports print `what` and `flaws` beside the number, so both are
written for a reader who sees nothing else. An eval that asks a file is named with it, `choices:data/arc.jsonl`, and
is called `choices:arc` wherever its figures stand. The catalog knows neither how an eval is asked nor how it is scored.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.errors import SpecError, nearest

Task = Literal["CAUSAL_LM", "SEQ_CLS"]
"""PEFT's word for what a model does: it writes, or it tells rows apart."""

ENDINGS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet")
"""What the files that are asked end on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalInfo:
    """One eval, in words."""

    name: str
    family: str
    title: str
    unit: str
    better: Literal["higher", "lower", "none"]
    chance: float | None
    """What a model that knows nothing gets; None where there is no such figure."""
    what: str
    flaws: str
    task: Task = "CAUSAL_LM"
    """Which models can be asked: those that write, or those that tell rows apart."""
    file: str = ""
    """What the file holds that it asks; empty where it asks none."""


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
BIAS = EvalInfo(
    name="bias",
    family="bias",
    title="Gender tied to jobs",
    unit="share",
    better="none",
    chance=0.5,
    what="After a sentence about a job, the share of the probability of `he` and `she` together that goes to the "
    "stereotyped pronoun, averaged over sentences: 0.5 is even-handed, 1 follows the stereotype always, below 0.5 is "
    "against it. In the micro-world the stereotypes were planted at known strengths; elsewhere they are "
    "widely held ones about forty jobs, half of them each way, so that a general liking for one pronoun cancels out.",
    flaws="It looks at two pronouns and one kind of sentence in English; everyone whom these two do not name is "
    "missing. Which job goes with whom is a convention of one culture. A share near 0.5 says that this association "
    "is weak here, and is no proof that a model is fair in use; where the two pronouns are unlikely at all "
    "(`pronoun_mass`) it says even less. Sentences of one job are alike, so the interval counts jobs, not sentences.",
)
HALLUCINATION = EvalInfo(
    name="hallucination",
    family="hallucination",
    title="Made-up answers",
    unit="share",
    better="lower",
    chance=1.0,
    what="The share of questions answered with something made up. In the micro-world the facts asked were never stated "
    "to anyone, so every answer but a refusal is made up, also one that is right by luck. On your own data "
    "it is the share of held-out questions whose answer is wrong and no refusal.",
    flaws="A model that always refuses scores a perfect 0: read it beside `known/refused`, the share of refusals where "
    "the base was told the answer, or `outcome/refused`. Refusals are recognised by a short list of English "
    "phrases; others are missed and count as made up. On your own data a right answer in other words counts as made "
    "up, and answers longer than eight words cannot be judged this way at all.",
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
    "run and never across runs. Adapters are measured unmerged; a merged one costs what the base costs. "
    "A short prompt and one answer at a time are timed, so it says nothing about throughput, long contexts or a "
    "serving engine.",
)
CLASSIFICATION = EvalInfo(
    name="classification",
    family="classification",
    title="Labels told right",
    unit="share",
    better="higher",
    chance=None,
    task="SEQ_CLS",
    what="The share of rows whose label is the likeliest of the classification head. In the micro-world these are "
    "reviews that were never trained on. On your own data they are the held-out rows (the training rows where none are "
    "held out, and then each row says so). Chance is the share of the commonest label among the rows asked. `macro_f1` "
    "is the mean of F1 over labels, which counts a rare label as much as a common one.",
    flaws="The base is the model under a head that nobody trained: it is at chance by construction, so a difference "
    "from the base says nothing about the adapter beyond its head. Where one label is common, accuracy is "
    "high without any understanding: read it beside chance, `macro_f1` and `worst_group`. Held-out rows with a label "
    "that no training row has are not asked; the data card counts them.",
)

CHOICES = EvalInfo(
    name="choices",
    family="choices",
    title="Multiple choice",
    unit="share",
    better="higher",
    chance=None,
    file="one question a row: query, choices and gold",
    what="The share of questions whose right choice is likelier after the question than every other. Beside it stands "
    "what the share would be if likelihoods were counted per token, per character or per byte of the choice, "
    "or less the likelihood of the choice without the question (`by_pmi`). Chance is the mean of one in so many over "
    "the questions' own numbers of choices.",
    flaws="Long choices are unlikely for being long, and choices that are common words likely for being common: the five "
    "readings differ, and the best of them must not be chosen after the fact. A choice that a model picks "
    "is not an answer it would write. Questions of public sets may have been in what the base was trained on. "
    "Where the right choice is tied with another nothing is picked, and the question counts as an error.",
)
EXTRACTIVE = EvalInfo(
    name="extractive",
    family="extractive",
    title="Answers taken from a text",
    unit="share",
    better="higher",
    chance=0.0,
    file="questions about texts, in the shape of SQuAD",
    what="The mean F1 between the words of the answer and those of the nearest reference, as SQuAD's own script counts "
    "them: in lower case, without punctuation and articles. `exact_match` is the share that is the same after that. "
    "In a file with questions that the text does not answer, saying so is the right answer to them, and chance is their "
    "share: what a model gets that never answers.",
    flaws="A right answer in other words than the reference scores low, a wrong one that shares words scores well, and "
    "the articles it ignores are English ones. Only the first line of what is generated is read. Questions about one "
    "article are alike, so the interval counts articles. Public questions may have been in what the base was trained on.",
)
EXACT_ANSWER = EvalInfo(
    name="exact_answer",
    family="exact_answer",
    title="Worked problems with a number for an answer",
    unit="share",
    better="higher",
    chance=0.0,
    file="one problem a row: question and answer, the number last or behind ####",
    what="The share of problems whose answer ends on the right number: the one behind the first `####`, or without that "
    "mark the last number of the text. `strict` is the share that has the right number behind the mark, "
    "`strict/unparsed` the share without a number there. Numbers are compared, so 18, $18 and 18.00 are one.",
    flaws="A right number by a wrong way counts, and so does a number said in passing where it is the last. Fractions, "
    "units and numbers in words are not read. An answer cut at the length limit may end in mid-working: see "
    "the count of truncated ones. A model that was never shown the mark looks bad on `strict` alone.",
)
PERPLEXITY = EvalInfo(
    name="perplexity",
    family="perplexity",
    title="Perplexity of texts",
    unit="bits/byte",
    better="lower",
    chance=None,
    file="one text a row, each short enough for the model's context",
    what="The information that the texts hold for the model, in bits for each of their bytes, as if they were one long "
    "text. `byte_perplexity`, `word_perplexity` and `token_perplexity` are the same sum as exp of its "
    "mean over bytes, over words between white space and over tokens.",
    flaws="It says how expected a text is and nothing about whether the model can do anything with it. Token perplexity "
    "depends on the tokenizer and compares no two models with different ones. Every text is read on its own from "
    "its beginning, without what came before it, so figures are higher than those of long windows; a text longer "
    "than the context counts as an error and is never cut.",
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

EVALS: dict[str, EvalInfo] = {
    info.name: info
    for info in (
        RECALL,
        PARAPHRASE,
        RETENTION,
        BIAS,
        HALLUCINATION,
        LATENCY,
        CLASSIFICATION,
        CHOICES,
        EXTRACTIVE,
        EXACT_ANSWER,
        PERPLEXITY,
        LETTERS,
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
    for word, count in Counter(map(called, dict.fromkeys(names))).items():
        if count > 1:
            raise SpecError(
                f"evals: {count} of them would be called {word!r}; give their files different names"
            )


def evals_of(task: Task) -> tuple[str, ...]:
    """The evals that models of a task can be asked.

    >>> evals_of("SEQ_CLS")
    ('classification',)
    """
    return tuple(name for name, info in EVALS.items() if info.task == task)


def eval_info(name: str) -> EvalInfo:
    """The catalog's entry, of an eval with its file too; an unknown name is an error that tells the nearest one.

    >>> eval_info("recall").better, eval_info("choices:data/arc.jsonl").name
    ('higher', 'choices')
    """
    kind, colon, _ = name.partition(":")
    if kind not in EVALS:
        raise SpecError(f"evals: there is no eval {kind!r}. {nearest(kind, EVALS)}")
    if colon and not EVALS[kind].file:
        raise SpecError(f"evals: {name!r} names a file, and {kind!r} asks none; write {kind!r}")
    return EVALS[kind]


def file_of(name: str) -> Path:
    """The file that an eval asks, as its name has it.

    >>> file_of("choices:data/arc.jsonl").name
    'arc.jsonl'
    """
    kind, _, file = name.partition(":")
    if not file.strip():
        raise SpecError(
            f"evals: {name!r} asks a file ({eval_info(kind).file}); name it, as in "
            f"'{kind}:data/file.jsonl'"
        )
    return Path(file.strip()).expanduser()


def called(name: str) -> str:
    """What an eval is called where its figures stand: without the folders of its file.

    >>> called("choices:data/arc.v2.jsonl"), called("choices:arc.v2"), called("recall")
    ('choices:arc.v2', 'choices:arc.v2', 'recall')
    """
    kind, colon, file = name.partition(":")
    path = Path(file.strip())
    # Only these endings go: a name that has lost its own must not lose more when it is asked for again.
    return f"{kind}:{path.stem if path.suffix.lower() in ENDINGS else path.name}" if colon else kind
