"""The control of classifiers: the base as it is, under a head of the same shape that alone was fitted to training rows.

`fitted(answerer, rows, labels=...)` reads what the frozen base makes of some training rows and fits a linear head to it by
regularised logistic regression, without chance and to its end; `Control.tell(texts)` are its labels. What an adapter
scores above it is what the adapter adds to a linear reading of the base. It trains nothing else and scores nothing.

Shapes: N rows, D features, C classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from workbench.data.rendering import encode_text, text_to_tell
from workbench.evals.answerer import TorchAnswerer
from workbench.evals.classifying import outputs
from workbench.evals.respondents import Limit
from workbench.models.heads import own_head, without_head
from workbench.scores.task import BASE, Answerer, Classification

MOST_ROWS = 2000
"""Training rows that the head is fitted to; chosen by a hash, so that every run takes the same."""
WEIGHT = 1.0
"""Of the squared weights beside the summed loss, features having been brought to variance 1: scikit-learn's own C = 1."""
MOST_STEPS = 500
BATCH = 128
"""Rows of one pass at most."""

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Reader:
    """Says what the base makes of texts, before any head."""

    answerer: TorchAnswerer

    @property
    def is_linear(self) -> bool:
        """Whether the head is one layer, which reads a row of features for each text."""
        with self.answerer.opened(BASE) as model:
            return hasattr(own_head(model, adapter=None), "in_features")

    def features(self, texts: Sequence[str]) -> tuple[Floats, list[bool]]:
        """A row of features for each text, and whether it was cut."""
        asked = self.answerer
        place = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        encoded = [encode_text(asked.tokenizer, text, max_length=asked.context) for text in place]
        with asked.opened(BASE) as model, without_head(model):
            rows = [tuple(ids) for ids, _ in encoded]
            found = outputs(model, rows, limit=Limit(BATCH, asked.context))
        features_ND = np.asarray([found[place[text]] for text in texts], dtype=float)
        return features_ND, [encoded[place[text]][1] for text in texts]


@dataclass(frozen=True)
class Head:
    """A linear head over features brought to mean 0 and variance 1."""

    mean_D: Floats
    scale_D: Floats
    weight_DC: Floats
    bias_C: Floats

    def logprobs(self, features_ND: Floats) -> Floats:
        """The log-probability of every class."""
        standard_ND = (features_ND - self.mean_D) / self.scale_D
        found: Floats = log_softmax(standard_ND @ self.weight_DC + self.bias_C, axis=1)
        return found


@dataclass(frozen=True)
class Control:
    """The base under a fitted head."""

    reader: Reader
    head: Head
    labels: tuple[str, ...]
    num_rows: int
    """Training rows that the head was fitted to."""

    def tell(self, texts: Sequence[str]) -> list[Classification]:
        """The likeliest label of every text."""
        features_ND, cut = self.reader.features(texts)
        told = []
        for logprobs_C, is_cut in zip(self.head.logprobs(features_ND), cut, strict=True):
            logprobs = tuple(float(one) for one in logprobs_C)
            label = self.labels[int(np.argmax(logprobs_C))]
            told.append(Classification(label, logprobs, is_cut))
        return told


def fitted(
    answerer: Answerer, rows: Sequence[Mapping[str, Any]], *, labels: Sequence[str]
) -> Control | None:
    """The control, fitted to training rows; None where there are none or the base gives no numbers."""
    if not isinstance(answerer, TorchAnswerer) or not answerer.is_sound(BASE):
        return None
    reader = Reader(answerer)
    if not reader.is_linear:
        return None
    usable = [row for row in rows if row.get("label") in labels]
    by_hash = sorted(usable, key=lambda row: blake2b(str(row["id"]).encode()).digest())
    chosen = by_hash[:MOST_ROWS]
    if len({row["label"] for row in chosen}) < 2:
        return None
    features_ND, _ = reader.features([text_to_tell(row) for row in chosen])
    if not np.isfinite(features_ND).all():
        return None
    places_N = np.array([labels.index(row["label"]) for row in chosen])
    head = fit(features_ND, places_N, num_classes=len(labels))
    return Control(reader, head, tuple(labels), len(chosen))


def fit(features_ND: Floats, places_N: np.ndarray, *, num_classes: int) -> Head:
    """The head that is likeliest for these classes, its weights kept small."""
    features_ND = np.asarray(features_ND, dtype=float)
    mean_D, spread_D = features_ND.mean(0), features_ND.std(0)
    scale_D = np.where(spread_D > 1e-9, spread_D, 1.0)
    standard_ND = (features_ND - mean_D) / scale_D
    n, d = standard_ND.shape
    truth_NC = np.eye(num_classes)[places_N]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weight_DC, bias_C = flat[: d * num_classes].reshape(d, -1), flat[d * num_classes :]
        logprobs_NC = log_softmax(standard_ND @ weight_DC + bias_C, axis=1)
        apart_NC = (np.exp(logprobs_NC) - truth_NC) / n
        value = -(logprobs_NC * truth_NC).sum() / n + WEIGHT * (weight_DC**2).sum() / (2 * n)
        slope_DC = standard_ND.T @ apart_NC + WEIGHT * weight_DC / n
        return float(value), np.concatenate([slope_DC.ravel(), apart_NC.sum(0)])

    start = np.zeros((d + 1) * num_classes)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    weight_DC = found.x[: d * num_classes].reshape(d, -1)
    return Head(mean_D, scale_D, weight_DC, found.x[d * num_classes :])
