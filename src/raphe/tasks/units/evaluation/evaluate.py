"""What a test says of the networks and of simple classifiers on the same folds."""

import json
from dataclasses import dataclass
from functools import partial
from typing import Annotated, get_args

import numpy as np
from threadpoolctl import threadpool_limits

from raphe.core.errors import SettingError
from raphe.core.metric_names import Estimate
from raphe.core.protocol import CONCLUSION, Draw
from raphe.core.ranges import Range, check_ranges
from raphe.core.sentences import counted, listed
from raphe.core.statistics.abstention import ErrorRate
from raphe.core.statistics.calibration import Method, brier
from raphe.core.statistics.decision import Decision
from raphe.tasks.units.evaluation.control import Control, control
from raphe.tasks.units.evaluation.figures import comparison_figure, confusion_figure
from raphe.tasks.units.evaluation.tables import (
    NETWORK,
    cells_csv,
    classes_csv,
    methods_csv,
    scored_methods,
)
from raphe.tasks.units.metrics.verdicts import BALANCED, Scored, Verdicts
from raphe.tasks.units.training.cross_fit import cross_fitted
from raphe.tasks.units.training.data import UnitData
from raphe.tasks.units.training.held_out import settled
from raphe.tasks.units.training.module import UnitModule
from raphe.tasks.units.training.simple_classifiers import LOGISTIC, SIMPLE

LOGGED = (BALANCED, "accuracy", "mcc", "macro_auroc")
Artifacts = dict[str, Draw | str | float | Estimate]


@dataclass(frozen=True)
class UnitEvaluation:
    """Sums up a tested UnitModule, see `__call__`.

    Args:
        calibration: of the stated probabilities: temperature or platt.
        error_rate: wanted share of units that are called wrong; the rest is "not sure".
        simple: whether to train simple classifiers on the same folds, and report them beside.
        shuffles: how often logistic regression is trained on shuffled labels, as a control.

    Raises:
        SettingError: for settings that cannot be.
    """

    calibration: Method = "temperature"
    error_rate: ErrorRate = 0.05
    simple: bool = True
    shuffles: Annotated[int, Range(0)] = 0

    def __post_init__(self) -> None:
        if self.calibration not in get_args(Method):
            raise SettingError(
                f"evaluate.calibration={self.calibration}: expected {' or '.join(get_args(Method))}"
            )
        check_ranges(UnitEvaluation, vars(self), "evaluate")

    def __call__(self, model: UnitModule, data: UnitData) -> Artifacts:
        """Tables, figures and metrics of the test.

        Returns:
            Under `test/`: methods.csv and methods.png (every method), classes.csv (every
            class), units.csv (every unit), confusion.png; shuffled.csv with shuffles;
            decision.json, note.txt and conclusion.txt; and the network's figures as metrics.
        """
        methods = {NETWORK: Verdicts(model.probability, data.label, data.fold)}
        settings = []
        n_classes = len(data.store.classes)
        with threadpool_limits(1):  # these are small: threads would only wait for each other
            for name in SIMPLE if self.simple else ():
                probability, fitted = cross_fitted(
                    name, data.inputs, data.label, data.fold, data.layout.dims, n_classes
                )
                methods[name] = Verdicts(probability, data.label, data.fold)
                if name == LOGISTIC:
                    settings = [of_fold.settings for of_fold in fitted]
            shuffled = self._control(methods, settings, data)
        scored = scored_methods(methods, data.store.classes, data.groups)
        decision = settled(model.probability, data, self.calibration, self.error_rate)
        stated = decision.calibration(model.probability)
        contents: Artifacts = {
            CONCLUSION: _conclusion(scored, methods, shuffled, data) + "\n",
            "decision.json": json.dumps(decision.facts(), indent=2) + "\n",
            "test/methods.csv": methods_csv(methods, scored, data.store.classes, data.groups),
            "test/classes.csv": classes_csv(scored, data.store.classes),
            "test/units.csv": cells_csv(data.store, methods, stated),
            "test/methods.png": partial(comparison_figure, scored, n_classes, shuffled, data.note),
            "test/confusion.png": partial(
                confusion_figure, methods[NETWORK], data.store.classes, data.note
            ),
        }
        if shuffled is not None:
            contents["test/shuffled.csv"] = "balanced_accuracy\n" + "".join(
                f"{score:.4f}\n" for score in shuffled.scores
            )
        if data.note:
            contents["note.txt"] = f"{data.note}\n"
        return contents | _metrics(scored[NETWORK], methods[NETWORK], stated, decision, data)

    def _control(
        self, methods: dict[str, Verdicts], settings: list[dict[str, float]], data: UnitData
    ) -> Control | None:
        if not (self.shuffles and self.simple):
            return None
        return control(
            LOGISTIC,
            settings,
            data.inputs,
            data.label,
            data.fold,
            data.layout.dims,
            data.groups,
            methods[LOGISTIC].fold_balanced_accuracy,
            self.shuffles,
            seed=0,
        )


def _metrics(
    scored: list[Scored], verdicts: Verdicts, stated: np.ndarray, decision: Decision, data: UnitData
) -> Artifacts:
    figures: Artifacts = {
        f"test/cells/{figure.name}": figure.estimate for figure in scored if figure.name in LOGGED
    }
    called = decision.not_sure.decided(stated)
    wrong = called & (stated.argmax(axis=1) != data.label)
    return figures | {
        "test/cells/fold_balanced_accuracy": verdicts.fold_balanced_accuracy,
        "test/cells/brier": brier(stated, data.label),
        "test/cells/coverage": float(called.mean()),
        "test/cells/wrong_calls": float(wrong.mean()),
    }


def _conclusion(
    scored: dict[str, list[Scored]],
    methods: dict[str, Verdicts],
    shuffled: Control | None,
    data: UnitData,
) -> str:
    """What the figures come to, in sentences."""
    network = next(figure for figure in scored[NETWORK] if figure.name == BALANCED)
    estimate = network.estimate
    sees = listed(data.layout.branches)
    n_classes = len(data.store.classes)
    sentences = [
        f"{counted('unit', len(data.label))} of {counted('class', n_classes, 'classes')} ({sees}): "
        "the networks' balanced accuracy of units that they did not see is "
        f"{estimate.value:.3f} (95 % interval over {network.over} {estimate.low:.2f}–"
        f"{estimate.high:.2f}; mean of {counted('fold', data.n_folds)} "
        f"{methods[NETWORK].fold_balanced_accuracy:.3f}; chance {1 / n_classes:.2f})."
    ]
    others = {name: of for name, of in methods.items() if name != NETWORK}
    if others:
        best = max(others, key=lambda name: others[name].fold_balanced_accuracy)
        mean = others[best].fold_balanced_accuracy
        beats = mean > methods[NETWORK].fold_balanced_accuracy
        sentences.append(
            f"The best of {counted('simple classifier', len(others))}, {best}, reaches {mean:.3f}, "
            f"{'more' if beats else 'no more'} than the network."
        )
    if shuffled is not None:
        sentences.append(shuffled.sentence())
    return " ".join([*sentences, data.note]).strip()
