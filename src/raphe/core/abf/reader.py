"""Axon Binary Format files (.abf, versions 1 and 2) as recordings.

pyabf knows the fields of the header; only this file and `command` import it. Its header classes are
called one by one, as `pyabf.ABF(path, loadData=False)` does, but only those needed and only on
bytes that `core.abf.header` has checked. The whole would loop over whatever counts a damaged header
states, refuse float32 in ABF 1, divide by telegraph gains that are signal in a 2048-byte header,
turn µA into A, truncate the rate (403.2258 Hz to 403) and count ignored samples as bytes.
"""

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pyabf.abf1.headerV1 import HeaderV1
from pyabf.abf2.adcSection import ADCSection
from pyabf.abf2.headerV2 import HeaderV2
from pyabf.abf2.protocolSection import ProtocolSection

from raphe.core.abf.channels import Channel, choose_channel, settle_unit
from raphe.core.abf.header import AbfBytes, damaged, decode_text, locate
from raphe.core.abf.scale import find_rail, find_rate, find_scale
from raphe.core.abf.sweeps import MODES, Layout, SweepHeader, lay_out
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.files.path import checked_path
from raphe.core.recordings.recording import Recording, Trace, find_suspects
from raphe.core.recordings.units import amplifier_limit


@dataclass(frozen=True)
class AbfFacts:
    """What the header of an ABF file says, checked, with no sample read."""

    path: Path
    version: str
    mode: str
    rate_hz: float
    channels: tuple[Channel, ...]
    layout: Layout
    n_samples: int  # of each channel, all sweeps together
    dtype: np.dtype
    data_start: int  # byte of the first sample
    rail: int | None  # stored value from which on the converter is at its limit; None: float32


@dataclass(frozen=True)
class AbfSamples:
    """One channel of one sweep, still on disk: samples[start:stop] maps only what it returns."""

    path: Path
    dtype: np.dtype
    start_byte: int  # of the sweep's first sample of the first channel
    n_channels: int
    channel: int

    def __getitem__(self, span: slice) -> np.ndarray:
        """Stored samples, int16 or float32 (stop - start,). Raises RecordingError."""
        if span.stop == span.start:
            return np.empty(0, dtype=self.dtype)
        try:
            # A map for each chunk: the pages that were read leave memory with it.
            scans = np.memmap(
                self.path,
                dtype=self.dtype,
                mode="r",
                offset=self.start_byte + span.start * self.n_channels * self.dtype.itemsize,
                shape=(span.stop - span.start, self.n_channels),
            )
        except (OSError, ValueError) as error:
            raise damaged(self.path, "the file as it was when opened", error) from error
        return np.array(scans[:, self.channel])


@dataclass(frozen=True)
class _Fields:
    """The header fields that both versions have, as pyabf reads them."""

    protocol: Any  # fADCRange, lADCResolution, nOperationMode …
    inputs: Any  # fInstrumentScaleFactor[i] … of input i
    numbers: list[int]  # i of each recorded channel
    labels: list[tuple[bytes, bytes]]  # name and unit of each recorded channel
    n_sweeps: int
    interval_us: float  # between samples, …
    per_scan: int  # … as many of which make one sampling of all channels


def read_abf(
    path: str | Path,
    channel: int | str | None = None,
    unit: str | None = None,
    growing: bool = False,
) -> Recording:
    """Open one channel of an ABF file; its samples stay on disk until they are read.

    `channel` is an index, a name or a unit; None takes the only channel, or the only one in pA.
    `unit` is for a channel whose header leaves it blank; one that differs is refused. Of a gap-free
    recording that is still `growing` it takes the samples there are.
    Reads the file twice in chunks (hash, suspect samples) and warns (RecordingWarning) of what is
    readable but suspect. Raises RecordingError for a file that is damaged, contradicts itself or
    has no such channel; TypeError for what is no path.
    """
    return read_channel(describe_abf(path, growing), channel, unit)


def read_channel(
    facts: AbfFacts, channel: int | str | None = None, unit: str | None = None
) -> Recording:
    """As `read_abf`, of a file whose header has been read: `facts` are of `describe_abf`."""
    chosen = choose_channel(facts.path, facts.channels, channel, unit)
    recorded_unit = settle_unit(facts.path, chosen, unit)
    sweeps = tuple(
        Trace(
            stored=AbfSamples(
                path=facts.path,
                dtype=facts.dtype,
                start_byte=facts.data_start
                + sweep.first * len(facts.channels) * facts.dtype.itemsize,
                n_channels=len(facts.channels),
                channel=chosen.index,
            ),
            n_samples=sweep.n_samples,
            start_s=sweep.start_s,
            gain=chosen.gain,
            offset=chosen.offset,
            rail=facts.rail,
            limit=amplifier_limit(recorded_unit),
            uncertain=not facts.layout.certain,
        )
        for sweep in facts.layout.sweeps
    )
    recording = Recording(
        sweeps=sweeps,
        rate_hz=facts.rate_hz,
        unit=recorded_unit,
        cell_id=facts.path.stem,
        path=facts.path,
        sha256=_hash(facts.path),
        remarks=(*facts.layout.remarks, *find_suspects(sweeps)),
    )
    recording.warn()
    return recording


