"""What a reader promises of a file that is damaged, and how one attempt is judged.

A reader answers, or refuses in one sentence; it takes no more memory than what it returns and 3
times the file, or 300 MB, beyond it; it comes to an end.
"""

import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LONGEST_SENTENCE = 700
TIMES_THE_FILE, ALLOWANCE = 3, 300 * 10**6
LONGEST_S = 20.0


@dataclass(frozen=True)
class Reader:
    """A reader of files, to be tried with damaged ones.

    Args:
        suffix: of the files; "": each seed's own.
        seeds: makes whole files in an empty folder and returns their paths.
        read: reads a file, or what lies beside it, and returns the bytes that it holds, or None.
        errors: what it may raise: RecordingError, BundleError …
        beside: the file stands in a folder with others (a bundle's manifest): `seeds` are folders,
            and this is the name of the one that is damaged.
    """

    suffix: str
    seeds: Callable[[Path], Sequence[Path]]
    read: Callable[[Path], int | None]
    errors: tuple[type[Exception], ...]
    beside: str = ""


@dataclass(frozen=True)
class Attempt:
    """What came of one damaged file: "read", "refused", or one of the faults."""

    outcome: str
    detail: str = ""
    is_fault: bool = field(default=False)


def attempt(reader: Reader, path: Path, in_child: bool = False) -> Attempt:
    """Read the file at `path`. With `in_child` the peak of this process's memory is judged, too."""
    before = _reset_peak() if in_child else 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            held = reader.read(path)
    except reader.errors as error:
        outcome = _judged(str(error))
        held = 0
    except Exception:
        return Attempt("traceback", traceback.format_exc(), is_fault=True)
    else:
        outcome = Attempt("read")
    if in_child and not outcome.is_fault:
        taken = _peak() - before
        size = path.stat().st_size if path.is_file() else 0
        allowed = (held or 0) + max(TIMES_THE_FILE * size, ALLOWANCE)
        if taken > allowed:
            return Attempt(
                "memory", f"{taken / 1e6:.0f} MB of {allowed / 1e6:.0f} MB allowed", is_fault=True
            )
    return outcome


def _judged(sentence: str) -> Attempt:
    """Whether what was said is one sentence for a person."""
    if not sentence.strip() or len(sentence) > LONGEST_SENTENCE:
        return Attempt("words", f"{len(sentence)} letters: {sentence[:200]!r}", is_fault=True)
    if not sentence.replace("\n", " ").isprintable() or sentence.count("\n") > 5:
        return Attempt("words", f"not printable: {sentence[:200]!r}", is_fault=True)
    if "Traceback" in sentence or "object at 0x" in sentence:
        return Attempt("words", f"for programmers: {sentence[:200]!r}", is_fault=True)
    return Attempt("refused", sentence)


def _reset_peak() -> int:
    """Bytes that this process holds now, from where its peak counts anew."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0
