"""Waves of Igor Pro as signals, read whole by igor2, as neo does, which takes times in s alone.

N samples, C columns.
"""

import logging
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.neo.signals import Signal, Stretch, spelt, stated_rate
from raphe.core.sentences import printable

PACKED = ".pxp"
# Where the sizes of its parts begin in a wave's header, by version, and how many there are: int32.
# Source: WaveMetrics' Technical Note 3, "Igor Binary Format".
SIZES = {1: (2, 1), 2: (2, 3), 3: (2, 4), 5: (4, 13)}
SECONDS = {"s": 1.0, "": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}  # of an x axis; Igor's default: s


def waves_of(path: Path) -> list[Signal]:
    """Each column of each wave of numbers over time, of an .ibw or a .pxp file.

    Raises whatever igor2 raises, ImportError without it, and RecordingError where no wave is over
    time.
    """
    logging.getLogger("igor2").setLevel(logging.CRITICAL + 1)  # it prints a damaged wave's bytes
    signals: list[Signal] = []
    others = []
    for name, wave in _packed(path) if path.suffix.lower() == PACKED else _single(path):
        samples = np.asarray(wave["wData"])
        if samples.dtype.kind not in "iuf" or not samples.size or samples.ndim > 2:
            continue
        header = wave["wave_header"]
        x_unit = _text(header["dimUnits"][0] if "dimUnits" in header else header["xUnits"])
        if x_unit not in SECONDS:
            others.append(printable(f"{name} in {x_unit}"))
            continue
        signals += _columns(name, samples, header, SECONDS[x_unit])
    if others and not signals:
        raise RecordingError(
            f"{path}: expected waves over time, got {others[0]}; set the x units to s or ms in Igor"
        )
    return signals


def _columns(
    name: str, samples: np.ndarray, header: Mapping[str, Any], step_unit_s: float
) -> Iterator[Signal]:
    """Samples (N,) or (N, C), whose rows are `step_unit_s` times the header's step apart."""
    # The scale of rows: sfA, sfB in version 5, hsA, hsB before.
    step = float(header["sfA"][0] if "sfA" in header else header["hsA"])
    start = float(header["sfB"][0] if "sfB" in header else header["hsB"])
    rate_hz = 1 / (step * step_unit_s) if step else 0.0
    columns = samples.reshape(len(samples), -1)
    for column in range(columns.shape[1]):
        yield Signal(
            name=f"{name}[][{column}]" if samples.ndim == 2 else name,
            unit=spelt(_text(header["dataUnits"])),
            rate_hz=stated_rate(rate_hz),
            gain=1.0,
            offset=0.0,
            stretches=(Stretch(columns[:, column], len(columns), start * step_unit_s),),
        )


def _single(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import igor2.binarywave

    _require_sizes(path)
    wave = igor2.binarywave.load(str(path))["wave"]
    yield _text(wave["wave_header"]["bname"]), wave


def _require_sizes(path: Path) -> None:
    """igor2 takes whatever memory the sizes in a damaged header ask for. Raises RecordingError."""
    with path.open("rb") as file:
        head, n_bytes = file.read(64), path.stat().st_size
    for order in "<>":
        version = struct.unpack_from(f"{order}h", head.ljust(2, b"\0"))[0]
        begin, n = SIZES.get(version, (0, 0))
        if not n or len(head) < begin + 4 * n:
            continue
        largest = max(map(abs, struct.unpack_from(f"{order}{n}i", head, begin)))
        if largest > n_bytes:
            raise RecordingError(
                f"{path}: expected parts of at most {n_bytes} bytes, as the file has, got one of "
                f"{largest} in its header: it is damaged; copy it anew"
            )


def _packed(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The waves of all folders, each by its place."""
    import igor2.packed
    from igor2.record.wave import WaveRecord

    found: list[tuple[str, Mapping[str, Any]]] = []

    def take(folders: list[bytes], name: bytes, record: Any) -> None:
        if isinstance(record, WaveRecord):
            place = [_text(folder) for folder in folders if folder != b"root"]
            found.append((":".join([*place, _text(name)]), record.wave["wave"]))

    _, filesystem = igor2.packed.load(str(path))
    igor2.packed.walk(filesystem, take)
    yield from found


def _text(coded: Any) -> str:
    """Characters as igor2 gives them: bytes, or an array of single ones."""
    joined = coded if isinstance(coded, bytes) else b"".join(np.ravel(coded).tolist())
    text = joined.partition(b"\0")[0]
    try:
        return text.decode("utf-8").strip()
    except UnicodeDecodeError:
        return text.decode("mac-roman").strip()  # of Igor before version 7
