"""What whoever curated a sorting called its units, in Phy's words."""

from collections.abc import Sequence

from raphe.core.sentences import counted

NOISE, MANY = "noise", "mua"  # what is no unit, and what is several


def mixed_remark(noun: str, called: Sequence[str]) -> list[str]:
    """A sentence on those that are several cells, of what all are called; or none."""
    n = sum(word.casefold() == MANY for word in called)
    if not n:
        return []
    return [
        f"{counted(noun, n)} of {len(called)} {'is' if n == 1 else 'are'} called {MANY}: spikes of "
        "several cells, of which no class is told"
    ]
