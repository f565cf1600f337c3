"""Neurodata Without Borders files (.nwb) as recordings."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from raphe.core.abf.channels import Channel, choose_channel, settle_unit
from raphe.core.errors import RecordingError
from raphe.core.files.hashed_folder import sha256_of
from raphe.core.files.path import checked_path
from raphe.core.nwb import version1, version2
from raphe.core.nwb.contents import Contents, told
from raphe.core.nwb.self_contained import require_self_contained
from raphe.core.nwb.series import reason, word
from raphe.core.nwb.sweeps import SweptChannel, channels_of
from raphe.core.recordings.rates import same_rate
from raphe.core.recordings.recording import Recording, Trace, find_suspects
from raphe.core.recordings.units import unit_factor
from raphe.core.sentences import counted, listed

MOST_LISTED = 20  # channels in a sentence


def read_nwb(
    path: str | Path,
    channel: int | str | None = None,
    unit: str | None = None,
    stimulus: bool = False,
    preferred_unit: str | None = None,
) -> Recording:
    """Open one acquired channel of an NWB file; its samples stay on disk until they are read.

    Series of one electrode that do not overlap in time are sweeps of one channel; a gap in
    timestamps begins a new sweep.

    Args:
        path: of NWB 2, or 1.0.
        channel: index, name of an electrode or of a series, a series' place in the file
            ("processing/ecephys/LFP/es"), or a unit; None takes the only channel, or the only
            current.
        unit: of a channel whose series leave it blank; one that differs is refused.
        stimulus: one of those that were presented instead.
        preferred_unit: where neither channel nor unit is given, channels in it go before currents.

    Reads the file twice in chunks (hash, suspect samples) and warns (RecordingWarning) of suspect
    samples. Raises RecordingError; TypeError for what is no path.
    """
    contents = open_contents(checked_path(path, "an NWB file"))
    if preferred_unit and channel is None and unit is None:
        units = {series.unit for series in contents.acquired()}
        unit = preferred_unit if preferred_unit in units else None
    recording = recording_of(contents, choose(contents, channel, unit, stimulus), unit)
    recording = replace(recording, sha256=_hash(contents.path))
    recording.warn()
    return recording


def open_contents(path: Path) -> Contents:
    """What the file holds, no sample read. Raises RecordingError."""
    if not path.is_file():
        what = "a folder, or what is no file" if path.exists() else "no such file"
        raise RecordingError(f"{path}: expected an NWB file, got {what}")
    try:
        path.open("rb").close()
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not h5py.is_hdf5(path):
        raise RecordingError(
            f"{path}: expected an NWB file, which is HDF5, got another; check the path, or copy it "
            "anew"
        )
    require_self_contained(path)
    version = _version(path)
    if version.startswith("1"):
        return version1.read_contents(path, version)
    return version2.read_contents(path, version)


def _version(path: Path) -> str:
    """As the file tells it, "2.7.0" or "1.0.5". Raises RecordingError where it does not."""
    try:
        with h5py.File(path, "r") as file:
            stated = file.attrs.get("nwb_version")
            if stated is None and isinstance(file.get("nwb_version"), h5py.Dataset):
                stated = file["nwb_version"][()]
    except Exception as error:  # h5py raises whatever the library does
        raise RecordingError(
            f"{path}: expected an NWB file, which is HDF5, got one that cannot be read as such"
            f"{reason(error)}: copy it anew"
        ) from error
    text = word(stated)
    version = text.strip().upper().removeprefix("NWB-").casefold()
    if not version or not version.isprintable():
        raise RecordingError(
            f"{path}: expected an NWB file, got HDF5 without an nwb_version; export it as NWB 2"
        )
    if version[0] not in "12":
        raise RecordingError(
            f"{path}: expected NWB 2 or 1.0, got NWB {version[:20]}; export it as NWB 2"
        )
    return version[:20]


def acquired_channels(path: Path) -> list[Channel]:
    """Those that one is chosen among, no sample read. Raises RecordingError."""
    return _listed(channels_of(open_contents(path).acquired()))


def choose(
    contents: Contents,
    channel: int | str | None,
    unit: str | None,
    stimulus: bool = False,
) -> SweptChannel:
    """The channel that is meant; of a series that was named this series alone.

    Raises RecordingError that lists the channels if none or several fit.
    """
    if isinstance(channel, str) and (named := contents.named(channel.strip(), stimulus)):
        if len(named) > 1:
            alike = len({series.place for series in named}) == 1
            names = [series.name if alike else series.whole_name for series in named]
            raise RecordingError(
                f"{contents.path}: {channel!r} names {len(named)} of its "
                f"{'channels' if alike else 'series'}, {listed(names[:MOST_LISTED])}; choose one "
                "by that name (channel=, or --channel)"
            )
        return SweptChannel((named[0],))
    if isinstance(channel, str) and (why := contents.why_not(channel.strip())):
        raise RecordingError(f"{contents.path}: {why}; choose another by --channel")
    swept = channels_of(contents.presented() if stimulus else contents.acquired())
    if not swept:
        raise RecordingError(f"{contents.path}: {_nothing(contents, stimulus)}")
    return choose_among(contents, swept, channel, unit)


def choose_among(
    contents: Contents,
    swept: Sequence[SweptChannel],
    channel: int | str | None,
    unit: str | None,
    quantity: str = "",
    option: str = "--channel",
) -> SweptChannel:
    """One of these channels; with a `quantity`, "V" or "A", of those that measure it.

    Raises RecordingError that lists them, and the option that chooses, if none or several fit.
    """
    channels = [
        channel
        for channel in _listed(swept)
        if not quantity or unit_factor(channel.unit, quantity) is not None
    ]
    return swept[choose_channel(contents.path, channels, channel, unit, option).index]


def _listed(swept: Sequence[SweptChannel]) -> list[Channel]:
    """As they are chosen among: a series whose name another has goes by its place in the file."""
    names = [member.name for member in swept]
    return [
        Channel(
            index,
            member.series[0].whole_name
            if len(member.series) == 1 and names.count(member.name) > 1
            else member.name,
            member.unit,
            member.series[0].gain,
            member.series[0].offset,
            detail=member.detail,
            other_names=frozenset(filter(None, (member.series[0].electrode, member.name))),
        )
        for index, member in enumerate(swept)
    ]


def _nothing(contents: Contents, stimulus: bool) -> str:
    """Why there is nothing to choose from."""
    kind = "a stimulus" if stimulus else "an acquired"
    words = f"expected {kind} series of samples, found none"
    words += contents.why_nothing
    if not stimulus and (elsewhere := contents.elsewhere()):
        words += f"; choose one of {listed(elsewhere[:MOST_LISTED], 'or')} by --channel"
    return words


def recording_of(contents: Contents, swept: SweptChannel, unit: str | None) -> Recording:
    """The channel's sweeps, each stretch without a gap one. Raises RecordingError."""
    path = contents.path
    rates = [series.sampled_hz for series in swept.series]
    if not all(same_rate(rate, rates[0]) for rate in rates):
        raise RecordingError(
            f"{path}: expected one sampling rate in {swept.name}, got "
            f"{', '.join(f'{rate:g}' for rate in sorted(set(rates)))} Hz; choose one series by its "
            "name (--channel)"
        )
    (channel,) = _listed([swept])
    recorded_unit = settle_unit(path, channel, unit)
    sweeps = _sweeps(swept, recorded_unit)
    return Recording(
        sweeps=sweeps,
        rate_hz=rates[0],
        unit=recorded_unit,
        cell_id=path.stem,
        path=path,
        remarks=(*_remarks(contents, swept), *find_suspects(sweeps)),
    )


def _sweeps(swept: SweptChannel, unit: str) -> tuple[Trace, ...]:
    traces = [trace for series in swept.series for trace in series.traces(unit)]
    if swept.timed:
        return tuple(sorted(traces, key=lambda trace: trace.start_s))
    # All begin at one time: one behind the other, without a pause.
    rate_hz = swept.series[0].sampled_hz
    ends_s = np.cumsum([0, *(trace.n_samples for trace in traces)]) / rate_hz
    first_s = traces[0].start_s
    return tuple(
        replace(trace, start_s=first_s + end_s)
        for trace, end_s in zip(traces, ends_s.tolist(), strict=False)
    )


def _remarks(contents: Contents, swept: SweptChannel) -> list[str]:
    remarks = []
    if contents.left_out:
        n = counted("series", len(contents.left_out), "series")
        remarks.append(f"left out {n} of the file: {told(contents.left_out)}")
    if not swept.timed:
        remarks.append(
            f"all sweeps of {swept.name} have one starting time: taken in the order of their "
            "numbers, without pauses"
        )
    return remarks


def _hash(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror or error})") from error
