"""The authors' saved Keras models as checkpoints of a CellTypeModule."""

from pathlib import Path

from raphe.core.files.checkpoint import write_checkpoint
from raphe.tasks.celltype.training.module import CellTypeModule


def import_keras(file: Path, checkpoint: Path) -> Path:
    """Write a checkpoint that CellTypeModule.load_from_checkpoint reads, and return its path.

    Raises:
        KerasFileError: as CellTypeModule.of_keras.
    """
    return write_checkpoint(CellTypeModule.of_keras(file), checkpoint)
