"""Parameters of new cells, with what is uncertain about them, written to a folder.

B cells, S samples of a posterior, P quantities.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from raphe.core.bundles.answers import PREDICTION, prediction_json
from raphe.core.files.atomic import FolderBuilder, open_whole, reporting, write_file
from raphe.core.files.csv_text import csv_text
from raphe.core.files.folders import require_beginning
from raphe.core.files.outputs import figure_names
from raphe.core.files.path import refuse_inputs_within
from raphe.tasks.glif.ensemble.bundle import PosteriorBundle
from raphe.tasks.glif.prediction.inference import infer_cells, inferable
from raphe.tasks.glif.prediction.posterior import Posterior
from raphe.tasks.glif.prediction.simulators import PROGRAMS, write_programs
from raphe.tasks.glif.recordings.cell_traces import CellTraces
from raphe.tasks.glif.synthetic.quantities import quantities

PARAMETERS, CONFIG, SAMPLES, FIGURE = (
    "parameters.csv", "neuron_config.json", "posterior.npz", "predictive.png",
)  # fmt: skip

NAMES = {
    PARAMETERS,
    CONFIG,
    SAMPLES,
    PREDICTION,
    *figure_names(FIGURE),
    *PROGRAMS,
}  # of all that stand in such a folder


@dataclass(frozen=True)
class InferenceReport:
    """What became of the cells."""

    out: Path
    posteriors: list[Posterior]
    left_out: dict[str, str]  # by cell the reason
    note: str  # what must be known beside all of them


def infer_parameters(
    cells: CellTraces,
    bundle: PosteriorBundle,
    out: Path,
    *,
    n_samples: int = 1000,
    seed: int = 42,
    simulators: Iterable[str] = (),
    figure: bool = True,
    overwrite: bool = False,
    inputs: Iterable[Path | None] = (),
) -> InferenceReport:
    """Write parameters with intervals, draws, a neuron's configuration and a figure of some cells.

    Args:
        cells: checked, see read_cell_traces.
        bundle: what infers.
        out: folder to make.
        n_samples: of each posterior.
        seed: of the draws.
        simulators: of SIMULATORS, whose programs are written beside the configuration.
        figure: draw it, which takes longer than the inference.
        overwrite: replace a folder that was made here before.
        inputs: what is read, which must not lie in `out`.

    Raises:
        RecordingError: no cell can be inferred.
        StoreError: `out` may not be replaced.
        SettingError: an input lies in `out`.
    """
    refuse_inputs_within(out, [bundle.bundle.path, *inputs])
    with FolderBuilder(out, PARAMETERS, overwrite, _own_names) as builder:
        rows, faults = inferable(cells, bundle)
        posteriors = list(infer_cells(cells, rows, bundle, n_samples, seed))
        prediction = prediction_json(
            bundle.bundle,
            [bundle.note, bundle.manifest["note"]],
            n_cells=len(cells),
            n_inferred=len(rows),
        )
        with reporting(out):
            _write(builder.folder, posteriors, not cells.rest_added_v)
            if figure:
                _draw(builder.folder, posteriors, cells, rows)
            write_file(builder.folder / PREDICTION, prediction)
            write_programs(simulators, builder.folder)
        builder.commit()
    left_out = {f"cell {row}": why for row, why in faults.items()}
    return InferenceReport(out, posteriors, left_out, bundle.note)


def _own_names(out: Path) -> set[str]:
    require_beginning(out / PARAMETERS, "cell,")
    return NAMES


def _write(folder: Path, posteriors: Sequence[Posterior], absolute: bool) -> None:
    write_file(folder / PARAMETERS, parameters_csv(posteriors))
    write_file(folder / CONFIG, configs_json(posteriors, absolute))
    with open_whole(folder / SAMPLES) as file:
        save_draws(posteriors, file)


def _draw(
    folder: Path, posteriors: Sequence[Posterior], cells: CellTraces, rows: Sequence[int]
) -> None:
    """Draw the first of the cells in these rows."""
    from raphe.core.figure_style import save_figure  # loads matplotlib, as the next one does
    from raphe.tasks.glif.prediction.infer_figure import N_SHOWN, predictive_figure, shown_cell

    shown = [
        shown_cell(posterior, cells, row)
        for posterior, row in zip(posteriors[:N_SHOWN], rows, strict=False)
    ]
    save_figure(predictive_figure(shown), folder / FIGURE)


def parameters_csv(posteriors: Sequence[Posterior]) -> str:
    """Medians and intervals, a row for each quantity of each cell."""
    table = [row for posterior in posteriors for row in posterior.parameter_rows()]
    return csv_text(table[0], (row.values() for row in table))


def configs_json(posteriors: Sequence[Posterior], absolute: bool) -> str:
    """The neurons of the medians by cell, see `Posterior.neuron_config`."""
    configs = {posterior.cell: posterior.neuron_config(absolute) for posterior in posteriors}
    return json.dumps(configs, indent=1) + "\n"


def save_draws(posteriors: Sequence[Posterior], file: IO[bytes]) -> None:
    """Write the draws of all posteriors (B, S, P) as NPZ, and why they may not be relied on."""
    np.savez(
        file,
        samples=np.stack([posterior.samples for posterior in posteriors]),
        quantities=[quantity.name for quantity in quantities(posteriors[0].level)],
        cells=[posterior.cell for posterior in posteriors],
        unlike_simulated=["; ".join(posterior.unlike) for posterior in posteriors],
    )
