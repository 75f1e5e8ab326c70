"""The share of labels, as words, that are the right ones."""

# ruff: noqa: TID253 - a module of evaluate is a class of its own, made when the file is read
import datasets
import evaluate

from workbench.scores.confusion import of_labels


class Accuracy(evaluate.Metric):
    """The share of labels, as words, that are the right ones."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="The share of labels that are the right ones, spaces around them aside.",
            citation="",
            inputs_description="predictions: texts. references: texts.",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        return {"accuracy": of_labels(references, predictions, measure="accuracy")}
