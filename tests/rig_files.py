"""Small files of other rigs, written as their makers' documents describe them.

Each writer takes `codes`, int16 (sweeps, N, C) as a converter gives them, and returns the path that
a user would name and, of channel 0, the gain and offset that its header states.
"""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

RATE_HZ = 20_000
Written = tuple[Path, float, float]


def write_winwcp(
    folder: Path, codes: np.ndarray, ranges_v=None, adc_max=32767, places=None
) -> Written:
    """`ranges_v` (sweeps,): the voltage range of each record; `places`: of channels in a sample."""
    n_records, n_samples, n_channels = codes.shape
    n_sectors = -(-n_samples * n_channels * 2 // 512)
    assert n_sectors * 512 == n_samples * n_channels * 2, "N to fill sectors"
    ranges_v = [10.0] * n_records if ranges_v is None else ranges_v
    lines = {
        "VER": 9, "CTIME": "01/02/2020 10:00:00", "RTIME": "01/02/2020 10:00:00",
        "NC": n_channels, "NR": n_records, "NBH": 2, "NBA": 2, "NBD": n_sectors,
        "AD": 10, "ADCMAX": adc_max, "DT": 1 / RATE_HZ, "NZ": 10,
    }  # fmt: skip
    for channel in range(n_channels):
        place = channel if places is None else places[channel]
        unit, name = ("pA", "Im") if channel == 0 else ("mV", f"Vm{channel}")
        lines |= {f"YN{channel}": name, f"YU{channel}": unit, f"YG{channel}": 0.01}
        lines[f"YO{channel}"] = place
    content = _text(lines, 1024)
    for record, range_v in zip(codes, ranges_v, strict=True):
        head = struct.pack("<8s4sfff8f", b"ACCEPTED", b"TEST", 0, 0, 1 / RATE_HZ, *[range_v] * 8)
        content += head.ljust(1024, b"\0") + record.astype("<i2").tobytes()
    return _written(folder / "cell.wcp", content), 10.0 / adc_max / 0.01, 0.0


def write_winedr(folder: Path, codes: np.ndarray, adc_max=32767) -> Written:
    (samples,) = codes
    n_channels = samples.shape[1]
    lines = {"VER": 6, "NC": n_channels, "NP": samples.size, "NBH": 2048, "AD": 10}
    lines |= {"ADCMAX": adc_max, "DT": 1 / RATE_HZ, "TU": "s"}
    for channel in range(n_channels):
        unit, name = ("pA", "Im") if channel == 0 else ("mV", f"Vm{channel}")
        lines |= {f"YN{channel}": name, f"YU{channel}": unit, f"YO{channel}": channel}
        lines |= {f"YCF{channel}": 0.01, f"YAG{channel}": 1, f"YZ{channel}": 8}
    gain = 10 / (0.01 * (adc_max + 1))
    content = _text(lines, 2048) + samples.astype("<i2").tobytes()
    return _written(folder / "cell.EDR", content), gain, -8 * gain


def write_axograph(folder: Path, codes: np.ndarray) -> Written:
    """Of AxoGraph X, recorded continuously: a column of times, then one for each channel."""
    (samples,) = codes
    n_samples, n_channels = samples.shape

    def text(words: str) -> bytes:
        coded = words.encode("utf-16-be")
        return struct.pack(">l", len(coded)) + coded

    content = b"axgx" + struct.pack(">ll", 6, 1 + n_channels)
    content += struct.pack(">ll", n_samples, 9) + text("Time (s)")
    content += struct.pack(">dd", 0.0, 1 / RATE_HZ)
    gain, offset = 5e-13, 1e-12  # of a current in A, as AxoGraph keeps it
    for channel in range(n_channels):
        title = "Current (A)" if channel == 0 else f"Potential {channel} (V)"
        content += struct.pack(">ll", n_samples, 10) + text(title)
        content += struct.pack(">dd", gain, offset) + samples[:, channel].astype(">i2").tobytes()
    content += text("") + text("") + struct.pack(">ll", 0, 0)
    return _written(folder / "cell.axgd", content), gain, offset


def write_igor(folder: Path, codes: np.ndarray, x_unit: bytes = b"ms") -> Written:
    """A wave of float32, version 5; several channels are its columns."""
    (samples,) = codes
    gain = 0.25
    data = np.asfortranarray(samples.astype("<f4") * np.float32(gain))
    step = 1000 / RATE_HZ if x_unit == b"ms" else 1 / RATE_HZ
    n_columns = samples.shape[1] if samples.shape[1] > 1 else 0
    wave = struct.pack("<LLLlhh6sh32slL", 0, 0, 0, data.size, 2, 0, b"", 1, b"Im", 0, 0)
    wave += struct.pack("<4l4d4d", len(samples), n_columns, 0, 0, step, 1, 1, 1, 0, 0, 0, 0)
    wave += b"pA\0\0" + x_unit.ljust(16, b"\0") + struct.pack("<hhdd", 0, 0, 0, 0)
    wave = wave.ljust(320, b"\0")
    sizes = (320 + data.nbytes, *[0] * 14)

    def header(checksum: int) -> bytes:
        return struct.pack("<hh15l", 5, checksum, *sizes)

    total = int(np.frombuffer(header(0) + wave, "<i2").sum(dtype=np.int64))
    checksum = (-total + 2**15) % 2**16 - 2**15
    content = header(checksum) + wave + data.tobytes(order="F")
    return _written(folder / "cell.ibw", content), gain, 0.0


def write_intan(folder: Path, codes: np.ndarray, suffix: str = ".rhd") -> Written:
    """One file with all in it, of RHX 3: blocks of 128 samples, codes from 0 to 65535."""
    (samples,) = codes
    n_samples, n_channels = samples.shape
    assert n_samples % 128 == 0, "N to fill blocks"
    names = [f"A-{channel:03d}" for channel in range(n_channels)]
    rhs = suffix == ".rhs"
    if rhs:
        head = struct.pack("<Ihhfhffffffffhffhhfff", 0xD69127AC, 3, 0, RATE_HZ, *[0] * 17)
        head += _qstrings("", "", "") + struct.pack("<hh", 0, 0) + _qstrings("n/a")
    else:
        head = struct.pack("<Ihhfhffffffhff", 0xC6912702, 3, 0, RATE_HZ, *[0] * 10)
        head += _qstrings("", "", "") + struct.pack("<hh", 0, 0) + _qstrings("n/a")
    head += struct.pack("<h", 1) + _qstrings("Port A", "A")
    head += struct.pack("<hhh", 1, n_channels, n_channels)
    for number, name in enumerate(names):
        head += _qstrings(name, f"electrode {number}")
        n_shorts = 11 if rhs else 10
        shorts = [number, number, 0, 1, *[0] * (n_shorts - 4)]
        head += struct.pack(f"<{n_shorts}hff", *shorts, 0.0, 0.0)
    fields = [("time", "<i4", 128), *((name, "<u2", 128) for name in names)]
    fields += [(f"{name} stimulus", "<u2", 128) for name in names] if rhs else []
    blocks = np.zeros(n_samples // 128, fields)
    blocks["time"] = np.arange(n_samples).reshape(-1, 128)
    for channel, name in enumerate(names):
        blocks[name] = (samples[:, channel].astype(int) + 2**15).reshape(-1, 128)
    path = _written(folder / f"cell{suffix}", head + blocks.tobytes())
    return path, 0.195, -(2**15) * 0.195 + 2**15 * 0.195


def write_intan_folder(folder: Path, codes: np.ndarray) -> Written:
    """One file for each kind of signal, beside info.rhd."""
    (samples,) = codes
    n_samples = len(samples) - len(samples) % 128
    path, gain, offset = write_intan(folder, codes[:, :n_samples])
    head = path.read_bytes()[: -(n_samples // 128) * 128 * (4 + 2 * samples.shape[1])]
    path.unlink()
    session = folder / "day 1"
    session.mkdir()
    _written(session / "time.dat", np.arange(n_samples, dtype="<i4").tobytes())
    _written(session / "amplifier.dat", samples[:n_samples].astype("<i2").tobytes())
    return _written(session / "info.rhd", head), gain, offset


def write_spike2(folder: Path, codes: np.ndarray, pause: int = 0, block: int = 500) -> Written:
    """Of 32 bits, in blocks; sweeps are apart by `pause` samples, else they are one."""
    n_channels = codes.shape[2]
    ticks = 1_000_000 // RATE_HZ
    scale, offset = 6553.6 * 0.02, 0.5
    channels, data, at = b"", b"", 512 + 140 * n_channels
    for channel in range(n_channels):
        pieces = []
        for number, sweep in enumerate(codes[:, :, channel]):
            first = number * (len(sweep) + pause)
            pieces += [(first + i, sweep[i : i + block]) for i in range(0, len(sweep), block)]
        starts = at + np.cumsum([0, *(20 + piece.nbytes for _, piece in pieces)])
        for k, (first, piece) in enumerate(pieces):
            previous = int(starts[k - 1]) if k else -1
            following = int(starts[k + 1]) if k + 1 < len(pieces) else -1
            begin, end = first * ticks, (first + len(piece) - 1) * ticks
            data += struct.pack("<iiiihh", previous, following, begin, end, channel, len(piece))
            data += piece.astype("<i2").tobytes()
        title, unit = (b"Im", b"pA") if channel == 0 else (b"Vm", b" Volt")
        record = struct.pack("<hiiihhhhhh", 0, -1, int(starts[0]), int(starts[-2]), len(pieces),
                             0, 0, 0, 0, 0)  # fmt: skip
        record += b"\0" * 72 + struct.pack("<iih", 0, ticks, channel) + _pascal(title, 10)
        record += struct.pack("<fBb", RATE_HZ, 1, 0) + struct.pack("<ff", scale, offset)
        channels += (record + _pascal(unit, 6) + struct.pack("<h", 1)).ljust(140, b"\0")
        at = int(starts[-1])
    head = struct.pack("<h10s8shhhihhhhhid", 6, b"(C) CED 87", b"", 1, 1, 0, 512, n_channels, 140,
                       0, 0, 0, 0, 1e-6)  # fmt: skip
    gain = float(np.float32(scale)) / 6553.6
    return _written(folder / "cell.smr", head.ljust(512, b"\0") + channels + data), gain, offset


def write_open_ephys(folder: Path, codes: np.ndarray, lost: int = 0) -> Written:
    """The binary format since 0.6; between sweeps `lost` samples are missing."""
    n_sweeps, n_samples, n_channels = codes.shape
    recording = folder / "mouse 3" / "Record Node 104" / "experiment1" / "recording2"
    stream = recording / "continuous" / "Rhythm-100.0"
    stream.mkdir(parents=True)
    channels = [
        {"channel_name": f"CH{channel + 1}", "bit_volts": 0.195, "units": "uV"}
        for channel in range(n_channels)
    ]
    described = {"folder_name": "Rhythm-100.0/", "sample_rate": RATE_HZ, "channels": channels}
    structure = {"GUI version": "0.6.4", "continuous": [described], "events": [], "spikes": []}
    codes.reshape(-1, n_channels).astype("<i2").tofile(stream / "continuous.dat")
    numbers = np.arange(n_samples) + (np.arange(n_sweeps) * (n_samples + lost))[:, None]
    np.save(stream / "sample_numbers.npy", 1000 + numbers.ravel())
    path = _written(recording / "structure.oebin", json.dumps(structure).encode())
    return path, 0.195, 0.0


def write_open_ephys_first(folder: Path, codes: np.ndarray, lost: int = 0) -> Written:
    """The first format: a file for each channel, of records of 1024 samples."""
    session = folder / "mouse 3"
    session.mkdir()
    for channel in range(codes.shape[2]):
        lines = {
            "format": "'Open Ephys Data Format'", "version": 0.4, "header_bytes": 1024,
            "date_created": "'1-Feb-2020 100000'",
            "channel": f"'CH{channel + 1}'", "sampleRate": RATE_HZ, "blockLength": 1024,
            "bufferSize": 1024, "bitVolts": 0.195,
        }  # fmt: skip
        head = "".join(f"header.{key} = {value};\n" for key, value in lines.items())
        content, at = head.encode().ljust(1024), 5000
        for sweep in codes[:, :, channel]:
            assert len(sweep) % 1024 == 0, "N to fill records"
            for start in range(0, len(sweep), 1024):
                content += struct.pack("<qHH", at + start, 1024, 0)
                content += sweep[start : start + 1024].astype(">i2").tobytes() + bytes(range(10))
            at += len(sweep) + lost
        _written(session / f"100_CH{channel + 1}.continuous", content)
    return _written(session / "Continuous_Data.openephys", b"<EXPERIMENT/>"), 0.195, 0.0


WRITERS: dict[str, Callable[[Path, np.ndarray], Written]] = {
    "AxoGraph": write_axograph,
    "Igor": write_igor,
    "Intan RHD": write_intan,
    "Intan RHS": lambda folder, codes: write_intan(folder, codes, ".rhs"),
    "Intan folder": write_intan_folder,
    "Open Ephys": write_open_ephys,
    "Open Ephys (first format)": write_open_ephys_first,
    "Spike2": write_spike2,
    "WinEDR": write_winedr,
    "WinWCP": write_winwcp,
}


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _text(lines: dict[str, object], n_bytes: int) -> bytes:
    text = "".join(f"{key}={value}\r\n" for key, value in lines.items()).encode()
    assert len(text) <= n_bytes
    return text.ljust(n_bytes, b"\0")


def _pascal(text: bytes, n_bytes: int) -> bytes:
    return (bytes([len(text)]) + text).ljust(n_bytes, b" ")


def _qstrings(*texts: str) -> bytes:
    coded = [text.encode("utf-16-le") for text in texts]
    return b"".join(struct.pack("<I", len(each)) + each for each in coded)
