"""The independent peer of benchmarks: plain transformers and PEFT, one text at a time, with nothing of ours in between.

`Plain(model_folder, adapter_folder)` reads log-likelihoods and writes answers in the most straightforward way; tests build
the benchmark's own arithmetic on it, from the benchmark's own file.
"""

from pathlib import Path

import torch


class Plain:
    """A model folder, with a PEFT folder on it where one is given."""

    def __init__(self, model: Path, adapter: Path | None = None) -> None:
        from peft import PeftModel
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(model)
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        self.model = loaded if adapter is None else PeftModel.from_pretrained(loaded, adapter)
        self.model.eval()
        self._seen: dict[str, tuple[list[int], torch.Tensor]] = {}

    def ids(self, text: str) -> list[int]:
        """A text's tokens, as the tokenizer gives them; behind the beginning of a text where it adds none."""
        ids = self.tokenizer(text)["input_ids"]
        bos = self.tokenizer.bos_token_id
        start = bos if bos is not None else self.tokenizer.eos_token_id
        return ids if ids[:1] == [start] or start is None else [start, *ids]

    @torch.no_grad()
    def token_logprobs(self, text: str) -> tuple[list[int], torch.Tensor]:
        """The tokens of a text, and the log-probability of each after the first."""
        if text not in self._seen:
            ids = self.ids(text)
            logits = self.model(input_ids=torch.tensor([ids])).logits[0, :-1].double()
            told = logits.log_softmax(-1)[torch.arange(len(ids) - 1), torch.tensor(ids[1:])]
            self._seen[text] = ids, told
        return self._seen[text]

    def logprob(self, prompt: str, continuation: str) -> float:
        """The log-likelihood of a continuation: of the tokens that the joint text has beyond those it shares with the prompt's."""
        ids, told = self.token_logprobs(prompt + continuation)
        alone = self.ids(prompt)
        shared = 0
        while shared < min(len(alone), len(ids) - 1) and alone[shared] == ids[shared]:
            shared += 1
        return float(told[max(shared, 1) - 1 :].sum())

    def num_tokens(self, text: str) -> int:
        """How many tokens of a text are judged."""
        return len(self.token_logprobs(text)[0]) - 1

    @torch.no_grad()
    def greedy(self, prompt: str, *, max_new_tokens: int = 16) -> str:
        """The likeliest answer, token by token, up to the end token."""
        ids, written = self.ids(prompt), []
        for _ in range(max_new_tokens):
            best = int(self.model(input_ids=torch.tensor([ids + written])).logits[0, -1].argmax())
            if best == self.tokenizer.eos_token_id:
                break
            written.append(best)
        return self.tokenizer.decode(written, skip_special_tokens=True).strip()
