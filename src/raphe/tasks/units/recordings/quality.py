"""What whoever curated a sorting called its units, in Phy's words."""

from collections.abc import Sequence

from raphe.core.sentences import counted, listed
from raphe.tasks.units.recordings.unit_set import named

NOISE, MANY = "noise", "mua"  # what is no unit, and what is several


def quality_remarks(noun: str, ids: Sequence[str], called: Sequence[str]) -> list[str]:
    """A sentence on those that are no units, and one on those that are several cells."""
    words = [word.casefold() for word in called]
    noise = [unit_id for unit_id, word in zip(ids, words, strict=True) if word == NOISE]
    n, n_kept = words.count(MANY), len(words) - len(noise)
    told = []
    if noise:
        told.append(
            f"{counted(noun, len(noise))} of {len(words)} {_are(len(noise))} called {NOISE}, and "
            f"not looked at: {listed(named(noise))}"
        )
    if n:
        told.append(
            f"{counted(noun, n)} of {n_kept} {_are(n)} called {MANY}: spikes of several cells, so "
            "that a verdict is of no one cell"
        )
    return told


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
