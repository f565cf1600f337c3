"""What a person says of recordings is the table that `raphe extract` reads."""

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from nwb_files import Entry, write_nwb
from raphe.core.abf.writer import write_abf
from raphe.core.bundles.opened_file import HandLabel
from raphe.core.errors import RecordingError, SettingError
from raphe.tasks.celltype.recordings.hand_labels import HandLabels
from raphe.tasks.celltype.recordings.labels import NamedFiles
from raphe.tasks.celltype.spikes.cut_settings import Cut
from raphe.tasks.celltype.stores.extract import extract
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from raphe.tasks.celltype.verdicts.cell_input import Reading
from raphe.tasks.celltype.verdicts.find_cells import find_cells
from raphe.tasks.celltype.verdicts.window_arrays import ArrayRows

CLASSES = ("SER", "NSER")


def labelled_csv(labels: Iterable[HandLabel], existing: Path | None = None) -> bytes:
    table = HandLabels(CLASSES, existing)
    for label in labels:
        table.say(label)
    return table.contents


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
    (folder / "cells.csv").write_bytes(labelled_csv(said))
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
    assert labelled_csv(said, table).decode("utf-8-sig") == (
        "File;Label;animal;note\nday 1\\a;NSER;m1;doublets\nb.abf;;m2;\nc.nwb;SER;;\n"
    )


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("sep=;\r\nfile;label;;\r\na.abf;ser;;\r\n", "utf-16",
         "sep=;\r\nfile;label;;;note\r\na.abf;NSER;;;\r\n"),
        (",file,,label\n0,a,left,SER\n1,b,right,\n", "utf-8",
         ",file,,label,note\n0,a,left,NSER,\n1,b,right,,\n"),
        ("file\tnote\na.abf\tsmall\n", "utf-8-sig", "file\tnote\tlabel\na.abf\tsmall\tNSER\n"),
        ("", "utf-8", "file,label,note\na.abf,NSER,\n"),
        ("", "utf-8-sig", "file,label,note\na.abf,NSER,\n"),
        ("\r\n\r\n", "utf-8", "file,label,note\r\na.abf,NSER,\r\n"),
    ],
)  # fmt: skip
def test_a_table_keeps_the_form_that_a_person_gave_it(
    tmp_path: Path, text: str, encoding: str, expected: str
) -> None:
    table = tmp_path / "cells.csv"
    table.write_bytes(text.encode(encoding))
    contents = labelled_csv([HandLabel("a.abf", "NSER")], table)
    assert contents == expected.encode(encoding)


def test_what_nobody_touched_stays_byte_for_byte(tmp_path: Path) -> None:
    table = tmp_path / "cells.csv"
    table.write_bytes(
        b"sep=;\nfile;v_mv;lab;note\n"
        b' a.abf ;"-65,3";+;\r\n\r\nb.abf;-65,3;@lab;"two\r\nlines"\n;;;\r\n'
        b"c.abf;=B2;'-5;' =1"
    )
    wider = (
        b"sep=;\nfile;v_mv;lab;note;label\n"
        b' a.abf ;"-65,3";+;;\r\n\r\nb.abf;-65,3;@lab;"two\r\nlines";\n;;;\r\n'
        b"c.abf;=B2;'-5;' =1;"
    )
    assert labelled_csv([], table) == wider
    table.write_bytes(wider)
    assert labelled_csv([], table) == wider
    said = [HandLabel("b.abf", "SER"), HandLabel("c.abf", None, "=sum"), HandLabel("d.abf", "SER")]
    assert labelled_csv(said, table) == (
        b"sep=;\nfile;v_mv;lab;note;label\n"
        b' a.abf ;"-65,3";+;;\r\n\r\nb.abf;-65,3;@lab;"two\r\nlines";SER\n;;;\r\n'
        b"c.abf;=B2;'-5;'=sum;\nd.abf;;;;SER\n"
    )