def describe_abf(path: str | Path, growing: bool = False) -> AbfFacts:
    """Read and check the header of an ABF file; takes milliseconds whatever the file's size.

    Raises RecordingError for a file that is damaged, contradicts itself or is no ABF file.
    """
    located = locate(checked_path(path, "an ABF file"), growing)
    fields = _fields_abf2(located) if located.is_abf2 else _fields_abf1(located)
    protocol = fields.protocol
    rate_hz = find_rate(located.path, fields.interval_us, fields.per_scan)
    # Where no unit is stated a tick is the interval between samples of any two channels.
    tick_us = protocol.fSynchTimeUnit or 1e6 / rate_hz / located.n_channels
    sweep_header = SweepHeader(
        mode=protocol.nOperationMode,
        n_sweeps=fields.n_sweeps,
        sweep_points=protocol.lNumSamplesPerEpisode,
        synch=located.synch,
        tick_us=tick_us,
        n_points=located.n_points,
        n_channels=located.n_channels,
        rate_hz=rate_hz,
    )
    layout = lay_out(located.path, sweep_header)
    integer = located.dtype.kind == "i"
    scales = [
        find_scale(located.path, protocol, fields.inputs, number) if integer else (1.0, 0.0)
        for number in fields.numbers
    ]
    return AbfFacts(
        path=located.path,
        version=located.version,
        mode=MODES[protocol.nOperationMode],
        rate_hz=rate_hz,
        channels=tuple(
            Channel(index, decode_text(name), decode_text(unit), gain, offset)
            for index, ((name, unit), (gain, offset)) in enumerate(
                zip(fields.labels, scales, strict=True)
            )
        ),
        layout=layout,
        n_samples=located.n_points // located.n_channels,
        dtype=located.dtype,
        data_start=located.data_start,
        rail=find_rail(protocol.lADCResolution) if integer else None,
    )


def _fields_abf1(located: AbfBytes) -> _Fields:
    header = bytearray(located.header)
    struct.pack_into("<i", header, 20, 1)  # A date of 0 would make pyabf ask the file system.
    struct.pack_into("<i", header, 48, 0)  # Tags lie behind the samples and are not needed.
    fields = HeaderV1(io.BytesIO(header))
    numbers = fields.nADCSamplingSeq[: located.n_channels]
    if not all(0 <= number < 16 for number in numbers) or len(set(numbers)) < len(numbers):
        expected = f"{located.n_channels} different inputs from 0 to 15"
        raise damaged(located.path, expected, numbers)
    if fields.nMSBinFormat != 0:
        raise damaged(located.path, "IEEE floating-point numbers", "Microsoft binary ones")
    (second_us,) = struct.unpack_from("<f", header, 126)
    if second_us not in (0, fields.fADCSampleInterval):
        actual = f"{fields.fADCSampleInterval:g} and {second_us:g} µs"
        raise damaged(located.path, "one sampling interval in a sweep", actual)
    return _Fields(
        protocol=fields,
        inputs=fields,
        numbers=numbers,
        labels=[
            (
                bytes(header[442 + 10 * number : 452 + 10 * number]),
                bytes(header[602 + 8 * number : 610 + 8 * number]),
            )
            for number in numbers
        ],
        n_sweeps=fields.lActualEpisodes,
        interval_us=fields.fADCSampleInterval,
        per_scan=located.n_channels,
    )


def _fields_abf2(located: AbfBytes) -> _Fields:
    with located.path.open("rb") as file:
        header, protocol, inputs = HeaderV2(file), ProtocolSection(file), ADCSection(file)
    if protocol.bEnableFileCompression != 0:
        raise damaged(located.path, "samples that are not compressed", "compressed ones")

    def text(number: int) -> bytes:
        if not 0 <= number <= len(located.texts):
            expected = f"a name or unit numbered up to {len(located.texts)}"
            raise damaged(located.path, expected, number)
        return located.texts[number - 1] if number else b""

    return _Fields(
        protocol=protocol,
        inputs=inputs,
        numbers=list(range(located.n_channels)),
        labels=[
            (text(name), text(unit))
            for name, unit in zip(inputs.lADCChannelNameIndex, inputs.lADCUnitsIndex, strict=True)
        ],
        n_sweeps=header.lActualEpisodes,
        interval_us=protocol.fADCSequenceInterval,
        per_scan=1,
    )


def _hash(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise damaged(path, "a file that can be read", error.strerror or error) from error
