"""On the way to a verdict a recording's header is parsed once, whatever unit is asked for."""

import numpy as np
import pytest

from raphe.core.abf import reader
from raphe.core.abf.writer import write_abf
from raphe.tasks.celltype.recordings.read_recording import read_recording
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.verdicts.cell_input import Reading
from raphe.tasks.celltype.verdicts.find_cells import find_cells

RATE_HZ = 40_000.0


@pytest.fixture
def parsed(monkeypatch):
    """The files whose header was parsed, one entry each time."""
    paths, locate = [], reader.locate

    def counting(path, *options):
        paths.append(path)
        return locate(path, *options)

    monkeypatch.setattr(reader, "locate", counting)
    return paths


@pytest.mark.parametrize("accept_unit", [None, "mV"])
def test_a_header_is_parsed_once_on_the_way_to_a_verdict(tmp_path, parsed, accept_unit):
    samples = np.zeros(40_000, np.float32)
    samples[4_000:4_004] = -90
    path = write_abf(tmp_path / "A140313#073.abf", samples, RATE_HZ, accept_unit or "pA")
    (cell,), _ = find_cells([tmp_path])
    assert parsed == []  # to find a file is not to read it
    assert len(cell.read(Reading(Cut(accept_unit=accept_unit)))) == 1
    assert parsed == [path]


def test_the_accepted_unit_is_taken_where_nothing_else_is_asked_for(tmp_path):
    path = write_abf(tmp_path / "a.abf", np.ones(1000, np.float32), RATE_HZ, "mV")
    assert read_recording(path, None, None, accept_unit="mV").unit == "mV"
    assert read_recording(path, 0, None, accept_unit="mV").unit == "mV"
