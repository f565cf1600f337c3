"""Figures and tables of a test: the study's own."""

from functools import partial

import numpy as np

from raphe.core.files.csv_text import csv_text
from raphe.core.protocol import Draw
from raphe.tasks.glif.lstm_study.data import LstmGlifData
from raphe.tasks.glif.lstm_study.grid import SCALES, UNITS
from raphe.tasks.glif.lstm_study.module import LstmGlifModule
from raphe.tasks.glif.lstm_study.study_cells import CELLS, STIMULI, StudyCells, study_cells
from raphe.tasks.glif.lstm_study.study_figures import (
    answers_figure,
    losses_figure,
    parameters_figure,
    responses_figure,
    spike_counts_figure,
    strip_figure,
)
from raphe.tasks.glif.metrics.names import TARGETS


def evaluate(model: LstmGlifModule, data: LstmGlifData, seed: int) -> dict[str, Draw | str]:
    """Draw and tabulate a tested model.

    Returns:
        By file name: `losses.png`, `test/answers.png` and `test/answers.csv`; of the fitted cell,
        the one that the network infers from it and a random one `cells/parameters.png`,
        `cells/strip.png`, `cells/responses.png`, `cells/spike_counts.png` and `cells/cells.csv`.
    """
    model = model.cpu().eval()
    cells = study_cells(model, data.traces.rate_hz, data.traces.fed, seed)
    return {
        "losses.png": partial(losses_figure, model.history),
        "test/answers.png": partial(answers_figure, model.answers, model.truth),
        "test/answers.csv": answers_csv(model.answers, model.truth),
        "cells/parameters.png": partial(parameters_figure, cells),
        "cells/strip.png": partial(strip_figure, cells),
        "cells/responses.png": partial(responses_figure, cells, data.traces.rate_hz),
        "cells/spike_counts.png": partial(spike_counts_figure, cells),
        "cells/cells.csv": cells_csv(cells),
    }


def answers_csv(answers: np.ndarray, truth: np.ndarray) -> str:
    """One row a test trace: truth and answer of each parameter, in SI units."""
    named = [f"{name}_{unit}" for name, unit in zip(TARGETS, UNITS, strict=True)]
    header = [*(f"true_{name}" for name in named), *(f"answered_{name}" for name in named)]
    rows = np.concatenate([truth / SCALES, answers / SCALES], axis=1)
    return csv_text(header, ([f"{value:.6g}" for value in row] for row in rows))


def cells_csv(cells: StudyCells) -> str:
    """One row a cell: its parameters, and its spikes under each stimulus as fed and whole."""
    counted = [f"spikes {name}, {part}" for name in STIMULI for part in ("as fed", "whole sweep")]
    named = [f"{name}_{unit}" for name, unit in zip(TARGETS, UNITS, strict=True)]
    header = ["cell", *named, *counted, "refused"]
    rows = []
    for cell in CELLS:
        counts = []
        for name in STIMULI:
            response = cells.cut[cell, name]
            fed = None if response is None else int(response.spike_count[0])
            counts += [fed, cells.whole_counts[cell, name]]
        values = [f"{value:.6g}" for value in cells.parameters[cell]]
        rows.append([cell, *values, *counts, cells.refused.get(cell, "")])
    return csv_text(header, rows)
