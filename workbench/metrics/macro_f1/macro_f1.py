"""The mean over labels, as words, of F1."""

# ruff: noqa: TID253 - a module of evaluate is a class of its own, made when the file is read
import datasets
import evaluate

from workbench.scores.confusion import of_labels


class MacroF1(evaluate.Metric):
    """The mean over labels, as words, of F1."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="The mean over labels of F1, over every label that is expected or told, spaces around them aside.",
            citation="",
            inputs_description="predictions: texts. references: texts.",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        return {"macro_f1": of_labels(references, predictions, measure="macro_f1")}
