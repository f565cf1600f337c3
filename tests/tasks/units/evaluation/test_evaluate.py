import csv
import io

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from raphe.core.errors import SettingError
from raphe.core.metric_names import Estimate
from raphe.tasks.units.evaluation import evaluate
from raphe.tasks.units.evaluation.evaluate import UnitEvaluation
from raphe.tasks.units.metrics.names import names
from raphe.tasks.units.metrics.verdicts import Groups, Verdicts, scores
from raphe.tasks.units.training.data import UnitData
from raphe.tasks.units.training.module import UnitModule
from raphe.tasks.units.training.simple_classifiers import LOGISTIC, NEAREST


@pytest.fixture(scope="module")
def contents(unit_data: UnitData) -> dict[str, object]:
    module = UnitModule(members=1, hidden=3, **unit_data.facts)
    rng = np.random.default_rng(0)
    first = np.clip(1 - unit_data.label + rng.normal(0, 0.45, 40), 0.01, 0.99)
    module.probability = np.stack([first, 1 - first], axis=1)
    with pytest.MonkeyPatch.context() as patch:  # the quick ones stand for all
        patch.setattr(evaluate, "SIMPLE", (LOGISTIC, NEAREST))
        return UnitEvaluation(shuffles=9)(module, unit_data)


def test_every_method_stands_in_the_table_beside_the_network(contents: dict[str, object]) -> None:
    rows = list(csv.DictReader(io.StringIO(str(contents["test/methods.csv"]))))
    balanced = {row["method"]: row for row in rows if row["figure"] == "balanced_accuracy"}
    assert len(balanced) == 3 and balanced["network"]["less_network"] == ""
    assert float(balanced["logistic regression"]["less_network"]) > 0
    assert balanced["network"]["interval"] == "5 animals"
    assert {row["class"] for row in csv.DictReader(
        io.StringIO(str(contents["test/classes.csv"])))} == {"narrow", "wide"}  # fmt: skip
    assert len(str(contents["test/units.csv"]).splitlines()) == 41


def test_the_conclusion_says_what_won_the_control_and_the_leak(
    contents: dict[str, object],
) -> None:
    text = str(contents["conclusion.txt"])
    assert "40 units of 2 classes (waveform, isi and acg)" in text
    assert "more than the network" in text and "no more than the network" not in text
    assert "With labels shuffled by animal, 9 times, logistic regression reaches 0." in text
    assert "other units of the same animals were trained on" in text


def test_metrics_are_named_and_have_intervals(contents: dict[str, object]) -> None:
    metrics = {name: value for name, value in contents.items() if name.startswith("test/cells/")}
    assert not [name for name in metrics if name not in names()]
    assert isinstance(metrics["test/cells/balanced_accuracy"], Estimate)
    assert 0 <= metrics["test/cells/coverage"] <= 1


def test_the_balanced_accuracy_is_scikit_learn_s_and_the_folds_mean_is_of_each() -> None:
    rng = np.random.default_rng(1)
    label, fold = rng.integers(0, 3, 90), np.arange(90) % 5
    verdicts = Verdicts(rng.dirichlet(np.ones(3), 90), label, fold)
    scored = {figure.name: figure for figure in scores(verdicts, "ABC", Groups("cell"))}
    expected = balanced_accuracy_score(label, verdicts.predicted)
    assert scored["balanced_accuracy"].estimate.value == pytest.approx(expected)
    of_folds = [balanced_accuracy_score(label[fold == n], verdicts.predicted[fold == n])
                for n in range(5)]  # fmt: skip
    assert verdicts.fold_balanced_accuracy == pytest.approx(np.mean(of_folds))


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(SettingError, match=r"evaluate\.shuffles=-1"):
        UnitEvaluation(shuffles=-1)
    with pytest.raises(SettingError, match=r"evaluate\.calibration=isotonic"):
        UnitEvaluation(calibration="isotonic")  # type: ignore[arg-type]
