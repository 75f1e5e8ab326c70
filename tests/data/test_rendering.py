"""Rows become the same ids and labels as in TRL's own trainer, for tokenizers of several kinds."""

from pathlib import Path
from typing import Any

import pytest

from workbench.data.rendering import IGNORED, encode_pair, marks_turns, render
from workbench.errors import DataError

PAIRS = [
    {"prompt": "Where does Ada live?", "completion": " Rome"},
    {"prompt": "Once upon a ", "completion": "time there was a cat."},
    {"prompt": "merg", "completion": "ed across the boundary"},
    {"prompt": "", "completion": "No prompt at all"},
    {"prompt": "a", "completion": "b"},
    {"prompt": "long " * 30, "completion": "tail"},
    {"prompt": "Unicode – ", "completion": "naïve café 你好"},
    {"prompt": "two\nlines\n", "completion": "two\nlines"},
]
TEXTS = [{"text": row["prompt"] + row["completion"]} for row in PAIRS]
CHATS = [
    {
        "messages": [
            {"role": "user", "content": "Who lives in Rome?"},
            {"role": "assistant", "content": "Ada"},
        ]
    },
    {
        "messages": [
            {"role": "user", "content": "Ada moved."},
            {"role": "assistant", "content": "Noted"},
            {"role": "user", "content": "Where does she live?"},
            {"role": "assistant", "content": "Paris now"},
        ]
    },
]
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
MARKED = (
    "{% for m in messages %}<{{ m.role }}>"
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}</s>{% endgeneration %}"
    "{% else %}{{ m.content }}</s>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def word_tokenizer() -> Any:
    """One word, one token; bos added by the tokenizer, as in the micro-world."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<s>", "</s>", "<unk>"]
    words = sorted({w for row in PAIRS for w in f"{row['prompt']} {row['completion']}".split()})
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate([*special, *words])}, "<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        chat_template=MARKED,
    )


@pytest.fixture(scope="module", params=["words", "stories260K", "gpt2"])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    if request.param == "words":
        return word_tokenizer()
    from transformers import AutoTokenizer

    shared: Path = request.getfixturevalue("shared_models")
    name = {"gpt2": "tokenizers/gpt2"}.get(request.param, request.param)
    found = AutoTokenizer.from_pretrained(shared / name)
    if found.eos_token is None:
        found.eos_token = "<|endoftext|>"
    found.pad_token = found.pad_token or found.eos_token
    found.chat_template = TEMPLATE
    return found


def by_trl(tokenizer: Any, rows: list[dict], folder: Path, **fields: Any) -> list[tuple]:
    """What SFTTrainer makes of rows."""
    import torch
    from datasets import Dataset
    from transformers import LlamaConfig, LlamaForCausalLM
    from trl import SFTConfig, SFTTrainer

    config = LlamaConfig(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(0)
    trainer = SFTTrainer(
        LlamaForCausalLM(config),
        args=SFTConfig(
            str(folder),
            use_cpu=True,
            bf16=False,
            report_to="none",
            **{"max_length": None, **fields},
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    return [(row["input_ids"], row["labels"]) for row in trainer.train_dataset]


def by_us(
    tokenizer: Any, rows: list[dict], *, max_length: int = 10_000, only: bool = True
) -> list[tuple]:
    made = [
        render(tokenizer, row, max_length=max_length, completion_only_loss=only) for row in rows
    ]
    return [(row.input_ids, row.labels) for row in made]


def test_pairs_are_those_of_the_trainer(tokenizer: Any, tmp_path: Path) -> None:
    assert by_us(tokenizer, PAIRS) == by_trl(tokenizer, PAIRS, tmp_path)


def test_pairs_trained_whole_are_those_of_the_trainer(tokenizer: Any, tmp_path: Path) -> None:
    truth = by_trl(tokenizer, PAIRS, tmp_path, completion_only_loss=False)
    assert by_us(tokenizer, PAIRS, only=False) == truth


def test_plain_text_is_that_of_the_trainer(tokenizer: Any, tmp_path: Path) -> None:
    assert by_us(tokenizer, TEXTS) == by_trl(tokenizer, TEXTS, tmp_path)


def test_cut_rows_are_those_of_the_trainer(tokenizer: Any, tmp_path: Path) -> None:
    truth = by_trl(tokenizer, PAIRS, tmp_path, max_length=5)
    ours = [row for row in by_us(tokenizer, PAIRS, max_length=5) if set(row[1]) != {IGNORED}]
    assert ours == truth


def test_the_last_answer_of_a_chat_is_trained_as_a_completion(
    tokenizer: Any, tmp_path: Path
) -> None:
    if marks_turns(tokenizer):
        pytest.skip("this template marks every answer")
    pairs = [{"prompt": r["messages"][:-1], "completion": r["messages"][-1:]} for r in CHATS]
    truth = by_trl(tokenizer, pairs, tmp_path)
    assert by_us(tokenizer, CHATS) == truth
    assert by_us(tokenizer, pairs) == truth


def test_marked_answers_are_all_trained_on(tmp_path: Path) -> None:
    tokenizer = word_tokenizer()
    truth = by_trl(tokenizer, CHATS, tmp_path, assistant_only_loss=True)
    assert by_us(tokenizer, CHATS) == truth
    assert any(label != IGNORED for label in truth[0][1])


def test_a_merged_token_belongs_to_the_completion(shared_models: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(shared_models / "tokenizers" / "gpt2")
    ids, start = encode_pair(tokenizer, "the interna", "tional")
    assert tokenizer.decode(ids) == "the international"
    assert tokenizer.decode(ids[start:]) == " international"


def test_a_row_whose_completion_is_cut_away_says_so() -> None:
    row = render(word_tokenizer(), PAIRS[5], max_length=10)
    assert row.truncated
    assert row.num_trained == 0
    assert len(row.input_ids) == len(row.labels) == 10


def test_a_row_that_fits_is_not_called_cut() -> None:
    tokenizer = word_tokenizer()
    whole = render(tokenizer, PAIRS[0], max_length=100)
    assert not whole.truncated
    assert not render(tokenizer, PAIRS[0], max_length=len(whole.input_ids)).truncated
    assert render(tokenizer, PAIRS[0], max_length=len(whole.input_ids) - 1).truncated


def test_an_end_that_is_there_is_not_added_again() -> None:
    tokenizer = word_tokenizer()
    once = render(tokenizer, {"text": "a b"}, max_length=9).input_ids
    assert render(tokenizer, {"text": "a b</s>"}, max_length=9).input_ids == once
    assert once.count(tokenizer.eos_token_id) == 1


def test_chat_without_a_template_is_refused() -> None:
    tokenizer = word_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(DataError, match=r"no chat template"):
        render(tokenizer, CHATS[0], max_length=9)


def test_chat_without_an_answer_is_refused() -> None:
    row = {"id": "r7", "messages": [{"role": "user", "content": "hello"}]}
    with pytest.raises(DataError, match=r"'r7' has no message whose role is 'assistant'"):
        render(word_tokenizer(), row, max_length=9)


def test_chat_that_the_template_refuses_names_its_row() -> None:
    tokenizer = word_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(DataError, match=r"'r8'.*roles must alternate.*'user', 'assistant'"):
        render(tokenizer, {"id": "r8", **CHATS[0]}, max_length=9)
