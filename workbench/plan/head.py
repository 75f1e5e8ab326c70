"""The head of a classifier in numbers: what stands in the place of the head that chooses words.

`head_numbers(shape, num_labels=...)` is what each adapter trains besides its own; `without_writing(shape)` what is left of
a model that writes. Both are as transformers builds a classifier on a causal model: one linear map without bias from
the last hidden state.
"""

from workbench.plan.shape import Shape

LABELS_UNSAID = 2
"""What transformers takes where nobody says how many labels there are."""


def head_numbers(shape: Shape, *, num_labels: int | None) -> int:
    """Numbers in the head of a classifier."""
    return shape.hidden * (num_labels or LABELS_UNSAID)


def without_writing(shape: Shape) -> int:
    """Numbers of a model without the head that chooses words; a tied one is part of the embedding."""
    if shape.tied:
        return shape.parameters
    return shape.parameters - sum(m.parameters for m in shape.every if m.kind == "head")
