"""A bundle as MLflow serves it: a row for each cell or file in, the answer on each out.

A row that cannot be answered has `error`, one sentence, in the answer's place, and stops no other:
what is raised here MLflow would answer with the numbers it was given, or with a stack of calls.
"""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from raphe.core.bundles.fields import Field
from raphe.core.bundles.predictor import BundlePredictor, load_predictor
from raphe.core.errors import RapheError

ERROR = "error"
DEFECT = "this row met a defect of raphe, which the log shows; please report it"
log = logging.getLogger(__name__)


class PyfuncBundle:
    """An opened bundle; its `fields` are the columns of a row."""

    def __init__(self, predictor: BundlePredictor) -> None:
        self.predictor = predictor

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.predictor.FIELDS

    def example(self) -> list[dict[str, Any]]:
        """Rows that `predict` takes."""
        return [self.predictor.example()]

    def predict(self, rows: object, params: object = None) -> list[dict[str, Any]]:
        """The answer on each row of a DataFrame, or of a list of values by name."""
        given = _records(rows)
        if not given:
            names = ", ".join(field.name for field in self.fields)
            return [{ERROR: f"expected rows with the columns {names}, got none of these"}]
        return [self._answer(row) for row in given]

    def _answer(self, row: object) -> dict[str, Any]:
        if not isinstance(row, Mapping):
            return {ERROR: "expected values by name in each row"}
        try:
            return self.predictor.answer(
                {str(name): value for name, value in row.items() if not _is_missing(value)}
            )
        except RapheError as error:
            return {ERROR: self.predictor.sentence(error)}
        except Exception:
            log.exception("a row met a defect")
            return {ERROR: DEFECT}


def _records(rows: Any) -> list[Any]:
    if hasattr(rows, "to_dict"):
        return rows.to_dict("records")
    if isinstance(rows, Mapping):
        return [rows]
    return list(rows) if isinstance(rows, Iterable) else []


def _is_missing(value: object) -> bool:
    """As where one row of a DataFrame has a column that another has not."""
    return value is None or (isinstance(value, float) and value != value)


def _load_pyfunc(path: Path | str) -> PyfuncBundle:  # the name that MLflow looks for
    return PyfuncBundle(load_predictor(path))
