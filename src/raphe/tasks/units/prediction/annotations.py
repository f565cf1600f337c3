"""Verdicts put where the units came from: a column for Phy, properties of an analyzer, NWB columns.

A Phy folder and an analyzer are given what is new to them, each file whole or not at all; of an NWB
file, which may be the only one, a copy is made.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import h5py
import numpy as np

from raphe.core.errors import RecordingError, SettingError
from raphe.core.files.atomic import copy_file, open_whole, reporting, write_file
from raphe.tasks.units.prediction.labels import LABELLED_NWB, PHY_LABELS, UnitVerdict, phy_labels
from raphe.tasks.units.recordings.nwb_units import TABLE, is_nwb
from raphe.tasks.units.recordings.phy_folder import is_phy_folder
from raphe.tasks.units.recordings.stored_analyzer import (
    PROPERTIES,
    is_analyzer,
    is_zarr,
    open_analyzer,
)

UNTRIED_ZARR = 3  # from this version on SpikeInterface itself writes no zarr
DESCRIPTIONS = {
    "raphe": "verdict of raphe: a class, 'not sure' or 'unlike training'; empty for none",
    "raphe_class": "the class with the largest probability, whatever the verdict",
    "raphe_probability": "the calibrated probability of that class",
}  # by the name of the column or property


def require_annotatable(source: Path) -> None:
    """Refuse what has no place for verdicts, before there are any. Raises SettingError."""
    if not (is_phy_folder(source) or is_analyzer(source) or is_nwb(source)):
        raise SettingError(
            f"--annotate: {source} has no place for verdicts; it takes a Phy folder, a "
            "SortingAnalyzer or an NWB file, and labels.csv has the verdicts of any"
        )
    if is_analyzer(source) and is_zarr(source):
        import zarr

        if int(zarr.__version__.partition(".")[0]) >= UNTRIED_ZARR:
            raise SettingError(
                f"--annotate: zarr {zarr.__version__} was not tried for writing, nor does "
                "SpikeInterface write with it; save the analyzer as a binary_folder, or take zarr<3"
            )


def annotate(source: Path, told: Sequence[UnitVerdict]) -> Path | None:
    """Add the verdicts to a Phy folder or an analyzer. Returns where, None for an NWB file.

    Units that were left out have an empty verdict. Raises RapheError where it cannot be written.
    """
    if is_nwb(source):
        return None
    if is_phy_folder(source):
        return write_file(source / PHY_LABELS, phy_labels(told))
    columns = _columns(told, open_analyzer(source, ()).unit_ids)
    if is_zarr(source):
        _add_to_zarr(source, columns)
    else:
        for name, values in columns.items():
            with open_whole(source / PROPERTIES / f"{name}.npy") as file:
                np.save(file, values)
    return source / PROPERTIES


def labelled_copy(source: Path, told: Sequence[UnitVerdict]) -> Callable[[Path], None] | None:
    """Of an NWB file what writes a copy with the verdicts as columns into a folder; else None."""

    def write(folder: Path) -> None:
        path = copy_file(source, folder / LABELLED_NWB)
        try:
            with reporting(path), h5py.File(path, "r+") as file:
                _add_to_table(file[TABLE], told)
        except (KeyError, TypeError, ValueError) as error:
            raise RecordingError(
                f"{source}: expected a table /{TABLE} as NWB 2 has it, got one that takes no "
                f"columns ({error}); write the file anew, or leave --annotate out"
            ) from None

    return write if is_nwb(source) else None


def _add_to_table(table: h5py.Group, told: Sequence[UnitVerdict]) -> None:
    columns = _columns(told, [str(unit_id) for unit_id in table["id"][()].tolist()])
    names = [str(name) for name in table.attrs["colnames"]]
    for name, values in columns.items():
        _put_column(table, name, values)
    names += [name for name in columns if name not in names]
    table.attrs["colnames"] = np.array(names, h5py.string_dtype())


def _columns(told: Sequence[UnitVerdict], ids: Sequence[str]) -> dict[str, np.ndarray]:
    """A value a unit of `ids`, by the names of DESCRIPTIONS."""
    by_id = {verdict.unit_id: verdict for verdict in told}
    verdicts = [by_id.get(unit_id) for unit_id in ids]
    probability = [max(verdict.probability.values()) if verdict else np.nan for verdict in verdicts]
    values = (
        np.array([verdict.verdict if verdict else "" for verdict in verdicts], dtype=np.str_),
        np.array([verdict.called if verdict else "" for verdict in verdicts], dtype=np.str_),
        np.array(probability, np.float64),
    )
    return dict(zip(DESCRIPTIONS, values, strict=True))


def _add_to_zarr(source: Path, columns: dict[str, np.ndarray]) -> None:
    import zarr

    with reporting(source):
        root = zarr.open_group(str(source), mode="r+")
        for name, values in columns.items():
            root[PROPERTIES].create_dataset(name, data=values, compressor=None, overwrite=True)
        zarr.consolidate_metadata(root.store)  # which SpikeInterface reads instead of the folders


def _put_column(table: h5py.Group, name: str, values: np.ndarray) -> None:
    if name in table:
        del table[name]
    is_text = values.dtype.kind == "U"
    column = table.create_dataset(
        name,
        data=values.astype(object) if is_text else values,
        dtype=h5py.string_dtype() if is_text else values.dtype,
    )
    column.attrs["description"] = DESCRIPTIONS[name]
    column.attrs["namespace"], column.attrs["neurodata_type"] = "hdmf-common", "VectorData"
    column.attrs["object_id"] = str(uuid4())
