"""The catalog's entries for evals that tell labels: by a trained head (SEQ_CLS), or by words of a model that writes.

`HEADS` and `VERBALISED` go into `catalog.EVALS`. The two ways have evals of their own and never stand in one column. What
the tasks of GLUE and SuperGLUE are is in `glue.py`; how labels become figures in `classification.py` and `verbalised.py`.
"""

from workbench.scores.entry import EvalInfo, Measure
from workbench.scores.glue import TASKS, Task

_SAME_ROWS = "It asks the same rows as `classification`, and shows accuracy with its own interval and chance beside it. "
_CONTROL = (
    "The base is a control: its weights as they are, under a head of the same shape that alone was fitted to training "
    "rows (at most 2,000 of them, by regularised logistic regression), so that a difference from it is what the adapter "
    "adds. Where it could not be fitted the base has a head that nobody trained, is at chance by construction, and the "
    "figure says so. "
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
    "is the mean of F1 over labels, which counts a rare label as much as a common one, `matthews` the correlation of told "
    "and true labels.",
    flaws=_CONTROL
    + "Fitted to its end, that head is better trained than most: an adapter may lose to it. Where one label "
    "is common, accuracy is high without any understanding: read it beside chance, `macro_f1` and `worst_group`. "
    "Held-out rows with a label that no training row has are not asked; the data card counts them.",
)
MATTHEWS = EvalInfo(
    name="matthews",
    family="matthews",
    title="Correlation of told and true labels",
    unit="",
    better="higher",
    chance=0.0,
    task="SEQ_CLS",
    what="The Matthews correlation between the labels that the head tells and the true ones: 1 is all right, 0 what one "
    "label for every row gets, below 0 is worse than that. GLUE scores CoLA by it. "
    + _SAME_ROWS
    + "The interval is a bootstrap of the rows.",
    flaws=_CONTROL
    + "A head that tells one label only has no correlation; it counts as 0. One figure hides which label is missed: "
    "see the shares right of each.",
)
F1 = EvalInfo(
    name="f1",
    family="f1",
    title="F1 of the positive label",
    unit="share",
    better="higher",
    chance=None,
    task="SEQ_CLS",
    what="The harmonic mean of how many rows called positive are, and how many of the positive are called so. Of two "
    "labels the second is the positive one: 1 of 0 and 1, or the last that data.id2label names. GLUE scores MRPC and QQP by "
    "it. " + _SAME_ROWS + "Chance is what calling every row positive gets.",
    flaws=_CONTROL
    + "It does not look at negative rows that are told right, and depends on how common the positive label is: "
    "calling everything positive scores 0.8 where two thirds are. With more than two labels it is not asked; "
    "see macro_f1.",
)
MACRO_F1 = EvalInfo(
    name="macro_f1",
    family="macro_f1",
    title="Mean F1 over labels",
    unit="share",
    better="higher",
    chance=None,
    task="SEQ_CLS",
    what="The mean over labels of F1, so that a rare label counts as much as a common one; SuperGLUE scores CB by it. "
    + _SAME_ROWS
    + "Chance is what the commonest label for every row gets.",
    flaws=_CONTROL
    + "The F1 of a label with few rows jumps with each of them; read the interval, which is a bootstrap of the rows.",
)
HEADS = (CLASSIFICATION, MATTHEWS, F1, MACRO_F1)

_MEASURES: dict[Measure, str] = {
    "accuracy": "The share of rows for which the right word is the likelier one",
    "matthews": "The Matthews correlation between the likeliest words and the right ones; accuracy stands beside it",
    "f1": "F1 of the rows that are truly `yes`; accuracy stands beside it",
    "macro_f1": "The mean of F1 over labels; accuracy stands beside it",
}
_CHANCE: dict[Measure, str] = {
    "accuracy": "the share of the commonest label",
    "matthews": "0",
    "f1": "what saying yes to every row gets",
    "macro_f1": "what the commonest label for every row gets",
}
_WORDS_FLAWS = (
    "The question and the words are one wording of many, and figures move by points between wordings. A word that is likely "
    "anyway is told too often: see `told/`. What a model finds likelier is not what it would write. "
)
_SMALL = {
    "rte": "With 277 rows in the development set half an interval is about 6 points wide. ",
    "cb": "With 56 rows in the development set half an interval is about 13 points wide. ",
    "wsc": "With 104 rows in the development set half an interval is about 10 points wide. ",
    "copa": "With 100 rows in the development set half an interval is about 10 points wide. ",
    "wnli": "Its development set was made to mislead whoever learned its training rows by heart. ",
}


def _verbalised(name: str, task: Task) -> EvalInfo:
    asked = task.question.replace("\n", " / ")
    words = " or ".join(f"`{word}`" for word in task.words)
    if name == "copa":
        measure, chance = (
            "The share of premises after which the right choice is the likelier one",
            "a half",
        )
        words = "the two choices of its row"
    else:
        measure, chance = _MEASURES[task.measure], _CHANCE[task.measure]
    return EvalInfo(
        name=name,
        family="verbalised",
        title=task.title,
        unit="" if task.measure == "matthews" else "share",
        better="higher",
        chance=None,
        what=f"{measure}. A row is asked as `{asked}`, and {words} follows, whichever is likelier. Chance is {chance}.",
        flaws=_WORDS_FLAWS
        + _SMALL.get(name, "")
        + "Labels of the test set are not published: the development set is asked, and whoever also chose a checkpoint on it "
        "sees too good a figure.",
        file=f"one row each with {', '.join(names[0] for names in task.columns.values())} and {task.label[0]}",
    )


OWN = EvalInfo(
    name="verbalised",
    family="verbalised",
    title="Labels told as words",
    unit="share",
    better="higher",
    chance=None,
    what="The share of rows after whose text the right label, as a word, is the likeliest of all labels of the file. The "
    "text is asked as it is written, so the question belongs into it. Chance is the share of the commonest label.",
    flaws=_WORDS_FLAWS + "Labels of several tokens are unlikely for being long.",
    file="one row each with text and label",
)
VERBALISED = (*(_verbalised(name, task) for name, task in TASKS.items()), OWN)
