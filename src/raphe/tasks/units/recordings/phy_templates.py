"""Templates of a Phy folder as they are in the recording: on all channels, and not whitened.

FOLDER/templates.npy          (P, T, channels) as sorted, by Kilosort whitened
FOLDER/templates_ind.npy      (P, channels) which channels, where templates hold some alone, −1
                              for none; template_ind.npy as SpikeInterface writes it
FOLDER/channel_map.npy        (channels,) of the file that was sorted; may be missing
FOLDER/whitening_mat_dat.npy  (channels, channels) W of Kilosort 4: whitened is W · recorded
FOLDER/whitening_mat_inv.npy  (channels, channels) of older ones: recorded is whitened · inverse

Kilosort 2.5 and 3, and the first versions of 4, write a matrix as whitening_mat_inv.npy that
changes the scale alone, since Phy then shows whitened traces (save_to_phy in kilosort/io.py,
rezToPhy.m). P templates, T samples.
"""

from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.recordings.arrays import load_array

TEMPLATES = "templates.npy"
CHANNELS = ("templates_ind.npy", "template_ind.npy")  # Kilosort's and SpikeInterface's
CHANNEL_MAP = "channel_map.npy"
WHITENING, INVERSE = "whitening_mat_dat.npy", "whitening_mat_inv.npy"
MOST_CHANNELS = 10_000  # of a probe, or several
STILL_WHITENED = (
    f"the waveforms are of whitened traces: {INVERSE} changes their scale alone, as Kilosort 2.5 "
    "and 3 write it, and a whitened spike has another shape than a recorded one; for a classifier "
    "of recorded ones compute the templates from the recording, as in a SortingAnalyzer of "
    "SpikeInterface"
)


def recorded_templates(path: Path) -> tuple[np.ndarray, list[str]]:
    """Of a folder that has them, float64 (P, T, channels), and what must be known of them.

    Raises:
        RecordingError: arrays that do not fit each other, or cannot be read.
    """
    templates = load_array(path / TEMPLATES, RecordingError)
    if templates.ndim != 3 or templates.dtype.kind not in "fiu":
        raise RecordingError(
            f"{path / TEMPLATES}: expected templates × samples × channels, got "
            f"{templates.shape} {templates.dtype}; export the sorting for Phy anew"
        )
    file = next((path / name for name in (WHITENING, INVERSE) if (path / name).is_file()), None)
    matrix = load_array(file, RecordingError).astype(np.float64) if file else None
    n_channels = _n_mapped(path) if matrix is None else len(matrix)
    templates = _on_all_channels(path, templates.astype(np.float64), n_channels)
    if file is None or matrix is None:
        return templates, []
    if matrix.shape != (templates.shape[2], templates.shape[2]):
        raise RecordingError(
            f"{file}: expected {templates.shape[2]} × {templates.shape[2]} channels as "
            f"{TEMPLATES} has, got {matrix.shape}; copy both from one sorting"
        )
    if file.name == INVERSE:
        return templates @ matrix, [STILL_WHITENED] * _is_scale_alone(matrix)
    try:
        return np.linalg.solve(matrix, templates.swapaxes(1, 2)).swapaxes(1, 2), []
    except np.linalg.LinAlgError:
        raise RecordingError(
            f"{file}: expected a matrix that can be undone, got a singular one; sort anew without "
            "the channels that are silent"
        ) from None


def _n_mapped(path: Path) -> int:
    """How many channels channel_map.npy names, 0 without it."""
    file = path / CHANNEL_MAP
    return load_array(file, RecordingError).size if file.is_file() else 0


def _is_scale_alone(matrix: np.ndarray) -> bool:
    """Whether a matrix of several channels mixes none of them."""
    off_diagonal = matrix - np.diag(np.diag(matrix))
    return len(matrix) > 1 and not off_diagonal.any()


def _on_all_channels(path: Path, templates: np.ndarray, n_channels: int) -> np.ndarray:
    """Templates (P, T, all channels), 0 where each has none, of such as hold some channels alone.

    So the same column is the same channel of all. `n_channels` there are at the least.
    """
    file = next((path / name for name in CHANNELS if (path / name).is_file()), None)
    if file is None:
        return templates
    channel = load_array(file, RecordingError)
    fits = channel.shape == (len(templates), templates.shape[2])
    if not fits and templates.shape[2] == n_channels:
        return templates  # all are there: pykilosort writes one of channels × templates beside them
    if not fits or channel.dtype.kind not in "fiu":
        raise RecordingError(
            f"{file}: expected {len(templates)} × {templates.shape[2]} channels as {TEMPLATES} "
            f"has, got {channel.shape} {channel.dtype}; export the sorting anew"
        )
    if not channel.size or (channel == np.arange(channel.shape[1])).all():
        return templates
    n_channels = max(n_channels, int(channel.max()) + 1)
    if n_channels > MOST_CHANNELS:
        raise RecordingError(
            f"{file}: expected the numbers of {MOST_CHANNELS} channels at most, got one of "
            f"{n_channels - 1}; export the sorting anew"
        )
    dense = np.zeros((*templates.shape[:2], n_channels))
    for template, channels, into in zip(templates, channel.astype(int), dense, strict=True):
        is_one = channels >= 0  # where a template has fewer the rest is −1
        into[:, channels[is_one]] = template[:, is_one]
    return dense
