"""Every place that a command is told to write to is checked before the command has worked."""

import argparse
import os
import shlex
import shutil
import zipfile
from pathlib import Path

import pytest
import torch

from raphe import cli
from raphe.cli import Declared, declared_commands
from raphe.core.errors import StoreError
from raphe.core.figure_style import PaperFigure, save_figure
from raphe.core.files import outputs
from raphe.core.files.outputs import CHECKPOINT, FIGURE, Output, OutputFile, require_writable

COMMANDS = [declared for declared in declared_commands() if not declared.command.passes_on]
OUTPUTS = [
    pytest.param(declared, name, output, id=f"{declared.task} {declared.command.verb} {name}")
    for declared in COMMANDS
    for name, output in cli._parser(declared).outputs
]
WRITERS = {  # commands that write where they are told to
    "audit", "export", "extract", "features", "fetch", "finetune", "fit", "import", "masks",
    "place", "predict", "reproduce", "simulate", "spread", "synthesize", "watch",
}  # fmt: skip


def words(declared: Declared, name: str, place: str) -> list[str]:
    """A command line with something in each place that must be filled, and `place` in one."""
    command = declared.command
    line = [command.verb, *([command.kind] if command.kind else [])]
    if declared.task is not None and command.kind is None:
        line += ["--task", declared.task]
    options, positionals = [], []
    for action in cli._parser(declared)._actions:
        if action.dest == name:
            value = place
        elif action.option_strings and not action.required and action.dest != "bundle":
            continue
        else:
            value = str(next(iter(action.choices or ["1"])))
        if action.option_strings:
            options += [action.option_strings[-1], value]
        elif not isinstance(action, argparse._HelpAction):
            positionals.append(value)
    return [*line, *options, "--", *positionals] if positionals else [*line, *options]


def test_every_command_that_writes_says_where() -> None:
    assert {param.values[0].command.verb for param in OUTPUTS} == WRITERS
    assert len(OUTPUTS) > 20


def test_no_place_that_is_written_to_counts_as_one_that_is_read() -> None:
    words = ("to make", "to write", "to download", "also draw")
    written = [
        f"{declared.command.verb} {action.dest}"
        for declared in COMMANDS
        for parser in [cli._parser(declared)]
        for action in parser._actions
        if getattr(action.type, "__name__", "").startswith("_path")
        and action.dest not in dict(parser.outputs)
        and any(word in (action.help or "") for word in words)
    ]
    assert not written


