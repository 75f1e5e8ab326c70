"""The Matthews correlation of told and true labels, as words."""

# ruff: noqa: TID253 - a module of evaluate is a class of its own, made when the file is read
import datasets
import evaluate

from workbench.scores.confusion import of_labels


class Matthews(evaluate.Metric):
    """The Matthews correlation of told and true labels, as words."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="The Matthews correlation of told and true labels, spaces around them aside; 0 where one label only is told.",
            citation="Gorodkin 2004",
            inputs_description="predictions: texts. references: texts.",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        return {"matthews": of_labels(references, predictions, measure="matthews")}
