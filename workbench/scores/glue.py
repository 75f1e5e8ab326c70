"""The tasks of GLUE and SuperGLUE: their columns, how a model that writes is asked, and the measure that each is scored by.

`TASKS["rte"]` says which columns a file has, the words around them, the word for each label and how files spell it. The
questions and words are those of lm-eval, so that figures can be laid beside its own. What has no labels to tell is in
`NO_LABELS`, with the reason. It reads no file and asks nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.scores.entry import Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One label: the word that stands for it, and how files spell it."""

    word: str
    spelled: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One task, as it is asked and scored."""

    title: str
    columns: Mapping[str, tuple[str, ...]]
    """Our word in the question -> the columns it may stand in; the first that a file has is taken."""
    question: str
    answers: tuple[Answer, ...] = ()
    """In the order of the published classes; empty where every row brings choices of its own."""
    label: tuple[str, ...] = ("label",)
    measure: Measure = "accuracy"
    positive: str = ""
    """The word whose F1 is meant."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Where the columns stand in the published file, when that has no header line."""

    @property
    def words(self) -> tuple[str, ...]:
        """What a model may answer."""
        return tuple(answer.word for answer in self.answers)


def _answers(*pairs: tuple[str, str]) -> tuple[Answer, ...]:
    """A word and the spellings of its label, for each class in order; its number is one of them."""
    return tuple(
        Answer(word=word, spelled=(str(number), *spelled.split()))
        for number, (word, spelled) in enumerate(pairs)
    )


_NO_YES = _answers(("no", "false"), ("yes", "true"))
_TWO_SENTENCES = {
    "sentence1": ("sentence1", "#1 String"),
    "sentence2": ("sentence2", "#2 String"),
}
_PREMISE = {"premise": ("premise", "sentence1"), "hypothesis": ("hypothesis", "sentence2")}

TASKS: dict[str, Task] = {
    "cola": Task(
        title="CoLA, is a sentence well formed",
        columns={"sentence": ("sentence", "text")},
        question="{sentence}\nQuestion: Does this sentence make sense?\nAnswer:",
        answers=_answers(("no", "unacceptable"), ("yes", "acceptable")),
        measure="matthews",
        places={"sentence": "#4", "label": "#2"},
    ),
    "sst2": Task(
        title="SST-2, the sentiment of a sentence",
        columns={"sentence": ("sentence", "text")},
        question="{sentence}\nQuestion: Is this sentence positive or negative?\nAnswer:",
        answers=_answers(("negative", "negative"), ("positive", "positive")),
    ),
    "mrpc": Task(
        title="MRPC, do two sentences mean the same",
        columns=_TWO_SENTENCES,
        question="Sentence 1: {sentence1}\nSentence 2: {sentence2}\n"
        "Question: Do both sentences mean the same thing?\nAnswer:",
        answers=_answers(("no", "not_equivalent"), ("yes", "equivalent")),
        label=("label", "Quality"),
        measure="f1",
        positive="yes",
    ),
    "qqp": Task(
        title="QQP, do two questions ask the same",
        columns={"question1": ("question1",), "question2": ("question2",)},
        question="Question 1: {question1}\nQuestion 2: {question2}\n"
        "Question: Do both questions ask the same thing?\nAnswer:",
        answers=_answers(("no", "not_duplicate"), ("yes", "duplicate")),
        label=("label", "is_duplicate"),
        measure="f1",
        positive="yes",
    ),
    "mnli": Task(
        title="MNLI, does a sentence follow from another",
        columns=_PREMISE,
        question="{premise}\nQuestion: {hypothesis} True, False or Neither?\nAnswer:",
        answers=_answers(
            ("True", "entailment"), ("Neither", "neutral"), ("False", "contradiction")
        ),
        label=("gold_label", "label"),
    ),
    "qnli": Task(
        title="QNLI, does a sentence answer a question",
        columns={"question": ("question",), "sentence": ("sentence",)},
        question="{question}\n{sentence}\nQuestion: Does this response answer the question?\nAnswer:",
        answers=_answers(("yes", "entailment"), ("no", "not_entailment")),
    ),
    "rte": Task(
        title="RTE, does a sentence follow from another",
        columns={
            "sentence1": ("sentence1", "premise"),
            "sentence2": ("sentence2", "hypothesis"),
        },
        question="{sentence1}\nQuestion: {sentence2} True or False?\nAnswer:",
        answers=_answers(("True", "entailment"), ("False", "not_entailment")),
    ),
    "wnli": Task(
        title="WNLI, whom a pronoun means",
        columns=_TWO_SENTENCES,
        question="{sentence1}\nQuestion: {sentence2} True or False?\nAnswer:",
        answers=_answers(("False", "not_entailment"), ("True", "entailment")),
    ),
    "boolq": Task(
        title="BoolQ, questions with yes or no for an answer",
        columns={"passage": ("passage",), "question": ("question",)},
        question="{passage}\nQuestion: {question}?\nAnswer:",
        answers=_NO_YES,
        label=("label", "answer"),
    ),
    "cb": Task(
        title="CB, does a clause follow from a text",
        columns=_PREMISE,
        question="{premise}\nQuestion: {hypothesis}. True, False, or Neither?\nAnswer:",
        answers=_answers(
            ("True", "entailment"), ("False", "contradiction"), ("Neither", "neutral")
        ),
        measure="macro_f1",
    ),
    "copa": Task(
        title="COPA, the likelier cause or effect",
        columns={
            "premise": ("premise",),
            "choice1": ("choice1",),
            "choice2": ("choice2",),
            "question": ("question",),
        },
        question="{premise} {link}",
    ),
    "multirc": Task(
        title="MultiRC, is an answer to a question right",
        columns={
            "paragraph": ("paragraph",),
            "question": ("question",),
            "answer": ("answer",),
        },
        question="{paragraph}\nQuestion: {question}\nAnswer: {answer}\nIs the answer correct?",
        answers=_NO_YES,
        measure="f1",
        positive="yes",
    ),
    "wic": Task(
        title="WiC, is a word meant alike in two sentences",
        columns={"word": ("word",), "sentence1": ("sentence1",), "sentence2": ("sentence2",)},
        question="Sentence 1: {sentence1}\nSentence 2: {sentence2}\n"
        "Question: Is the word '{word}' used in the same way in the two sentences above?\nAnswer:",
        answers=_NO_YES,
    ),
    "wsc": Task(
        title="WSC, whom a pronoun means",
        columns={"text": ("text",), "noun": ("span1_text",), "pronoun": ("span2_text",)},
        question="Passage: {text}\nQuestion: In the passage above, does the pronoun "
        '"*{pronoun}*" refer to "*{noun}*"?\nAnswer:',
        answers=_NO_YES,
    ),
}

COPA_LINKS = {"cause": "because", "effect": "therefore"}
"""What stands between a premise of COPA and its choices."""

NO_LABELS = {
    "stsb": "STS-B asks how alike two sentences are on a scale from 0 to 5: there are no labels to tell, and "
    "Pearson and Spearman correlations of written numbers are not supported",
    "record": "ReCoRD asks for a name out of a text, and has no labels to tell; 'extractive' asks for answers out of a text",
}
"""Tasks that are not asked, and why."""
