"""A file of voltage and current that is open in the page, and one whose current is missing.

P quantities.
"""

import io
from collections.abc import Mapping
from typing import Any

from raphe.core.bundles.answers import prediction_json
from raphe.core.bundles.bundle import METHODS
from raphe.core.bundles.fields import shown as word_shown
from raphe.core.bundles.opened_file import Changes, OpenedFile, Taken, require_unchanged
from raphe.core.bundles.predictor import json_values
from raphe.core.bundles.view import Need, Plot, Take, View
from raphe.core.errors import SettingError
from raphe.core.figure_style import figure_pdf
from raphe.tasks.glif.ensemble.bundle import PosteriorBundle
from raphe.tasks.glif.prediction.cell_view import (
    CURRENT,
    PRIOR_DRAWS,
    VOLTAGE,
    ViewedCell,
    cell_view,
    current_plot,
    marginals,
    needing_view,
    voltage_plot,
)
from raphe.tasks.glif.prediction.infer_figure import predictive_figure, shown_cell
from raphe.tasks.glif.prediction.infer_parameters import (
    configs_json,
    parameters_csv,
    save_draws,
)
from raphe.tasks.glif.prediction.inference import ONE_AT_A_TIME, infer_cells, inferable
from raphe.tasks.glif.prediction.posterior import Posterior
from raphe.tasks.glif.recordings.cell_traces import CellTraces

UNCHANGEABLE = "parameters are inferred from the whole stretch; leave them out"
JSON, CSV, PDF, TEXT, ZIPPED = (
    "application/json", "text/csv", "application/pdf", "text/markdown", "application/octet-stream",
)  # fmt: skip
TAKES = {  # with their types
    Take("parameters.csv", "Parameters of all cells (CSV)"): CSV,
    Take("neuron_config.json", "Median neurons for AllenSDK (JSON)"): JSON,
    Take("posterior.npz", "Draws of the posteriors (NPZ)"): ZIPPED,
    Take("cell.json", "This cell (JSON)"): JSON,
    Take("predictive.pdf", "Figure of this cell (PDF)"): PDF,
}
METHODS_TAKE = Take("methods.md", "Text for the methods section")


class OpenedCells(OpenedFile):
    """Cells in memory with their posteriors, inferred as they are opened."""

    def __init__(
        self, bundle: PosteriorBundle, cells: CellTraces, name: str, n_samples: int, seed: int
    ) -> None:
        self._bundle, self._cells, self._name = bundle, cells, name
        with ONE_AT_A_TIME:
            rows, faults = inferable(cells, bundle)
            posteriors = list(infer_cells(cells, rows, bundle, n_samples, seed))
        by_row = dict(zip(rows, posteriors, strict=True))
        self._posteriors = posteriors
        self._prior = bundle.prior_draws(PRIOR_DRAWS)
        shown = [
            ViewedCell(name, cells, row, by_row.get(row), faults.get(row, ""))
            for row in range(len(cells))
        ]
        self._shown = {cell.name: cell for cell in shown}

    @property
    def n_bytes(self) -> int:
        traces = 3 * self._cells.voltage_v.nbytes  # the current, and a prediction
        return traces + sum(posterior.samples.nbytes for posterior in self._posteriors)

    def view(self, item: str | None, changes: Changes) -> View:
        require_unchanged(changes, UNCHANGEABLE)
        shown = self._cell(item)
        with ONE_AT_A_TIME:
            return cell_view(
                shown, tuple(self._shown), self._bundle, self._prior, self._takes(shown)
            )

    def plot(
        self, name: str, item: str | None, changes: Changes, span: tuple[float, float], points: int
    ) -> Plot:
        require_unchanged(changes, UNCHANGEABLE)
        shown = self._cell(item)
        with ONE_AT_A_TIME:
            if name == VOLTAGE:
                return voltage_plot(shown, span, points)
        if name == CURRENT:
            return current_plot(shown, span, points)
        of_posterior = marginals(shown.posterior, self._prior) if shown.posterior else []
        for plot in of_posterior:
            if plot.name == name:
                return plot
        raise SettingError(f"{word_shown(name)}: there is no such plot of this cell")

    def take(self, name: str, item: str | None, changes: Changes) -> Taken:
        require_unchanged(changes, UNCHANGEABLE)
        shown = self._cell(item)
        posterior = shown.posterior
        if posterior is None or name not in {take.name for take in self._takes(shown)}:
            raise SettingError(f"{word_shown(name)}: there is no such file of this cell")
        if name == METHODS_TAKE.name:
            return Taken(name, TEXT, self._bundle.bundle.file(METHODS).read_bytes())
        media_type = next(kind for take, kind in TAKES.items() if take.name == name)
        stem = self._name.rpartition(".")[0] or self._name
        return Taken(f"{stem}_{name}", media_type, self._contents(name, shown, posterior))

    def _contents(self, name: str, shown: ViewedCell, posterior: Posterior) -> bytes:
        if name == "parameters.csv":
            return parameters_csv(self._posteriors).encode()
        if name == "neuron_config.json":
            return configs_json(self._posteriors, self._is_absolute).encode()
        if name == "posterior.npz":
            content = io.BytesIO()
            save_draws(self._posteriors, content)
            return content.getvalue()
        if name == "cell.json":
            return self._json(posterior).encode()
        cell = shown_cell(posterior, self._cells, shown.row)
        with ONE_AT_A_TIME:
            return figure_pdf(lambda: predictive_figure([cell]))

    @property
    def _is_absolute(self) -> bool:
        return not self._cells.rest_added_v

    def _cell(self, item: str | None) -> ViewedCell:
        shown = next(iter(self._shown.values())) if item is None else self._shown.get(item)
        if shown is None:
            raise SettingError(f"{word_shown(item)}: there is no such cell in this file")
        return shown

    def _takes(self, shown: ViewedCell) -> list[Take]:
        if shown.posterior is None:
            return []
        has_methods = METHODS in self._bundle.manifest["files"]
        return [*TAKES, METHODS_TAKE] if has_methods else [*TAKES]

    def _json(self, posterior: Posterior) -> str:
        facts: Mapping[str, Any] = {
            "file": self._name,
            "cell": posterior.cell,
            "parameters": posterior.parameter_values(),
            "neuron_config": posterior.neuron_config(self._is_absolute),
            "unlike": posterior.unlike,
            "begin_s": posterior.begin_s,
            "length_s": posterior.length_s,
            "misfits_mv": posterior.misfits_mv,
            "n_draws": len(posterior.samples),
        }
        notes = [self._bundle.note, self._bundle.manifest["note"]]
        return prediction_json(self._bundle.bundle, notes, **json_values(facts))


class VoltageAlone(OpenedFile):
    """A voltage whose current is a file of its own, which was not sent yet."""

    def __init__(self, voltage: CellTraces, name: str, need: Need) -> None:
        self._need = need
        self._shown = ViewedCell(name, voltage, 0, None)

    @property
    def n_bytes(self) -> int:
        return 2 * self._shown.cells.voltage_v.nbytes

    def view(self, item: str | None, changes: Changes) -> View:
        require_unchanged(changes, self._need.sentence)
        return needing_view(self._shown, self._need)

    def plot(
        self, name: str, item: str | None, changes: Changes, span: tuple[float, float], points: int
    ) -> Plot:
        if name != VOLTAGE:
            raise SettingError(f"{word_shown(name)}: there is no such plot; {self._need.sentence}")
        return voltage_plot(self._shown, span, points)

    def take(self, name: str, item: str | None, changes: Changes) -> Taken:
        raise SettingError(self._need.sentence)
