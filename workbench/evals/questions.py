"""The user's own rows as items: a prompt to answer, and the completion that the row gives.

Rows come as `prompt` and `completion`, as `messages`, or as `text`; each becomes one `Item` whose only choice is the
completion as it was trained, with its leading space. It asks nobody.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import DataError
from workbench.evals.context import EvalContext
from workbench.scores.matching import is_long
from workbench.scores.quality import HELD_OUT, TRAINED
from workbench.scores.task import Answerer, Item


def own_items(answerer: Answerer, context: EvalContext) -> list[Item]:
    """The held-out rows as items; the training rows, and marked as such, where none are held out."""
    tokenizer = getattr(answerer, "tokenizer", None)
    kind, rows = (HELD_OUT, context.held_out) if context.held_out else (TRAINED, context.train)
    items = [row_item(row, kind=kind, tokenizer=tokenizer) for row in rows]
    return context.chosen([item for item in items if item.expected])


def mostly_long(items: Sequence[Item]) -> bool:
    """Whether most completions are too long to be met exactly."""
    return 2 * sum(is_long(item.expected) or not item.prompt for item in items) > len(items)


def row_item(row: Mapping[str, Any], *, kind: str, tokenizer: Any = None) -> Item:
    """One row as an item."""
    if row.get("messages"):
        prompt, completion = _last_turn(row["messages"], tokenizer)
    elif isinstance(row.get("completion"), list):
        before = row["prompt"]
        turns = before if isinstance(before, list) else [{"role": "user", "content": before}]
        prompt, completion = _last_turn([*turns, *row["completion"]], tokenizer)
    elif row.get("completion") is not None:
        prompt, completion = str(row.get("prompt") or ""), str(row["completion"])
    elif row.get("text") is not None:
        prompt, completion = "", str(row["text"])
    else:
        raise DataError(
            f"a row has the columns {sorted(row)!r}; an eval needs prompt and completion, messages, or text"
        )
    return Item(
        id=str(row["id"]),
        prompt=prompt,
        expected=completion.strip(),
        choices=(completion,),
        gold=0,
        group=str(row.get("group") or ""),
        kind=kind,
    )


def _last_turn(messages: Sequence[Mapping[str, str]], tokenizer: Any) -> tuple[str, str]:
    """A chat up to its last answer, and that answer, both as the chat template writes them."""
    if messages[-1].get("role") != "assistant":
        return "", ""
    if tokenizer is None or not tokenizer.chat_template:
        raise DataError(
            "rows with messages need a tokenizer with a chat template; this one has none"
        )
    prompt = tokenizer.apply_chat_template(
        list(messages[:-1]), tokenize=False, add_generation_prompt=True
    )
    whole = tokenizer.apply_chat_template(list(messages), tokenize=False)
    answer = whole.removeprefix(prompt) if whole.startswith(prompt) else messages[-1]["content"]
    if tokenizer.bos_token and tokenizer(text="")["input_ids"][:1] == [tokenizer.bos_token_id]:
        # The tokenizer puts its own bos before every text.
        prompt = prompt.removeprefix(tokenizer.bos_token)
    return prompt, answer.rstrip().removesuffix(tokenizer.eos_token or "")
