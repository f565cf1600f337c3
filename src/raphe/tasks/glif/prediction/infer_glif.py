"""Parameters of new cells, with what is uncertain about them, written to a folder.

B cells, S samples of a posterior, P quantities.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import rc_context

from raphe.core.errors import RecordingError
from raphe.core.figure_style import STYLE
from raphe.core.files.atomic import FolderBuilder, reporting
from raphe.core.files.csv_text import csv_text
from raphe.core.progress import progress
from raphe.tasks.glif.ensemble.bundle import PosteriorBundle
from raphe.tasks.glif.neurons.neuron_config import NATIVE_DT_S, to_config
from raphe.tasks.glif.prediction.infer_figure import N_SHOWN, Shown, predictive_figure
from raphe.tasks.glif.prediction.input_check import CellTraces, as_read, faults
from raphe.tasks.glif.synthetic.quantities import REST, neurons_of, quantities

PARAMETERS, CONFIG, SAMPLES, FIGURE = (
    "parameters.csv", "neuron_config.json", "posterior.npz", "predictive.png",
)  # fmt: skip
LEVELS = (50, 80, 95)
AT_ONCE = 64  # cells


@dataclass(frozen=True)
class Posterior:
    """Of one cell."""

    cell: str
    samples: np.ndarray  # float64 (S, P), SI units; the rest relative where the voltage was
    unlike: list[str]  # what no simulated trace has
    begin_s: float  # of the stretch that was read
    length_s: float

    @property
    def median(self) -> np.ndarray:
        return np.median(self.samples, axis=0)


@dataclass(frozen=True)
class Summary:
    """What became of the cells."""

    out: Path
    posteriors: list[Posterior]
    left_out: dict[str, str]  # cell: why


def infer_glif(
    cells: CellTraces,
    bundle: PosteriorBundle,
    out: Path,
    *,
    n_samples: int = 1000,
    seed: int = 42,
    overwrite: bool = False,
) -> Summary:
    """Write parameters with intervals, draws, a neuron's configuration and a figure of some cells.

    Args:
        cells: checked, see read_cell_traces.
        bundle: what infers.
        out: folder to make.
        n_samples: of each posterior.
        seed: of the draws.
        overwrite: replace a folder that was made here before.

    Raises:
        RecordingError: no cell can be inferred.
        StoreError: `out` may not be replaced.
    """
    wrong = faults(cells)
    good = [row for row in range(len(cells)) if row not in wrong]
    if not good:
        raise RecordingError(f"expected a cell that can be inferred, got none: {wrong[0]}")
    with FolderBuilder(out, PARAMETERS, overwrite) as builder:
        done = list(_infer(cells, good, bundle, n_samples, seed))
        with reporting(out):
            _write(builder.folder, done, cells, good, bundle.level)
        builder.commit()
    return Summary(out, done, {f"cell {row}": why for row, why in wrong.items()})


def _infer(
    cells: CellTraces, good: Sequence[int], bundle: PosteriorBundle, n_samples: int, seed: int
) -> Iterator[Posterior]:
    parts = [good[i : i + AT_ONCE] for i in range(0, len(good), AT_ONCE)]
    for rows in progress(parts, "Inferring"):
        part = CellTraces(cells.voltage_v[rows], cells.current_a[rows], cells.rate_hz)
        traces, rate_hz, begins_s = as_read(part, bundle.longest_s)
        inferred = bundle.infer(traces, rate_hz, n_samples, seed)
        for i, row in enumerate(rows):
            samples = inferred.samples[:, i]
            samples[:, REST] -= cells.rest_added_v
            yield Posterior(
                f"cell {row}",
                samples,
                inferred.unlike[i],
                float(begins_s[i]),
                traces.shape[2] / rate_hz,
            )


def parameter_rows(one: Posterior, level: int) -> list[dict[str, str]]:
    """A row for each quantity: its posterior's median and intervals, in SI and in lab units."""
    rows = []
    for at, quantity in enumerate(quantities(level)):
        row = {"cell": one.cell, "quantity": quantity.name, "lab_unit": quantity.lab_unit}
        ends = {"median": 50.0}
        for interval in LEVELS:
            ends |= {f"low_{interval}": 50 - interval / 2, f"high_{interval}": 50 + interval / 2}
        values = np.percentile(one.samples[:, at], list(ends.values()))
        row |= {f"{name}_si": f"{v:.6g}" for name, v in zip(ends, values, strict=True)}
        row |= {
            f"{name}_lab": f"{v * quantity.in_lab:.6g}"
            for name, v in zip(ends, values, strict=True)
        }
        rows.append(row | {"unlike_simulated": "; ".join(one.unlike)})
    return rows


def _write(
    folder: Path, done: Sequence[Posterior], cells: CellTraces, good: Sequence[int], level: int
) -> None:
    rows = [row for one in done for row in parameter_rows(one, level)]
    text = csv_text(rows[0], (row.values() for row in rows))
    (folder / PARAMETERS).write_text(text, encoding="utf-8")
    configs = {one.cell: _config(one, level, bool(cells.rest_added_v)) for one in done}
    (folder / CONFIG).write_text(json.dumps(configs, indent=1) + "\n", encoding="utf-8")
    np.savez(
        folder / SAMPLES,
        samples=np.stack([one.samples for one in done]),  # (B, S, P)
        quantities=[one.name for one in quantities(level)],
        cells=[one.cell for one in done],
    )
    shown = [
        Shown(one, cells.voltage_v[row] - cells.rest_added_v, cells.current_a[row], cells.rate_hz)
        for one, row in zip(done[:N_SHOWN], good, strict=False)
    ]
    with rc_context(STYLE):
        predictive_figure(shown, level).savefig(folder / FIGURE, dpi=150)


def _config(one: Posterior, level: int, relative: bool) -> dict[str, object]:
    neuron, rest_v = neurons_of(level, one.median[None])
    return to_config(neuron, NATIVE_DT_S, None if relative else float(rest_v[0]))
