"""What a test of Elephant's network leaves, and of the networks of single recordings: figures,
tables, where training was focused, an embedding to read again."""

from functools import partial

import numpy as np

from raphe.core.protocol import Draw
from raphe.tasks.calcium.elephant.data import ElephantData
from raphe.tasks.calcium.elephant.embedding import Embedding
from raphe.tasks.calcium.elephant.embedding_figure import confusion_figure, spaces_figure
from raphe.tasks.calcium.elephant.embedding_file import to_json
from raphe.tasks.calcium.elephant.module import ElephantModule
from raphe.tasks.calcium.elephant.single_data import SingleData
from raphe.tasks.calcium.elephant.single_module import SingleModule
from raphe.tasks.calcium.features.trace_statistics import statistics
from raphe.tasks.calcium.metrics.cell_report import cell_report


def evaluate(model: ElephantModule, data: ElephantData) -> dict[str, Draw | str]:
    """Draw and tabulate each test set of a tested model, by file name; see `cell_report`.

    Where training was focused, also `spaces.png`: the new recordings among the datasets.
    """
    files: dict[str, Draw | str] = {}
    for name, cells in model.inferred.items():
        files |= cell_report(name, cells, data.test_store(name))
    if data.focus:
        embedding = data.focus.embedding_without(data.only_tested)
        placed = {"new": embedding.place(data.focus.statistics)}
        files["spaces.png"] = partial(spaces_figure, embedding, placed)
    return files


def evaluate_singles(model: SingleModule, data: SingleData) -> dict[str, Draw | str]:
    """By file name: `confusion.png`, `spaces.png` and `embedding.json`, see `open_embedding`.

    Without `spaces.png` where there are too few datasets to make a plane.
    """
    store, recordings = data.store, data.subset.recordings
    embedding = Embedding(
        tuple(recording.name for recording in recordings),
        tuple(recording.dataset for recording in recordings),
        model.confusion,
        np.array([statistics(store.calcium[recording.rows]) for recording in recordings]),
    )
    files: dict[str, Draw | str] = {
        "test/confusion.png": partial(confusion_figure, embedding),
        "test/embedding.json": to_json(embedding, data.note),
    }
    if embedding.has_spaces:
        files["test/spaces.png"] = partial(spaces_figure, embedding)
    return files
