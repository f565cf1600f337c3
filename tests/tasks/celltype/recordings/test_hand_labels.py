"""What a person says of recordings is the table that `raphe extract` reads."""

from pathlib import Path

import numpy as np
import pytest

from raphe.core.abf.writer import write_abf
from raphe.core.bundles.opened_file import HandLabel
from raphe.core.errors import RecordingError, SettingError
from raphe.tasks.celltype.recordings.hand_labels import labelled_csv
from raphe.tasks.celltype.stores.extract import extract
from raphe.tasks.celltype.stores.open_spikes import open_spikes

CLASSES = ("SER", "NSER")


def write_recording(path: Path, width: int) -> None:
    samples = np.zeros(20_000, np.float32)
    samples[5000 : 5000 + width] = -100.0
    path.parent.mkdir(exist_ok=True)
    write_abf(path, samples, 40_000.0, "pA")


def test_extract_reads_what_was_said(tmp_path: Path) -> None:
    folder = tmp_path / "rec"
    folder.mkdir()
    names = ("a.abf", "SER/b.abf", "SER/c.abf", "d.abf", "e.abf")
    for width, name in enumerate(names, start=3):
        write_recording(folder / name, width)
    said = (
        HandLabel("a.abf", "NSER", 'small, but "clean"'),
        HandLabel("d.abf", "SER"),
        HandLabel("SER/b.abf", "not a neuron"),
        HandLabel("e.abf", "unsure", "=two\ncells?"),
    )
    (folder / "cells.csv").write_text(labelled_csv(said, CLASSES))
    report = extract(folder, tmp_path / "store")
    cells = {cell.cell_id: CLASSES[cell.label] for cell in open_spikes(tmp_path / "store").cells}
    assert cells == {"a": "NSER", "c": "SER", "d": "SER"}
    reasons = {failure.path.name: failure.message for failure in report.failed}
    assert reasons == {
        "b.abf": "cells.csv says “not a neuron” of it",
        "e.abf": "cells.csv says “unsure” of it",
    }


def test_other_rows_and_columns_of_a_table_stay(tmp_path: Path) -> None:
    table = tmp_path / "cells.csv"
    table.write_text("File;Label;animal\nday 1\\a;SER;m1\nb.abf;;m2\n", encoding="utf-8-sig")
    said = (HandLabel("day 1/a.abf", "NSER", "doublets"), HandLabel("c.nwb", "SER"))
    assert labelled_csv(said, CLASSES, table) == (
        "File,Label,animal,note\nday 1\\a,NSER,m1,doublets\nb.abf,,m2,\nc.nwb,SER,,\n"
    )


def test_a_label_may_be_taken_back_and_said_anew() -> None:
    said = (HandLabel("a.abf", "SER", "good"), HandLabel("a.abf", ""), HandLabel("b.abf", ""))
    assert labelled_csv(said, CLASSES) == "file,label,note\na.abf,,\n"


def test_what_cannot_be_said_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="expected SER, NSER, not a neuron or unsure, got 'PV'"):
        labelled_csv([HandLabel("a.abf", "PV")], CLASSES)
    table = tmp_path / "cells.csv"
    table.write_text("cell,label\na,SER\n")
    with pytest.raises(RecordingError, match="expected columns file and label"):
        labelled_csv([HandLabel("a.abf", "SER")], CLASSES, table)
