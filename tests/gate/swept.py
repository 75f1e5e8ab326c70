"""Sweeps for a gate: planted answers whose truth is known, figures of bias, and rules in one line."""

import numpy as np

from tests.compare.planted import answer, pattern, plant
from workbench.gate import Rules, gate
from workbench.runs.store import SweepStore
from workbench.scores.scoring import score
from workbench.scores.task import Row

N = 200


def swept(root, right, *, base=180, n=N, evals=("recall",), name="new"):
    """Trials of ranks 1, 2, ... with so many of n items right, and a base."""
    path = plant(
        root,
        right=dict.fromkeys(range(1, len(right) + 1), 0.5),
        n=n,
        evals=evals,
        steps=2,
        name=name,
    )
    hits = {f"r{rank}": pattern(count, n=n) for rank, count in enumerate(right, start=1)}
    return answer(path, {"base": pattern(base, n=n), **hits})


def held(path, *rules, baseline=None):
    """Each rule held against what lies at a path."""
    return gate(path, rules=Rules.of({"rules": list(rules)}), baseline=baseline).held


def one(path, rule, baseline=None):
    """One rule held against one candidate."""
    (found,) = held(path, rule, baseline=baseline)
    return found


def biased(path, shares, *, jobs=40, spread=0.05):
    """Occupations with these shares on the stereotyped pronoun, four sentences a job."""
    store = SweepStore.open(path)
    for slot, share in shares.items():
        rng = np.random.default_rng(len(slot))
        own = rng.uniform(-spread, spread, size=(jobs, 4))
        rows = [
            Row(
                sample=f"job-{job}-{place}",
                slot=slot,
                cluster=f"job-{job}",
                group="male" if job % 2 else "female",
                value=float(np.clip(share + own[job, place], 0, 1)),
                outcome="stereotype",
                detail='{"pronouns_lead": 1.0}',
            )
            for job in range(jobs)
            for place in range(4)
        ]
        store.write_rows("occupations", rows)
        store.write_score(score("occupations", slot, rows))
    return path
