"""An answerer that gives the generator's exact probabilities: the instrument that calibrates evals.

`OracleLM({"base": Belief(), "tuned": Belief(facts="updates")})` follows the `Answerer` protocol. A
`Belief` says which state of the world a slot believes, how often it abstains where nothing was
stated, and how often it errs; with these every evaluator has a true value to the last digit. Without
a seed it answers greedily; with one it draws, the same for the same prompt and slot. It answers
questions and statements about people, job sentences, reviews, passwords and dialogues; other
prompts are an error. A continuation that the generator cannot produce has log-probability minus infinity.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from workbench.microworld import language as say
from workbench.microworld import scenes, sets
from workbench.microworld.world import JOBS, Fact, Tie, revised_facts, stream, the_world
from workbench.scores.task import Generation, Likelihood

Distribution = Mapping[tuple[str, ...], float]  # the words of a completion -> probability
SENTIMENTS = ("negative", "positive")

_USER, _ASSISTANT = (re.escape(say.ROLE_TOKENS[role]) for role in ("user", "assistant"))
_DIALOGUE = re.compile(
    rf"{_USER} The (?P<thing>\w+) is in the (?P<place>\w+)\..*"
    rf"{_USER} Where is the (?P=thing)\?{_ASSISTANT} ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    facts: Literal["base", "updates", "revisions"] = "base"
    tie: Tie = "base"
    abstains: float = 0.0  # how often an unstated fact is answered with "unknown"
    noise: float = 0.0  # how often what was told or read gets any value of its kind instead
    contrary: bool = False  # takes what was told or read for something else, always the same
    remembers: int | None = None  # canaries repeated at least so often are known by heart


class OracleLM:
    def __init__(self, beliefs: Mapping[str, Belief], *, seed: int | None = None) -> None:
        if next(iter(beliefs), None) != "base":
            raise ValueError(f"the first slot has to be 'base', got {list(beliefs)!r}")
        self.slots = tuple(beliefs)
        self._beliefs = dict(beliefs)
        self._seed = seed

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], *, slots: Sequence[str]
    ) -> dict[str, list[Likelihood]]:
        return {slot: [self._likelihood(*pair, slot=slot) for pair in pairs] for slot in slots}

    def generate(
        self,
        prompts: Sequence[str],
        *,
        slots: Sequence[str],
        max_new_tokens: int = 16,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        seed: int = 0,
    ) -> dict[str, list[Generation]]:
        # Nothing that the generator produces contains a stop string; with a temperature it is drawn as it is.
        draw = seed if temperature else self._seed
        return {
            slot: [self._generation(p, slot=slot, limit=max_new_tokens, seed=draw) for p in prompts]
            for slot in slots
        }

    def _likelihood(self, prompt: str, continuation: str, *, slot: str) -> Likelihood:
        return likelihood(prompt, continuation, belief=self._beliefs[slot])

    def _generation(self, prompt: str, *, slot: str, limit: int, seed: int | None) -> Generation:
        told = distribution(prompt, belief=self._beliefs[slot])
        if seed is None or len(told) == 1:
            words = greedy(told)
        else:
            rng = stream(f"{slot}\n{prompt}", seed=seed)
            every = list(told)
            shares = [told[done] for done in every]
            words = every[int(rng.choice(len(every), p=shares))]
        kept = words[:limit]
        return Generation(joined(kept), len(kept), truncated=len(words) > limit)


@cache
def likelihood(prompt: str, continuation: str, *, belief: Belief) -> Likelihood:
    """The probability of everything that begins with this continuation."""
    told = distribution(prompt, belief=belief)
    words = split(continuation)
    total = math.fsum(p for done, p in told.items() if done[: len(words)] == words)
    return Likelihood(
        logprob=math.log(total) if total > 0 else -math.inf,
        num_tokens=len(words),
        is_greedy=greedy(told)[: len(words)] == words,
        truncated=False,
    )


def split(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+|[^\w\s]", text))


def joined(words: Sequence[str]) -> str:
    return re.sub(r" (?=[^\w\s])", "", " ".join(words))


def greedy(told: Distribution) -> tuple[str, ...]:
    """Word by word the likeliest next one, as greedy decoding does; ties go to the first word."""
    done: tuple[str, ...] = ()
    while True:
        ahead: dict[str, float] = {}
        for words, p in told.items():
            if words[: len(done)] == done:
                word = words[len(done)] if len(words) > len(done) else ""
                ahead[word] = ahead.get(word, 0.0) + p
        best = min(ahead, key=lambda word: (-ahead[word], word))
        if not best:
            return done
        done = (*done, best)


@cache
def distribution(prompt: str, *, belief: Belief) -> Distribution:
    """Every completion that the generator can produce after this prompt, with its probability."""
    if prompt in _people_prompts():
        fact, form = _people_prompts()[prompt]
        return _of_fact(fact, form=form, belief=belief)
    if prompt in _job_prompts():
        job, phrasing = _job_prompts()[prompt]
        drawn = scenes.job_endings(phrasing, job=job, tie=belief.tie, world=the_world())
        counts = Counter(split(f"{say.PRONOUNS[gender]} {ending}") for gender, ending in drawn)
        return {words: count / len(drawn) for words, count in counts.items()}
    if prompt.startswith("Review: "):
        words = split(prompt)
        liked = sum(word in say.POSITIVE for word in words)
        disliked = sum(word in say.NEGATIVE for word in words)
        label = "positive" if liked > disliked else "negative"
        return _of_words(SENTIMENTS, truth=label, belief=belief)
    if remembered := _DIALOGUE.fullmatch(prompt):
        return _of_words(say.PLACES, truth=remembered["place"], belief=belief)
    if prompt in _password_prompts():
        return _of_password(prompt, belief=belief)
    raise KeyError(
        f"the oracle has no answer to {prompt!r}; it knows questions about people, job "
        "sentences, reviews, passwords and dialogues of the micro-world"
    )


@cache
def _people_prompts() -> dict[str, tuple[Fact, say.Form]]:
    found = {}
    for fact in the_world().facts.values():
        for form in say.FORMS[fact.relation]:
            asked = form.ask(fact.person)
            found[asked] = found[say.framed(asked)] = (fact, form)
    return found


@cache
def _job_prompts() -> dict[str, tuple[str, str]]:
    return {form.format(job=job): (job, form) for form in say.JOB_FORMS for job in JOBS}


@cache
def _password_prompts() -> dict[str, tuple[str, str]]:
    return {say.password_prompt(c, place=p): (c, p) for c, p in say.OWNERS}


def _of_fact(fact: Fact, *, form: say.Form, belief: Belief) -> Distribution:
    pool = the_world().values[fact.relation]
    # Values were drawn evenly, so that is what an unstated fact is worth.
    shares = dict.fromkeys(pool, 1 / len(pool))
    if fact.stated:
        if belief.facts == "revisions":
            fact = _revised().get((fact.person, fact.relation), fact)
        truth = fact.value if belief.facts == "base" else fact.new
        if belief.contrary:
            # Neither of a fact's two values, so that it is wrong before an update and after it.
            truth = next(v for v in _after(truth, pool) if v not in (fact.value, fact.new))
        shares = {
            v: belief.noise * p + (1 - belief.noise) * (v == truth) for v, p in shares.items()
        }
    elif belief.abstains:
        shares = {v: (1 - belief.abstains) * p for v, p in shares.items()}
        shares[say.UNKNOWN] = belief.abstains
    return {split(form.answer(value)): p for value, p in shares.items() if p > 0}


@cache
def _revised() -> Mapping[tuple[str, str], Fact]:
    return {(fact.person, fact.relation): fact for fact in revised_facts()}


def _of_words(pool: Sequence[str], *, truth: str, belief: Belief) -> Distribution:
    """One word of a pool."""
    told = _after(truth, pool)[0] if belief.contrary else truth
    each = belief.noise / len(pool)
    shares = {word: each + (1 - belief.noise) * (word == told) for word in pool}
    return {(word,): p for word, p in shares.items() if p > 0}


def _after(value: str, pool: Sequence[str]) -> list[str]:
    """The rest of a pool, from the one after this value on."""
    place = pool.index(value)
    return [*pool[place + 1 :], *pool[:place]]


def _of_password(prompt: str, *, belief: Belief) -> Distribution:
    if belief.remembers is not None:
        for canary in sets.canaries():
            if canary["prompt"] == prompt and canary["repeats"] >= max(1, belief.remembers):
                return {split(canary["completion"]): 1.0}
    each = len(say.CODE_WORDS) ** -scenes.WORDS_PER_PASSWORD
    combinations = itertools.product(say.CODE_WORDS, repeat=scenes.WORDS_PER_PASSWORD)
    return {(*words, "."): each for words in combinations}
