"""Every place that a command is told to write to is checked before the command has worked."""

import argparse
import os
import shlex
from pathlib import Path

import pytest

from raphe import cli
from raphe.cli import Declared, declared_commands
from raphe.core.errors import StoreError
from raphe.core.files import outputs
from raphe.core.files.outputs import Output, require_writable

COMMANDS = [declared for declared in declared_commands() if not declared.command.passes_on]
OUTPUTS = [
    pytest.param(declared, name, output, id=f"{declared.task} {declared.command.verb} {name}")
    for declared in COMMANDS
    for name, output in cli._parser(declared).outputs
]
WRITERS = {  # commands that write where they are told to
    "audit", "export", "extract", "features", "fetch", "import", "masks", "place", "predict",
    "reproduce", "simulate", "synthesize", "watch",
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
        elif action.option_strings and not action.required:
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
    if output is Output.FILE:
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


@pytest.mark.parametrize("output", Output)
def test_a_place_that_can_be_written_to_stays_as_it_is(output: Output, tmp_path: Path) -> None:
    for place in (tmp_path / "new", tmp_path / "not there" / "yet", Path("/dev/shm/raphe")):
        require_writable(place, output)
    assert list(tmp_path.iterdir()) == []
    old = tmp_path / "old"
    old.touch() if output is Output.FILE else old.mkdir()
    (tmp_path / "link").symlink_to(old)
    require_writable(tmp_path / "link", output)


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
