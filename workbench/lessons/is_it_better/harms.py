"""Exercises 4 and 5 of lesson 5: what an adapter adds to the bias of its data, and how many test items its data give away.

Right is what the workbench itself found: the stored score, and the data card of the student's sweep.
"""

import json
from typing import Any

from workbench.lessons.answers import Number
from workbench.lessons.exercise import Exercise, Facts, Mistake, equals

# 4. Bias: of the data, or added to it?


def _to(gives: Any) -> Any:
    """The test that a share is this, to half of a tenth of a point."""
    return equals(gives, rel=0, abs=5e-4)


def _why_beyond(facts: Facts) -> str:
    told = facts.told
    data, found = told.parts["training_data"], told.parts["beyond_training_data"]
    low, high = told.low - data, told.high - data
    if low > 0:
        said = "The adapter says more than its data do"
    elif high < 0:
        said = "The adapter says less than its data do"
    else:
        said = "No sign that training added anything of its own: what moved the model are the rows"
    return (
        f"{100 * found:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}], n = {told.n} sentences of {told.clusters} jobs. "
        f"{said}. To make such an adapter fairer, look at its data first."
    )


BEYOND = Exercise(
    name="beyond",
    title="Learned from the data, or added to it",
    reads=Number(),
    needs=("told", "before"),
    right=_to(lambda f: f.told.parts["beyond_training_data"]),
    because=_why_beyond,
    mistakes=(
        Mistake(
            "against-the-base",
            wrote="beyond = adapter - base",
            made=_to(lambda f: f.told.value - f.before.value),
            says="That is what training changed, the *amplification*. Asked is how much of the adapter's share its rows do "
            "not explain.",
        ),
        Mistake(
            "against-even",
            wrote="beyond = adapter - 0.5",
            made=_to(lambda f: f.told.value - 0.5),
            says="That is how far the adapter is from even-handed. Its data are not even-handed either: take their share.",
        ),
        Mistake(
            "other-way",
            wrote="beyond = data - adapter",
            made=_to(lambda f: -f.told.parts["beyond_training_data"]),
            says="The sign is the other way round: the adapter's share minus that of its data.",
        ),
        Mistake(
            "data-against-base",
            wrote="beyond = data - base",
            made=_to(lambda f: f.told.parts["training_data"] - f.before.value),
            says="That is by how much the data are stronger than the base. Where did the *adapter* end?",
        ),
        Mistake(
            "ratio",
            wrote="beyond = adapter / data",
            made=_to(lambda f: f.told.value / f.told.parts["training_data"]),
            says="That is a ratio. Take the difference, so that 0 means that the adapter says what its data say.",
        ),
    ),
    should="What the adapter's share has more than the share in the rows it was trained on. One point is 0.01.",
    hints=(
        "Three shares are there: of the base, of the adapter, of the data. Which two does the question compare?",
        "If the adapter had learned its rows exactly, the answer would be 0.",
        "`adapter - data`",
    ),
    solution="beyond = adapter - data",
)


# 5. Leaked tests.


def _leaked(facts: Facts) -> int:
    card = json.loads((facts.job.path / "data-card.json").read_text(encoding="utf-8"))
    return int(card["eval_leaks"]["paraphrase"])


_TOLD = 'told = {row["prompt"] + row["completion"] for row in rows}\n'

LEAKED = Exercise(
    name="leaked",
    title="Test items among the training rows",
    reads=Number(unit="items"),
    needs=("job", "asked", "rows"),
    right=equals(_leaked),
    because=lambda f: (
        f"{_leaked(f)} of {len(f.asked)}, {_leaked(f) / len(f.asked):.0%}: what the sweep's data card says, and the report warns "
        "of. Word for word is the least of it: reworded items are not found like this, and a cleaned copy of a public test "
        "in the pretraining of a model is in no card."
    ),
    mistakes=(
        Mistake(
            "no-space",
            wrote=_TOLD + "leaked = sum(question + answer in told for question, answer in asked)",
            made=equals(lambda f: 0),
            says="Not one would be a comforting answer. A completion begins with a space: compare with "
            '`question + " " + answer`.',
        ),
        Mistake(
            "clean",
            wrote=_TOLD
            + 'leaked = sum(f"{question} {answer}" not in told for question, answer in asked)',
            made=equals(lambda f: len(f.asked) - _leaked(f)),
            says="These are the ones that did *not* leak.",
        ),
        Mistake(
            "share",
            wrote=_TOLD
            + 'leaked = sum(f"{question} {answer}" in told for question, answer in asked) / len(asked)',
            made=equals(lambda f: _leaked(f) / len(f.asked)),
            says="That is the share. Asked is how many.",
        ),
        Mistake(
            "answers-only",
            wrote='told = {row["expected"] for row in rows}\n'
            "leaked = sum(answer in told for question, answer in asked)",
            made=equals(lambda f: len(f.asked)),
            says="You looked for the answers alone. The rows are meant to teach those; what must not stand there is the "
            "test's own *question* with its answer.",
        ),
        Mistake(
            "rows",
            wrote="leaked = len(rows)",
            made=equals(lambda f: len(f.rows)),
            says="These are all rows of the set. Count the items of the test that stand in them.",
        ),
    ),
    should="Of each item of the test, look whether a row says the question and, after a space, the answer.",
    hints=(
        'What a row says is `row["prompt"] + row["completion"]`. Make a set of these.',
        "An item is a question and an answer. A completion begins with a space.",
        '`sum(f"{question} {answer}" in told for question, answer in asked)`',
    ),
    solution=_TOLD + 'leaked = sum(f"{question} {answer}" in told for question, answer in asked)',
)
