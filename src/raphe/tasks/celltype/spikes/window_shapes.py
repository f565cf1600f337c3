"""What windows are compared by: a hash, and their shape whatever gain, offset and polarity."""

from hashlib import blake2b

import numpy as np

HASH_BYTES = 8


def hash_windows(windows: np.ndarray) -> np.ndarray:
    """A hash of each window (n, T), the same for equal values alone: uint64 (n,).

    0 of a window that is one value throughout, which is nobody's spike.
    """
    rows = np.ascontiguousarray(windows, np.float32) + np.float32(0)  # −0 is 0
    data, size = memoryview(rows.reshape(-1).view(np.uint8)), rows.itemsize * rows.shape[1]
    digests = b"".join(
        blake2b(data[start : start + size], digest_size=HASH_BYTES).digest()
        for start in range(0, len(data), size)
    )
    hashes = np.frombuffer(digests, np.uint64)
    return np.where(np.ptp(rows, axis=1) > 0, hashes, np.uint64(0))


def unit_windows(windows: np.ndarray) -> np.ndarray:
    """Windows (n, T) of mean 0 and norm 1, so that no gain or offset hides a copy: float64.

    One that is one value throughout is 0.
    """
    centred = centred_windows(windows)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.where(norm > 0, norm, 1)


def upright_windows(windows: np.ndarray) -> np.ndarray:
    """Windows (n, T) with their largest sample upwards, so that no polarity hides a copy."""
    largest = np.abs(windows).argmax(axis=1)
    return windows * np.where(windows[np.arange(len(windows)), largest] < 0, -1, 1)[:, None]


def centred_windows(windows: np.ndarray) -> np.ndarray:
    """Windows (n, T) of mean 0: float64."""
    return windows - windows.mean(axis=1, keepdims=True, dtype=np.float64)
