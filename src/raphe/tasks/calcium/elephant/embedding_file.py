"""Embeddings on disk: those published with Elephant, and our own as JSON."""

import json
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError, StoreError
from raphe.core.files.path import file_status
from raphe.core.matlab.mat5 import MatVariable, mat_variables
from raphe.tasks.calcium.elephant.embedding import Embedding
from raphe.tasks.calcium.features.trace_statistics import NAMES

CONFUSION_FILE, STATISTICS_FILE = "Confusion.mat", "Parameters174py.mat"
FIELDS = ("names", "dataset", "confusion", "statistics")


def open_embedding(path: Path | str) -> Embedding:
    """Read a JSON file of `to_json`, or the folder of Elephant's published .mat files.

    Raises StoreError when something is missing or damaged, SettingError when it does not fit.
    """
    path = Path(path)
    if not path.exists():
        raise StoreError(
            f"{path}: expected an embedding, found none; name Elephant's folder statEmbedding, or "
            "make one with `raphe train task=elephant_embedding`"
        )
    try:
        return _published(path) if path.is_dir() else _from_json(path)
    except (OSError, KeyError, ValueError, TypeError, RecordingError) as error:
        raise StoreError(f"{path}: could not be read as an embedding: {error}") from error


def to_json(embedding: Embedding, note: str) -> str:
    """The matrix and the statistics that the spaces are computed from, as text."""
    table = {
        "note": note,
        "rows": "recording that is predicted",
        "columns": "recording that the network was trained on",
        "statistics_names": NAMES,
        "names": embedding.names,
        "dataset": embedding.dataset,
        "confusion": embedding.confusion.round(6).tolist(),
        "statistics": embedding.statistics.tolist(),
    }
    return json.dumps(table, ensure_ascii=False) + "\n"


def _from_json(path: Path) -> Embedding:
    file_status(path, StoreError)
    table = json.loads(path.read_text(encoding="utf-8"))
    names, dataset, confusion, statistics = (table[name] for name in FIELDS)
    return Embedding(tuple(names), tuple(dataset), np.array(confusion), np.array(statistics))


def _published(folder: Path) -> Embedding:
    """The matrix after 15 epochs; datasets are "1" to "10", recordings "4/0" and so on."""
    for name in (CONFUSION_FILE, STATISTICS_FILE):
        file_status(folder / name, StoreError)
    variables = mat_variables(folder / CONFUSION_FILE)
    statistics = mat_variables(folder / STATISTICS_FILE)
    dataset = tuple(map(str, _array(variables["DaSet"]).ravel()))
    columns = _array(variables["DaSet2"]).ravel()
    names = tuple(f"{name}/{column}" for name, column in zip(dataset, columns, strict=True))
    confusion = _array(variables["Confusion_later"])
    return Embedding(names, dataset, confusion, _array(statistics["Parameters174temp"]))


def _array(variable: MatVariable) -> np.ndarray:
    value = variable.read()
    if not isinstance(value, np.ndarray):
        raise ValueError(f"its variable {variable.name} is no array")
    return value
