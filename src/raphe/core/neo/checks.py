"""What neo passes over in some formats, and would be read as if it were right.

Samples (N, C): N of one record, C channels.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.abf.scale import RAIL
from raphe.core.errors import RecordingError
from raphe.core.neo.signals import Signal, Stretch

# WinWCP: a header of text; then for each record an analysis block (status, type, group, time,
# interval, voltage range of 8 channels) and its samples. Source: its help, "WCP data file format".
TEXT_BYTES, RECORD_HEAD, SECTOR = {"WinWcpRawIO": 1024, "WinEdrRawIO": 2048}, 1024, 512
INTERVAL_AT, RANGES_AT, MOST_RANGES = 20, 24, 8
CHUNK = 2**20  # of sample numbers
ITEM_BYTES = {1: 2, 9: 4}  # of Spike2's channels of samples, by their kind


@dataclass(frozen=True, eq=False)
class _Part:
    """Samples of a signal from `first` on."""

    stored: Any
    first: int

    def __getitem__(self, span: slice) -> np.ndarray:
        samples: np.ndarray = self.stored[span.start + self.first : span.stop + self.first]
        return samples


def check_winwcp(path: Path, _reader: Any, signals: list[Signal]) -> list[Signal]:
    """neo scales all records by the range of the last, and takes channels in the header's order."""
    fields = _text_fields(path, TEXT_BYTES["WinWcpRawIO"])
    n_records, n_channels = int(fields["NR"]), int(fields["NC"])
    with path.open("rb") as file:
        blocks = []
        for record in range(n_records):
            file.seek(RECORD_HEAD + record * (RECORD_HEAD + SECTOR * int(fields["NBD"])))
            blocks.append(file.read(RANGES_AT + 4 * MOST_RANGES))
    n_ranges = min(n_channels, MOST_RANGES)
    ranges = np.array([struct.unpack_from(f"<{n_ranges}f", block, RANGES_AT) for block in blocks])
    intervals = np.array([struct.unpack_from("<f", block, INTERVAL_AT) for block in blocks])
    for what, values in (("voltage range", ranges), ("sampling interval", intervals)):
        differs = ~np.isclose(values, values[-1:], rtol=1e-5).all(axis=1)
        if differs.any():
            record = int(differs.argmax())
            channel = int((~np.isclose(values[record], values[-1], rtol=1e-5)).argmax())
            raise RecordingError(
                f"{path}: expected one {what} in all {n_records} records, got "
                f"{values[record, channel]:g} in record {record + 1} and "
                f"{values[-1, channel]:g} in the last; save them as files of their own in WinWCP"
            )
    _require_order(path, [fields[f"YO{channel}"] for channel in range(n_channels)])
    return _with_rail(signals, int(fields["ADCMAX"]))


def check_winedr(path: Path, _reader: Any, signals: list[Signal]) -> list[Signal]:
    """As of WinWCP the order of channels; a converter of 12 bits has its rail there."""
    fields = _text_fields(path, TEXT_BYTES["WinEdrRawIO"])
    _require_order(path, [fields[f"YO{channel}"] for channel in range(int(fields["NC"]))])
    return _with_rail(signals, int(fields["ADCMAX"]))


def check_spike2(path: Path, reader: Any, signals: list[Signal]) -> list[Signal]:
    """neo gives zeros where a block of samples ends behind the end of the file."""
    n_bytes = path.stat().st_size
    for number, channel in enumerate(reader._channel_infos):
        blocks = reader._all_data_blocks[number]
        item_bytes = ITEM_BYTES.get(int(channel["kind"]))
        if item_bytes is None or not len(blocks):
            continue
        last = int((blocks["pos"].astype(np.int64) + blocks["size"] * item_bytes).max())
        if last > n_bytes or (blocks["size"] < 0).any():
            raise RecordingError(
                f"{path}: expected the samples of channel {channel['title']} to end at byte "
                f"{last}, got a file of {n_bytes} bytes: it is cut short; copy it anew"
            )
    return signals


def check_open_ephys(path: Path, _reader: Any, signals: list[Signal]) -> list[Signal]:
    """neo takes the samples as unbroken: where their numbers leap, a sweep begins here."""
    structure = json.loads(path.read_text(encoding="utf-8"))
    runs: dict[str, list[tuple[int, int, int]]] = {}
    for stream in structure["continuous"]:
        name = stream["folder_name"].split("/")[0]
        folder = path.parent / "continuous" / name
        numbers = folder / "sample_numbers.npy"  # of releases before 0.6: timestamps.npy
        numbers = np.load(
            numbers if numbers.is_file() else folder / "timestamps.npy", mmap_mode="r"
        )
        frame_bytes = 2 * len(stream["channels"])
        n_bytes = (folder / "continuous.dat").stat().st_size
        if n_bytes != len(numbers) * frame_bytes:
            raise RecordingError(
                f"{folder / 'continuous.dat'}: expected {len(numbers)} samples of "
                f"{len(stream['channels'])} channels, as they are numbered, got {n_bytes} bytes: "
                "it is cut short; copy it anew"
            )
        runs |= dict.fromkeys((name, f"{name}_ADC", f"{name}SYNC"), _unbroken(numbers))
    return [
        replace(signal, stretches=_cut(signal, runs[signal.stream.rpartition("#")[2]]))
        for signal in signals
    ]


def _unbroken(numbers: np.ndarray) -> list[tuple[int, int, int]]:
    """Runs of following sample numbers (N,): where each begins, its length, its first number."""
    breaks = [
        start + 1 + np.flatnonzero(np.diff(numbers[start : start + CHUNK + 1]) != 1)
        for start in range(0, len(numbers), CHUNK)
    ]
    firsts = [0, *np.concatenate(breaks).tolist()] if breaks else []
    ends = [*firsts[1:], len(numbers)]
    return [
        (first, end - first, int(numbers[first])) for first, end in zip(firsts, ends, strict=False)
    ]


def _cut(signal: Signal, runs: list[tuple[int, int, int]]) -> tuple[Stretch, ...]:
    return tuple(
        Stretch(_Part(stretch.stored, first), n_samples, number / signal.rate_hz)
        for stretch in signal.stretches
        for first, n_samples, number in runs
    )


def _text_fields(path: Path, n_bytes: int) -> dict[str, str]:
    """A header's lines KEY=VALUE."""
    with path.open("rb") as file:
        lines = file.read(n_bytes).decode("ascii", errors="replace").split("\r\n")
    return {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}


def _require_order(path: Path, places: list[str]) -> None:
    if [int(place) for place in places] != list(range(len(places))):
        raise RecordingError(
            f"{path}: expected the samples of its channels in their order, got the places "
            f"{', '.join(places)}; export it as ABF"
        )


def _with_rail(signals: list[Signal], largest: int) -> list[Signal]:
    """`largest`: of the converter's codes."""
    rail = max(1, int((largest + 1) * RAIL))
    return [replace(signal, rail=rail) for signal in signals]


CHECKS: dict[str, Callable[[Path, Any, list[Signal]], list[Signal]]] = {
    "OpenEphysBinaryRawIO": check_open_ephys,
    "Spike2RawIO": check_spike2,
    "WinEdrRawIO": check_winedr,
    "WinWcpRawIO": check_winwcp,
}
