"""Which cells are in the files and folders that a user gives; what is in them is read later.

Only `cells.csv` and the names beside an array of windows are looked into, as they tell which cells
there are.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from raphe.core.errors import RecordingError, SettingError
from raphe.core.files.folders import Listing, file_in, list_files
from raphe.core.files.kind import MANIFEST, is_bundle, kind_of
from raphe.core.files.left_out import Failure
from raphe.core.files.path import file_status, require_utf_8
from raphe.core.neo.formats import MARKERS, RIGS
from raphe.core.sentences import listed
from raphe.tasks.celltype.recordings.file_names import TRIGGER, parse_cell_id, parse_window_name
from raphe.tasks.celltype.recordings.files import (
    SUFFIXES,
    is_recording,
    without_originals,
)
from raphe.tasks.celltype.recordings.labels import CELL_TABLE, identify_recordings
from raphe.tasks.celltype.verdicts.cell_input import (
    ARRAY,
    CellInput,
    cells_of_store,
    read_array_cell,
    read_recordings,
    read_spike_files,
)
from raphe.tasks.celltype.verdicts.window_arrays import ArrayRows, cells_of_array

SPIKE = ".csv"
KNOWN = (*SUFFIXES, SPIKE, ARRAY)


def find_cells(
    paths: Iterable[Path | str], of_rows: ArrayRows | None = None
) -> tuple[list[CellInput], list[Failure]]:
    """The cells in these files and folders in the order found, and what was left out.

    Recordings (.abf, .nwb, those that neo reads), one a cell unless a `cells.csv` in their folder
    says which belong together; the authors' files of single spikes, <cell>_trigger_<sample>.csv;
    arrays of windows (.npy), of which `of_rows` says whose they are; stores of spikes. Raises
    RecordingError where there is nothing of these, SettingError for a table that goes with no one
    array.
    """
    files, of_rows = [Path(path) for path in paths], of_rows or ArrayRows()
    if of_rows.table and (len(files) != 1 or not _is_array(files[0])):
        raise SettingError(
            f"--units {of_rows.table}: names the cells of one array's rows, so give one {ARRAY} "
            f"file, got {', '.join(map(str, files))}"
        )
    cells: list[CellInput] = []
    failed: list[Failure] = []
    for path in files:
        try:
            require_utf_8(path)
            of_path, left_out = (
                _in_folder(path, of_rows) if path.is_dir() else _in_file(path, of_rows)
            )
        except Exception as error:  # one bad file stops no other
            of_path, left_out = [], [Failure.of(path, error)]
        cells += of_path
        failed += left_out
    if not cells and not failed:
        raise RecordingError(
            f"{', '.join(map(str, paths))}: there is no {listed(KNOWN, 'or')} file here, nor "
            f"a recording of {listed(RIGS, 'or')}"
        )
    return _refuse_second_cells(cells, failed)


def require_rows(path: Path, row: int | None) -> None:
    """Refuse the number of a row for what has none. Raises RecordingError."""
    if row is not None and path.is_file() and not _is_array(path):
        raise RecordingError(f"{path}: row: expected none, as only an array ({ARRAY}) has rows")


def _in_file(path: Path, of_rows: ArrayRows) -> tuple[list[CellInput], list[Failure]]:
    if not os.path.lexists(path):
        raise RecordingError(f"{path}: there is no such file or folder")
    file_status(path, RecordingError)
    if is_recording(path):
        return [_recorded_cell(parse_cell_id(path)[0], [(path, "")])], []
    if path.suffix.lower() == SPIKE:
        return _cells_of_spike_files([path]), []
    if path.suffix.lower() == ARRAY:
        if kind_of(path.parent) is not None:
            raise RecordingError(f"{path}: is part of a store; give its folder, {path.parent}")
        return _cells_of_arrays([path], of_rows)
    raise RecordingError(
        f"{path}: expected a {', '.join(KNOWN)} file, a recording of "
        f"{listed(RIGS, 'or')}, or a folder of them"
    )


def _in_folder(folder: Path, of_rows: ArrayRows) -> tuple[list[CellInput], list[Failure]]:
    if _is_store(folder):
        return cells_of_store(folder, of_rows.cut), []
    listing = list_files(folder, _is_cell)
    stores = _outermost([file.parent for file in listing.files if file.name == MANIFEST])
    files = [file for file in listing.files if not set(stores) & set(file.parents)]
    recordings = without_originals(Listing(list(filter(is_recording, files)), listing.left_out))
    # Folders of Open Ephys hold arrays of times.
    within = {file.parent for file in recordings.files if file.name in MARKERS}
    files = [file for file in files if not (_is_array(file) and within & set(file.parents))]
    cells, failed = _cells_of_recordings(folder, recordings)
    cells += _cells_of_spike_files(list(filter(_is_spike, files)))
    of_arrays, failed_arrays = _cells_of_arrays(list(filter(_is_array, files)), of_rows)
    cells, failed = cells + of_arrays, failed + failed_arrays
    for store in stores:
        try:
            cells += cells_of_store(store, of_rows.cut)
        except Exception as error:  # one bad store stops no other
            failed.append(Failure.of(store, error))
    return cells, failed


def _outermost(folders: list[Path]) -> list[Path]:
    """Those that are stores and in none of the others, as shards are."""
    stores = set(filter(_is_store, folders))
    return sorted(store for store in stores if not stores & set(store.parents))


def _is_store(folder: Path) -> bool:
    return kind_of(folder) is not None and not is_bundle(folder)


def _cells_of_recordings(folder: Path, listing: Listing) -> tuple[list[CellInput], list[Failure]]:
    if not listing.files:
        return [], listing.left_out
    recordings, failed = identify_recordings(folder, listing)
    if file_in(folder, CELL_TABLE, RecordingError) is None:
        # Two files of one name are two cells, to be refused.
        return [_recorded_cell(file.cell_id, [(file.path, "")]) for file in recordings], failed
    files_of_cell = defaultdict(list)
    for file in recordings:
        files_of_cell[file.cell_id].append((file.path, file.channel))
    return [_recorded_cell(cell_id, files) for cell_id, files in files_of_cell.items()], failed


def _recorded_cell(cell_id: str, files: list[tuple[Path, str]]) -> CellInput:
    """Of one or several files, each with the channel that the cell is, "" for that of `Reading`."""
    paths, channels = zip(*files, strict=True)
    return CellInput(cell_id, paths, partial(read_recordings, cell_id, paths, channels=channels))


def _cells_of_spike_files(files: list[Path]) -> list[CellInput]:
    files_of_cell = defaultdict(list)
    for file in files:
        files_of_cell[parse_window_name(file.name)[0]].append(file)
    return [
        CellInput(cell_id, tuple(paths), partial(read_spike_files, cell_id, tuple(paths)))
        for cell_id, paths in files_of_cell.items()
    ]


def _cells_of_arrays(
    files: list[Path], of_rows: ArrayRows
) -> tuple[list[CellInput], list[Failure]]:
    cells: list[CellInput] = []
    failed: list[Failure] = []
    for file in files:
        try:
            cells += [
                CellInput(cell.cell_id, (file,), partial(read_array_cell, cell))
                for cell in cells_of_array(file, of_rows)
            ]
        except Exception as error:  # one bad file stops no other
            failed.append(Failure.of(file, error))
    return cells, failed


def _refuse_second_cells(
    cells: list[CellInput], failed: list[Failure]
) -> tuple[list[CellInput], list[Failure]]:
    """Two cells under one id would be one verdict: the later one is left out."""
    first: dict[str, CellInput] = {}
    for cell in cells:
        other = first.setdefault(cell.cell_id, cell)
        if other is not cell:
            path, earlier = cell.paths[0], other.paths[0]
            failed.append(
                Failure(
                    path,
                    f"{path}: is given twice"
                    if path == earlier
                    else f"{path}: has the id {cell.cell_id} as {earlier} has; rename one, or say "
                    f"in a {CELL_TABLE} that they are one cell",
                )
            )
    return list(first.values()), failed


def _is_cell(file: Path) -> bool:
    return is_recording(file) or _is_spike(file) or _is_array(file) or file.name == MANIFEST


def _is_spike(file: Path) -> bool:
    return file.suffix.lower() == SPIKE and TRIGGER.search(file.name) is not None


def _is_array(file: Path) -> bool:
    return file.suffix.lower() == ARRAY
