"""The sentence that data carry beside every result from them, and how it reads of networks.

A store's note is about its recordings. Beside what networks say of other recordings, perhaps real
ones, it must be about those that the networks were trained on.
"""

import re

SIMULATED = (
    "These {data} are simulated: figures on them say nothing about biology, only that the software "
    "works."
)
TRAINED_ON_SIMULATED = (
    "The networks were trained on simulated {data}: what they say of real ones has no biological "
    "meaning; it only shows that the software works."
)
_SIMULATED = re.compile(re.escape(SIMULATED).replace(re.escape("{data}"), r"(?P<data>\w+)"))


def simulated(data: str) -> str:
    """The note of simulated data, as "recordings"."""
    return SIMULATED.format(data=data)


def note_of_networks(note: str) -> str:
    """What stands beside everything that networks say which were trained on data of this note.

    >>> note_of_networks(simulated("traces")).split(":")[0]
    'The networks were trained on simulated traces'
    >>> note_of_networks("Recorded at 22 °C."), note_of_networks("")
    ('Of the data that the networks were trained on: “Recorded at 22 °C.”', '')
    """
    match = _SIMULATED.search(note)
    if match is None:
        return f"Of the data that the networks were trained on: “{note}”" if note else ""
    others = " ".join((note[: match.start()] + note[match.end() :]).split())
    of_networks = TRAINED_ON_SIMULATED.format(data=match["data"])
    return f"{of_networks} {note_of_networks(others)}".strip()
