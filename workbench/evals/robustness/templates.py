"""Asks every question in all templates of a set: ten phrasings of a fact in the micro-world, else six frames around it.

A row's kind is its template and its group the set that its item is asked in: the phrasings of one relation, or the frames.
It scores nothing: see `scores.robustness.templates`.
"""

from collections.abc import Mapping, Sequence

from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.evals.robustness.asked import Question, Task, task_of
from workbench.microworld import language as say
from workbench.scores.task import Answerer, Item

FRAMES: Mapping[str, str] = {
    "plain": "{q}",
    "new-line": "{q}\n",
    "question-answer": "Question: {q}\nAnswer:",
    "q-a": "Q: {q}\nA:",
    "please": "Please answer: {q}\n",
    "answer-is": "{q} The answer is:",
}
HALF_FRAMES: Mapping[str, str] = {
    "plain": "{q}",
    "sentence": "Sentence: {q}",
    "one-more": "Here is one more sentence. {q}",
    "read": "She read aloud:\n{q}",
    "story": "This is how it was. {q}",
    "complete": "Write the sentence to its end.\n{q}",
}
"""A half of a sentence has to stand last, so that what follows continues it."""


def ask_templates(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """Every question in every template."""
    task = task_of(answerer, context)
    return task.ask(answerer, in_templates(task), slots=slots, context=context, progress=progress)


def in_templates(task: Task) -> list[Item]:
    """Every question of a task in every template of its set."""
    if task.of_microworld:
        return [item for question in task.questions for item in _phrased(question)]
    name, frames = ("halves", HALF_FRAMES) if task.by_likelihood else ("frames", FRAMES)
    return [
        question.put(frame.format(q=question.text), kind=kind, group=name)
        for question in task.questions
        for kind, frame in frames.items()
    ]


def _phrased(question: Question) -> list[Item]:
    fact = question.item
    return [
        question.put(form.ask(fact.cluster), kind=form.id, group=fact.group)
        for form in say.FORMS[fact.group]
    ]
