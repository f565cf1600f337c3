"""The authors' networks: .keras files, whole and with their parts damaged inside a sound zip."""

import random
import zipfile
from collections.abc import Sequence
from pathlib import Path

from faults.mutations import drawn, mutated
from faults.reader import Reader
from paths import OWN_DATA
from raphe.tasks.celltype.network.keras_weights import KerasFileError, read_keras

KERAS = sorted((OWN_DATA / "keras").glob("*.keras"))


def seeds(folder: Path) -> Sequence[Path]:
    """A whole file; and another with the same parts, not compressed."""
    whole = folder / "whole.keras"
    whole.write_bytes(KERAS[0].read_bytes())
    stored = folder / "stored.keras"
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(stored, "w") as plain:
        for name in archive.namelist():
            plain.writestr(name, archive.read(name))
    return whole, stored


def read(path: Path) -> int:
    """Read the damaged zip; of every second one, a sound zip whose parts are damaged instead."""
    rng = random.Random(path.read_bytes())
    if path.stem != "tried" or rng.random() < 0.5:
        return _held(path)
    inner = path.with_name("inner.keras")
    with zipfile.ZipFile(KERAS[0]) as sound, zipfile.ZipFile(inner, "w") as archive:
        for name in sound.namelist():
            archive.writestr(name, mutated(sound.read(name), drawn(rng)))
    return _held(inner)


def _held(path: Path) -> int:
    _, weights = read_keras(path)
    return sum(tensor.nbytes for tensor in weights.values())


READER = Reader(".keras", seeds, read, (KerasFileError,))
