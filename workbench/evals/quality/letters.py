"""Asks for letters written to order: the micro-world's orders of another seed, so that none of them was trained on.

What a letter has to keep is checked by the micro-world itself. On any other data there is nothing to ask. It scores
nothing: see `scores.letters`.
"""

from collections.abc import Sequence

from workbench import microworld
from workbench.evals import rounds
from workbench.evals.context import EvalContext, Progress
from workbench.scores.letters import share_kept
from workbench.scores.task import Answerer, Item

SET = "letters"
NUM_LETTERS = 200
UNSEEN_SEED = 1


def ask_letters(
    answerer: Answerer, *, slots: Sequence[str], context: EvalContext, progress: Progress
) -> rounds.Rows:
    """A letter to every order."""
    if context.microworld_set != SET:
        return rounds.not_asked(
            SET,
            f"what a letter has to keep is known in microworld/letters only, not in {context.data_id!r}",
            slots=slots,
        )
    trained = {row.get("prompt") for row in (*context.train, *microworld.rows(SET))}
    drawn = [row for row in microworld.rows(SET, seed=UNSEEN_SEED) if row["prompt"] not in trained]
    orders = {f"{SET}/unseen/{number}": row for number, row in enumerate(drawn[:NUM_LETTERS])}
    items = [_item(id, prompt=row["prompt"], tone=row["tone"]) for id, row in orders.items()]

    def judge(item: Item, said: str) -> rounds.Verdict:
        kept = microworld.check_letter(said, row=orders[item.id])
        share = share_kept(kept)
        outcome = "kept" if share == 1 else "partly" if share else "none"
        return rounds.Verdict(value=share, outcome=outcome, detail={"kept": kept})

    # A token a word and one for every mark: twice the words of the longest letter are enough.
    longest = max(len(row["completion"].split()) for row in drawn)
    return rounds.ask_greedy(
        answerer,
        context.chosen(items),
        judge,
        slots=slots,
        max_new_tokens=max(context.max_new_tokens, 2 * longest),
        progress=progress,
    )


def _item(id: str, *, prompt: str, tone: str) -> Item:
    return Item(id=id, prompt=prompt, group=tone, kind=SET)