def test_what_is_not_said_stays_and_what_the_table_says_is_told(tmp_path: Path) -> None:
    table = tmp_path / "cells.csv"
    table.write_text("file,label,note\na,ser,good seal\nday\\b.abf,,\n")
    said = HandLabels(CLASSES, table)
    assert said.of("a.abf") == HandLabel("a.abf", "SER", "good seal")
    assert said.of("day/b.abf") == HandLabel("day/b.abf", "", "")
    assert said.of("x.abf") == HandLabel("x.abf", "", "")
    said.say(HandLabel("a.abf", "NSER"))
    said.say(HandLabel("day/b.abf", None, "lost"))
    said.say(HandLabel("x.abf", "", ""))
    assert said.contents.decode() == ("file,label,note\na,NSER,good seal\nday\\b.abf,,lost\n")


def test_a_label_does_not_go_through_all_rows_of_a_large_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"day {number % 7}/cell {number}.abf" for number in range(300)]
    table = tmp_path / "cells.csv"
    table.write_text("file,label\n" + "".join(f"{name},SER\n" for name in names))
    looked_at, fits = [], NamedFiles.fits
    monkeypatch.setattr(
        NamedFiles, "fits", lambda files, word: looked_at.append(word) or fits(files, word)
    )
    contents = labelled_csv([HandLabel(name, "NSER") for name in names], table)
    assert contents.count(b",NSER,") == len(names)
    assert len(looked_at) < 10 * len(names)


def test_each_channel_of_a_recording_is_a_cell_with_a_label(tmp_path: Path) -> None:
    folder = tmp_path / "rec"
    folder.mkdir()
    samples = np.zeros((2, 20_000), np.float32)
    samples[0, [1000, 5000]] = samples[1, 9000:9008] = -1e-10
    series = [
        Entry("VoltageClampSeries", name, current, electrode)
        for electrode, (name, current) in enumerate(zip(("left", "right"), samples, strict=True))
    ]
    write_nwb(folder / "two.nwb", series, rate_hz=40_000.0)
    (folder / "cells.csv").write_text("file;animal;label\ntwo;m1;\n")
    said = (
        HandLabel("two.nwb", "SER", "large", "two left"),
        HandLabel("two.nwb", "NSER", None, "two right"),
        HandLabel("two.nwb", None, "small", "two right"),
    )
    table = HandLabels(CLASSES, folder / "cells.csv")
    for label in said:
        table.say(label)
    assert table.of("two.nwb", "two right") == HandLabel("two.nwb", "NSER", "small", "two right")
    assert table.of("two.nwb") == HandLabel("two.nwb", "", "")
    (folder / "cells.csv").write_bytes(table.contents)
    assert table.contents.decode().splitlines()[1:] == [
        "two;m1;;;", "two.nwb;m1;SER;large;left", "two.nwb;m1;NSER;small;right",
    ]  # fmt: skip
    report = extract(folder, tmp_path / "store")
    spikes = open_spikes(tmp_path / "store")
    cells = [(cell.cell_id, CLASSES[cell.label], cell.animal) for cell in spikes.cells]
    assert cells == [("two left", "SER", "m1"), ("two right", "NSER", "m1")]
    assert spikes.counts.tolist() == [2, 1] and not report.failed
    found, failed = find_cells([folder], ArrayRows(Cut()))
    assert [len(cell.read(Reading(Cut()))) for cell in found] == [2, 1] and not failed
    by_number = table.contents.decode().replace("large;left", "large;0")
    (folder / "cells.csv").write_text(by_number)
    again = HandLabels(CLASSES, folder / "cells.csv")
    assert again.of("two.nwb", "two left").label == "SER"
    again.say(HandLabel("two.nwb", "NSER", None, "two left"))
    assert again.contents.decode() == by_number.replace("SER;large", "NSER;large")
    (folder / "cells.csv").write_text(f"{by_number}two.nwb;m1;SER;;left\n")
    report = extract(folder, tmp_path / "store", overwrite=True)
    assert [str(failure).partition(": ")[2] for failure in report.failed] == [
        "cells.csv names one channel twice, as 0 and as left; the first is taken"
    ]
    (folder / "cells.csv").write_text(f"{by_number}two.nwb;m1;NSER;;left\n")
    with pytest.raises(RecordingError, match="twice, as 0 and as left, and labels it SER and NSER"):
        extract(folder, tmp_path / "store", overwrite=True)
    text = table.contents.decode().replace("two;m1;;;", "two;m1;SER;;")
    (folder / "cells.csv").write_text(text)
    with pytest.raises(RecordingError, match="line 2: labels two"):
        extract(folder, tmp_path / "store", overwrite=True)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("A1,maybe", "line 2: expected label SER, NSER, not a neuron or unsure, got 'maybe'"),
        ("A1,SER\nA1.abf,NSER", "lines 2 and 3 say different things of A1.abf"),
        ("B1,SER", "line 2: 'B1' fits B1.abf and B1.nwb"),
    ],
)
def test_what_extract_would_refuse_is_told(tmp_path: Path, rows: str, expected: str) -> None:
    for name in ("A1.abf", "B1.abf", "B1.nwb"):
        (tmp_path / name).touch()
    (tmp_path / "cells.csv").write_text(f"file,label\n{rows}\n")
    with pytest.raises(RecordingError, match=re.escape(expected)):
        HandLabels(CLASSES, tmp_path / "cells.csv")
    with pytest.raises(RecordingError, match=re.escape(expected)):
        extract(tmp_path, tmp_path / "store")