@pytest.fixture
def bad(tmp_path: Path) -> dict[str, str]:
    """Places that nothing can be written to, and a word of what is said of each."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    return {
        "/proc/nothing/x": "/proc/nothing/x: could not be written",
        "/dev/full/x": "a part of the path is a file where a folder is expected",
        str(tmp_path / "file" / "x"): "a part of the path is a file where a folder is expected",
        str(tmp_path / ("x" * 256)): "longer than the disk takes",
        str(tmp_path / "loop"): "its links lead in a circle",
    }


@pytest.mark.parametrize(("declared", "name", "output"), OUTPUTS)
def test_a_place_that_cannot_be_written_to_is_told_at_once(
    declared: Declared, name: str, output: Output, bad, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    if isinstance(output, OutputFile):
        bad |= {"/dev/full": "got a device", str(tmp_path / "folder"): "got a folder"}
    else:
        bad[str(tmp_path / "file")] = "expected a place for a folder, got a file"
    before = sorted(tmp_path.iterdir())
    for place, told in bad.items():
        line = words(declared, name, place)
        assert cli.main(line) == 1, shlex.join(line)
        (error,) = capsys.readouterr().err.splitlines()
        assert error.startswith("error: ") and told in error
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("output", [*Output, CHECKPOINT])
def test_a_place_that_can_be_written_to_stays_as_it_is(output, tmp_path: Path) -> None:
    for place in (tmp_path / "new", tmp_path / "not there" / "yet", Path("/dev/shm/raphe")):
        require_writable(place, output)
    assert list(tmp_path.iterdir()) == []
    old = tmp_path / "old"
    old.touch() if isinstance(output, OutputFile) else old.mkdir()
    (tmp_path / "link").symlink_to(old)
    require_writable(tmp_path / "link", output)


FILES = [param for param in OUTPUTS if isinstance(param.values[-1], OutputFile)]
CONTENTS = {  # that no output has
    "x.abf": b"ABF2 and samples",
    "cells.csv": b"file,cell_id,label\n1.abf,c1,SER\n",
    "manifest.json": b'{"kind": "celltype/spikes"}',
    "array.npy": b"\x93NUMPY\x01\x00",
    "thesis.pdf": b"%PDF-1.7 of years",
}


@pytest.mark.parametrize(("declared", "name", "output"), FILES)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_of_anothers_is_never_replaced(
    declared: Declared,
    name: str,
    output: OutputFile,
    overwrite,
    tmp_path: Path,
    monkeypatch,
    capsys,
) -> None:
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    for file, content in (CONTENTS | {"model.keras": Path("model.keras").read_bytes()}).items():
        Path(file).write_bytes(content)
        line = words(declared, name, file)
        line.insert(len(line) if "--" not in line else line.index("--"), "--overwrite")
        if not overwrite:
            line.remove("--overwrite")
        assert cli.main(line) == 1, shlex.join(line)
        (error,) = capsys.readouterr().err.splitlines()
        told = "so it is not replaced; name another" if overwrite else "pass --overwrite"
        assert error.startswith(f"error: {file}: ") and told in error
        assert Path(file).read_bytes() == content
        Path(file).unlink()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    figure = PaperFigure(1, 1, "What is shown.")
    picture = tmp_path_factory.mktemp("drawn") / "x.png"
    assert len(save_figure(figure, picture)) == 3
    return picture


def test_a_file_that_raphe_wrote_is_replaced_when_asked(drawn: Path, tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "x.ckpt")
    for file, output in ((drawn, FIGURE), (tmp_path / "x.ckpt", CHECKPOINT)):
        with pytest.raises(StoreError, match="exists already; pass --overwrite to replace it"):
            require_writable(file, output)
        require_writable(file, output, overwrite=True)


def test_what_would_be_written_beside_a_figure_is_not_lost(drawn: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.pdf"
    thesis.write_bytes(CONTENTS["thesis.pdf"])
    with pytest.raises(StoreError, match=r"thesis\.pdf: exists already"):
        require_writable(tmp_path / "thesis.png", FIGURE)
    with pytest.raises(StoreError, match=r"thesis\.pdf: is no figure that raphe wrote"):
        require_writable(tmp_path / "thesis.png", FIGURE, overwrite=True)
    (tmp_path / "notes.caption.txt").write_text("years of work")
    with pytest.raises(StoreError, match=r"notes\.caption\.txt: is no figure"):
        require_writable(tmp_path / "notes.svg", FIGURE, overwrite=True)


def test_a_file_of_a_store_or_bundle_is_not_replaced_by_its_like(drawn: Path, tmp_path) -> None:
    (tmp_path / "manifest.json").write_bytes(CONTENTS["manifest.json"])
    shutil.copy(drawn, tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "link.png").symlink_to(tmp_path / "x.png")
    for file in ("x.png", "sub/link.png"):
        with pytest.raises(StoreError, match="in a folder that holds celltype/spikes, so it is no"):
            require_writable(tmp_path / file, FIGURE, overwrite=True)


def test_a_device_of_windows_is_no_place_there(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(outputs, "IS_WINDOWS", True)
    require_writable(tmp_path / "console", Output.FOLDER)
    for name in ("con", "Aux.store", "nul /x"):
        with pytest.raises(StoreError, match="is a device on Windows; choose another name"):
            require_writable(tmp_path / name, Output.FOLDER)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_only_be_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(StoreError, match="permission is denied"):
        require_writable(tmp_path / "x", Output.FOLDER)
