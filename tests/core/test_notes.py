"""Notes: what is said of data, and of networks that were trained on them."""

import doctest

from raphe.core import notes
from raphe.core.notes import note_of_networks, simulated


def test_the_examples_hold():
    assert doctest.testmod(notes).failed == 0


def test_a_users_recording_is_never_called_simulated():
    note = note_of_networks(f"Made up. {simulated('recordings')} Twice.")
    assert "These recordings" not in note
    assert note.startswith("The networks were trained on simulated recordings: ")
    assert note.endswith("Of the data that the networks were trained on: “Made up. Twice.”")