def test_a_row_means_the_file_that_extract_takes(tmp_path: Path) -> None:
    for name in ("A1.abf", "A1.abf.nwb", "B1.abf"):
        (tmp_path / name).touch()
    (tmp_path / "cells.csv").write_text(f"file,label\nA1.abf,SER\n{tmp_path / 'B1'},NSER\n")
    table = HandLabels(CLASSES, tmp_path / "cells.csv")
    said = {name: table.of(name).label for name in ("A1.abf", "A1.abf.nwb", "B1.abf")}
    assert said == {"A1.abf": "SER", "A1.abf.nwb": "", "B1.abf": "NSER"}


def test_the_label_of_a_file_is_that_of_its_channels(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("file,label,note\nA1.abf,SER,good\n")
    table = HandLabels(CLASSES, tmp_path / "cells.csv")
    assert table.of("A1.abf", "A1 left") == HandLabel("A1.abf", "SER", "good", "A1 left")


def test_a_channel_is_not_labelled_against_the_label_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("file,label\na.abf,SER\n")
    table = HandLabels(CLASSES, tmp_path / "cells.csv")
    with pytest.raises(SettingError, match="the table labels this file as a whole"):
        table.say(HandLabel("a.abf", "NSER", None, "a left"))
    with pytest.raises(SettingError, match="the table labels this file as a whole"):
        table.say(HandLabel("a.abf", None, "small", "a left"))
    assert table.contents == b"file,label,note\na.abf,SER,\n"


def test_a_file_is_not_labelled_against_the_rows_of_its_channels(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_text("file,label,channel\na.abf,SER,left\n")
    table = HandLabels(CLASSES, tmp_path / "cells.csv")
    with pytest.raises(SettingError, match="the table has rows of this file's channels"):
        table.say(HandLabel("a.abf", "NSER"))
    table.say(HandLabel("a.abf", "NSER", None, "a left"))
    assert table.contents == b"file,label,channel,note\na.abf,NSER,left,\n"


def test_a_label_may_be_taken_back_and_said_anew() -> None:
    said = (HandLabel("a.abf", "SER", "good"), HandLabel("a.abf", ""), HandLabel("b.abf", ""))
    assert labelled_csv(said) == b"file,label,note\na.abf,,good\n"


def test_what_cannot_be_said_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="expected SER, NSER, not a neuron or unsure, got 'PV'"):
        labelled_csv([HandLabel("a.abf", "PV")])
    table = tmp_path / "cells.csv"
    table.write_text("cell,label\na,SER\n")
    with pytest.raises(RecordingError, match="expected columns file and label"):
        labelled_csv([HandLabel("a.abf", "SER")], table)
