"""One spike in the authors' CSV: a header and T rows of time in s and current in pA, either first.

Every function raises ValueError with a sentence that lacks only the file's name.
"""

import numpy as np

STEP_TOLERANCE = 0.01  # of the time step: the files round their times
SEPARATORS = bytes.maketrans(b",;\t", b"   ")


def parse_columns(data: bytes) -> np.ndarray:
    """The two columns of a file, its header left out: float64 (rows, 2)."""
    lines = data.translate(SEPARATORS).splitlines()
    if lines and not _is_number(lines[0].split()[:1]):
        lines = lines[1:]
    rows = [line for line in lines if line.strip()]
    try:
        values = np.array([float(word) for row in rows for word in row.split()])
    except ValueError as error:
        raise ValueError(f"expected a header and rows of two numbers, {error}") from None
    if len(values) != 2 * len(rows):
        raise ValueError(f"expected two columns, got {len(values)} numbers in {len(rows)} rows")
    if not np.isfinite(values).all():
        raise ValueError("expected numbers, got NaN or infinity")
    return values.reshape(-1, 2)


def rising_columns(columns: np.ndarray) -> np.ndarray:
    """Which of the columns (…, rows, 2) strictly increase in every spike, as a time does.

    Returns their indices, int64 (0 to 2,).
    """
    is_rising = (np.diff(columns, axis=-2) > 0).reshape(-1, columns.shape[-1])
    return np.flatnonzero(is_rising.all(axis=0))


def check_step(time_s: np.ndarray, rate_hz: float) -> None:
    """Refuse times in s, float64 (rows,), that are not sampled at `rate_hz`."""
    step, expected = (time_s[-1] - time_s[0]) / (len(time_s) - 1), 1 / rate_hz
    if abs(step - expected) > STEP_TOLERANCE * expected:
        raise ValueError(f"expected a time step of {expected:g} s ({rate_hz:g} Hz), got {step:g}")


def _is_number(words: list[bytes]) -> bool:
    try:
        return bool(words) and float(words[0]) is not None
    except ValueError:
        return False
