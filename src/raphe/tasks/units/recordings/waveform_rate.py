"""The sampling rate of waveforms: what a source says of it, and what whoever reads it does."""

from pathlib import Path

from raphe.core.errors import RecordingError
from raphe.core.recordings.rates import check_rate, same_rate


def waveform_rate(where: Path | str, stated: object, given: float | None) -> float | None:
    """In Hz: that which is stated, which must be what is given, or that which is given.

    Args:
        where: what sentences call the source of `stated`.
        stated: what it says, None where it says nothing.
        given: what --rate-hz says.

    Raises:
        RecordingError: a rate that cannot be, or two that differ.
    """
    if stated is None:
        return None if given is None else check_rate(given, "--rate-hz", RecordingError)
    rate_hz = check_rate(stated, str(where), RecordingError)
    if given is not None and not same_rate(given, rate_hz):
        raise RecordingError(
            f"{where}: says {rate_hz:g} Hz, and --rate-hz {given:g}; leave the option out"
        )
    return rate_hz
