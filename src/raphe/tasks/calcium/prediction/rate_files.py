"""Files of rates, N traces of T frames, however many: NumPy's, and from it others, part by part."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from raphe.core.files.atomic import open_whole
from raphe.core.files.csv_text import csv_line
from raphe.core.nwb.writer import WrittenSeries, WrittenTable, write_series
from raphe.core.progress import progress
from raphe.core.sentences import printable
from raphe.tasks.calcium.recordings.stored_matrix import NpyMatrix
from raphe.tasks.calcium.recordings.trace_set import TraceSet

CHUNK = 2**20  # values read at once
NWB = "nwb"
OF_NUMBERS = ("_per_s", "_per_sqrt_hz", "_correlation", "_percent")  # ends of the table's columns
MATLAB_HEADER = b"MATLAB 7.3 MAT-file, written by raphe"
HEADER_TEXT, USER_BLOCK = 124, 512  # bytes; version and byte order follow the text
VERSION = b"\x00\x02IM"


@dataclass(frozen=True)
class Quantity:
    """What the values of a matrix are."""

    meaning: str
    unit: str
    of_seconds: bool = False  # a value a whole second, instead of one a frame


def npy_header(n_traces: int, n_frames: int) -> bytes:
    """What an .npy file of float32 (N, T) begins with; its rows follow as they are appended."""
    header = io.BytesIO()
    facts = {"descr": "<f4", "fortran_order": False, "shape": (n_traces, n_frames)}
    np.lib.format.write_array_header_1_0(header, facts)
    return header.getvalue()


def write_csv(rates: NpyMatrix, path: Path, names: Sequence[str]) -> None:
    with open_whole(path) as file:
        n_parts = 1 + -(-rates.shape[1] // _rows_at_once(rates))
        file.writelines(progress(csv_parts(rates, names), f"Writing {path.name}", n_parts))


def csv_parts(rates: NpyMatrix | np.ndarray, names: Sequence[str]) -> Iterator[bytes]:
    """The challenge's layout: a header of names, a column a trace, empty where there is no rate."""
    n_traces, n_frames = rates.shape
    line = ",".join(["%.4g"] * n_traces) + "\n"
    empty = "" if n_traces > 1 else '""'  # a blank line would be no row
    step = _rows_at_once(rates)
    yield csv_line(names).encode()
    for start in range(0, n_frames, step):
        rows = rates[:, start : start + step].T.tolist()
        yield "".join((line % tuple(row)).replace("nan", empty) for row in rows).encode()


def _rows_at_once(rates: NpyMatrix | np.ndarray) -> int:
    return max(1, CHUNK // rates.shape[0])


def write_mat(rates: NpyMatrix, path: Path, names: Sequence[str]) -> None:
    """MATLAB 7.3: an N × T matrix of singles, named as the file is."""
    n_traces, n_frames = rates.shape
    with open_whole(path) as file:
        with h5py.File(file, "w", userblock_size=USER_BLOCK) as contents:
            matrix = contents.create_dataset(  # MATLAB has its axes in reverse order
                path.stem, (n_frames, n_traces), "float32", chunks=(n_frames, 1)
            )
            matrix.attrs["MATLAB_class"] = np.bytes_("single")
            for row in progress(range(n_traces), f"Writing {path.name}"):
                matrix[:, row] = rates[row : row + 1][0]
        file.seek(0)
        file.write(MATLAB_HEADER.ljust(HEADER_TEXT) + VERSION)


def write_nwb(
    matrices: Mapping[str, tuple[Quantity, NpyMatrix]],
    path: Path,
    rows: Sequence[Mapping[str, str]],
    traces: TraceSet,
    what: str,
) -> None:
    """An NWB file of all matrices, by name, and of the table's rows, one a trace: `what` in words.

    Beside an NWB file it is on that one's clock.
    """
    columns: dict[str, list[str] | list[float]] = {
        name: [float(row[name] or "nan") for row in rows]
        if name.endswith(OF_NUMBERS)
        else [row[name] for row in rows]
        for name in rows[0]
    }
    series = [
        WrittenSeries(
            name,
            quantity.meaning,
            quantity.unit,
            1.0 if quantity.of_seconds else traces.rate_hz,
            matrix,
        )
        for name, (quantity, matrix) in matrices.items()
    ]
    table = WrittenTable("traces", "of each column of the series what is known of it", columns)
    with open_whole(path) as file, h5py.File(file, "w") as contents:
        written = write_series(
            contents,
            series,
            table,
            traces.begins_s,
            f"{what} inferred by raphe from {printable(traces.path.name)}",
            traces.path,
        )
        for _ in progress(written, f"Writing {path.name}", len(series) * len(rows)):
            pass


Writer = Callable[[NpyMatrix, Path, Sequence[str]], None]
WRITERS: dict[str, Writer] = {"csv": write_csv, "mat": write_mat}  # npy is what they read
# While the .npy files are brought into the format.
BYTES_PER_VALUE = {"npy": 4, "csv": 14, "mat": 8, NWB: 8}
