"""The `raphe` command: its grammar, errors in one line, and quick to start."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from raphe import __version__, cli
from raphe.core.bundles.bundle import CARD, BundleWriter
from raphe.core.bundles.manifest import BundleKind
from raphe.core.command_line import SHARED
from raphe.core.files.store import StoreWriter

DECLARED = cli.declared_commands()
VERBS = sorted({declared.command.verb for declared in DECLARED})
OLD = {
    "import-csv": "raphe import csv",
    "import-windows": "raphe import windows",
    "import-elephant": "raphe import elephant",
    "import-lstm-glif": "raphe import lstm-glif",
    "infer-glif": "raphe predict --task glif",
    "place-traces": "raphe place",
    "predict-spikes": "raphe predict",
    "reproduce-glif": "raphe reproduce --task glif",
    "extrakt": "raphe extract",
}


def usage_error(capsys, *arguments: str) -> str:
    """The one line that wrong usage prints."""
    with pytest.raises(SystemExit) as leaving:
        cli.main(arguments)
    assert leaving.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def printed(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as leaving:
        cli.main(arguments)
    assert leaving.value.code == 0
    return capsys.readouterr().out


def of_tasks(verb: str) -> list[cli.Declared]:
    declared = [one for one in DECLARED if one.command.verb == verb]
    return [one for one in declared if one.task is not None]


def test_every_verb_has_its_step_and_every_step_its_verbs() -> None:
    placed = [verb for verbs in cli.STEPS.values() for verb in verbs]
    assert len(placed) == len(set(placed))
    assert set(placed) == set(VERBS)
    assert set(cli.WORDS.values()) <= set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_one_verb_for_one_job(verb: str) -> None:
    commands = of_tasks(verb)
    assert verb.isalpha() and verb.islower()
    kinds = [one.command.kind for one in commands]
    assert len(set(kinds)) == len(kinds) if verb == "import" else set(kinds) <= {None}
    if verb != "import":
        assert len({one.task for one in commands}) == len(commands)
    assert verb in SHARED or len(commands) <= 1
    assert sum(one.command.is_default for one in commands) <= 1


@pytest.mark.parametrize("declared", DECLARED, ids=lambda one: f"{one.command}"[:60])
def test_each_command_declares_itself_as_the_others(declared: cli.Declared) -> None:
    summary = declared.command.summary
    assert summary and not summary.endswith(".")
    if declared.command.passes_on:
        assert callable(declared.command.function())
        return
    parser = cli._parser(declared)
    assert parser.get_default("run") is not None
    if declared.command.verb == "import":
        made = "store", "checkpoint", "bundle"
        assert parser.format_usage().split()[-1] in made  # sources first
    if declared.task is not None:
        module = declared.command.declared_by
        assert module.startswith(f"raphe.tasks.{declared.task}.commands.")


def test_help_lists_every_verb_and_its_task(capsys) -> None:
    lines = printed(capsys, "--help").splitlines()
    for verb in VERBS:
        (line,) = (line for line in lines if line.split()[:1] == [verb])
        tasks = {one.task for one in of_tasks(verb)}
        assert verb in SHARED or not tasks or f"[{tasks.pop()}]" in line


@pytest.mark.parametrize(("word", "meant"), OLD.items())
def test_a_verb_that_there_is_not(word: str, meant: str, capsys) -> None:
    assert f"there is no verb '{word}'; did you mean `{meant}`?" in usage_error(capsys, word)


def test_what_can_be_imported(capsys) -> None:
    kinds = {one.command.kind: one.task for one in DECLARED if one.command.verb == "import"}
    lines = printed(capsys, "import", "--help").splitlines()
    for kind, task in kinds.items():
        assert any(line.split()[:1] == [kind] and line.endswith(f"[{task}]") for line in lines)
    assert "did you mean windows?" in usage_error(capsys, "import", "window", "a", "b", "c")
    assert "got none" in usage_error(capsys, "import")


def test_predict_tells_what_its_tasks_share_and_then_what_one_adds(capsys) -> None:
    shared = printed(capsys, "predict", "--help")
    for word in ("INPUT", "--bundle", "--out", "--overwrite", "celltype", "calcium", "glif"):
        assert word in shared
    assert "--stimulus" not in shared
    assert "--stimulus" in printed(capsys, "predict", "--task", "glif", "--help")


def test_the_bundle_names_the_task(tmp_path: Path, capsys) -> None:
    (tmp_path / "manifest.json").write_text('{"kind": "glif/posterior", "files": {}}')
    bundle = str(tmp_path)
    assert "--stimulus" in printed(capsys, "predict", "--bundle", bundle, "--help")
    options = cli.parse(["predict", "v.npy", "--bundle", bundle, "--rate", "50000"])
    assert options.run.__module__ == "raphe.tasks.glif.commands.prediction"
    assert cli.main(["predict", "v.npy", "--bundle", bundle, "--task", "celltype"]) == 1
    told = capsys.readouterr().err
    assert (
        told == f"error: {bundle}: holds glif/posterior, of task glif; leave out --task celltype\n"
    )
    line = usage_error(capsys, "predict", "v.npy", "--bundle", bundle, "--no-pages")
    assert "no option --no-pages for task glif, it is one of task celltype" in line
    line = usage_error(capsys, "predict", "v.npy", "--bundle", bundle, "--stimulous", "i.npy")
    assert "no option --stimulous for task glif; did you mean --stimulus?" in line


def test_a_task_must_be_told(tmp_path: Path, capsys) -> None:
    line = usage_error(capsys, "predict", "a.abf")
    assert (
        "expected --bundle DIR, or --task calcium or glif, whose bundle comes with raphe, got"
        in line
    )
    line = usage_error(capsys, "predict", "a.abf", "--task", "gliff")
    assert "got gliff; did you mean glif?" in line
    assert cli.main(["predict", "a.abf", "--task", "celltype"]) == 2
    told = capsys.readouterr().err
    assert "task celltype: raphe ships no bundle for it, only for calcium and glif" in told
    assert cli.main(["predict", "a.abf", "--bundle", str(tmp_path / "nothing")]) == 1
    assert "there is no bundle here; check the path" in capsys.readouterr().err
    assert cli.main(["predict", "a.abf", "--bundle", str(tmp_path)]) == 1
    assert "is not a bundle, it holds no manifest.json" in capsys.readouterr().err


def test_check_knows_the_stores_and_bundles_of_every_task(tmp_path: Path, capsys) -> None:
    with StoreWriter(tmp_path / "store", {"trace": ((), "float32")}) as writer:
        writer.append(trace=np.ones(5))
        writer.finish({"kind": "calcium/other"})
    with BundleWriter(tmp_path / "bundle") as writer:
        kind = BundleKind("glif/other", (CARD, "weights"), (), {})
        writer.finish(kind, {CARD: b"a card", "weights": b"numbers"}, {})
    assert cli.main(["check", str(tmp_path / "store")]) == 0
    assert "a store, trace 5 (calcium/other); every hash is right" in capsys.readouterr().out
    assert cli.main(["check", str(tmp_path / "bundle")]) == 0
    assert "a bundle (glif/other); every hash is right" in capsys.readouterr().out
    (tmp_path / "bundle" / "weights").write_bytes(b"Numbers")
    assert cli.main(["check", str(tmp_path / "bundle")]) == 1
    assert "weights: altered or damaged" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path, capsys) -> None:
    target = tmp_path / "no folder" / "features.csv"
    error = FileNotFoundError(2, "No such file or directory", str(target))

    def refuse(options: argparse.Namespace) -> int:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "parse", lambda arguments: argparse.Namespace(run=refuse))
        assert cli.main([]) == 1
        assert capsys.readouterr().err == (
            f"error: {target}: could not be used: there is no folder {target.parent}; check the "
            "path, or make that folder\n"
        )
        error = OSError("a defect of ours")
        with pytest.raises(OSError, match="a defect"):
            cli.main([])


@pytest.mark.parametrize("option", ["--every", "--settled"])
def test_a_wait_that_cannot_be_is_wrong_usage(option: str, capsys) -> None:
    told = usage_error(capsys, "watch", "folder", "--bundle", "bundle", option, "-1")
    assert f"{option}: expected seconds, more than 0, got -1" in told


@pytest.mark.parametrize("option", ["--bundle", "--task"])
def test_an_option_without_its_value_names_the_verb(option: str, capsys) -> None:
    told = usage_error(capsys, "predict", "recording.abf", option)
    assert told.startswith(f"error: raphe predict: argument {option}: expected one argument")


def test_reproduce_tells_its_default_and_of_no_manifest(capsys) -> None:
    told = printed(capsys, "reproduce", "--help")
    assert "whose command is meant (default: celltype)" in told
    assert "manifest" not in told


def test_version(capsys) -> None:
    assert printed(capsys, "--version").strip() == f"raphe {__version__}"


def test_a_users_error_is_one_line_and_exit_code_one(tmp_path: Path, capsys) -> None:
    assert cli.main(["check", str(tmp_path / "nothing")]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"error: {tmp_path / 'nothing'}: there is no store here")


def test_options_are_told_from_misspelt_ones(capsys) -> None:
    line = usage_error(capsys, "extract", "in", "out", "--treshold-pa", "-60")
    assert "there is no option --treshold-pa; did you mean --threshold-pa?" in line
    assert line.endswith("See `raphe extract --help`")
    assert "unexpected argument 'more'" in usage_error(capsys, "extract", "in", "out", "more")
    assert "required: store" in usage_error(capsys, "extract", "in")
    assert "expected a verb" in usage_error(capsys)


def test_an_empty_path_is_not_the_current_folder(capsys) -> None:
    for arguments in (("check", ""), ("export", "--checkpoints", "", "--out", "b")):
        assert "expected a path, got nothing" in usage_error(capsys, *arguments)


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "--help"], ["extrakt"]])
def test_starting_imports_no_task(arguments: list[str]) -> None:
    code = (
        f"import sys; from raphe import cli\ntry: cli.main({arguments!r})\nexcept SystemExit: pass"
    )
    code += "\nprint(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split("\n")[-2]
    assert not {"torch", "mlflow", "hydra", "matplotlib", "numpy", "scipy"} & set(loaded.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_every_verb_and_kind(shell: str, capsys) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for declared in DECLARED:
        assert declared.command.verb in script
        assert declared.command.kind is None or declared.command.kind in script
    assert "cut-spikes" in script and "no-pages" in script  # of predict, of two tasks


@pytest.mark.parametrize("buffered", ["", "1"])
def test_output_that_nobody_reads_ends_in_silence(monkeypatch, buffered: str) -> None:
    """As `raphe … | head` does: the reader has gone before anything is written."""
    monkeypatch.setenv("PYTHONUNBUFFERED", buffered)
    reader, writer = os.pipe()
    os.close(reader)
    code = "import sys; from raphe import cli; sys.exit(cli.main(['features', '--explain']))"
    done = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_another_pipe_that_breaks_is_no_silence(monkeypatch) -> None:
    def breaks(arguments: object) -> argparse.Namespace:
        raise BrokenPipeError

    monkeypatch.setattr(cli, "parse", breaks)
    with pytest.raises(BrokenPipeError):
        cli.main([])


def test_a_store_whose_name_is_not_utf_8_is_refused_before_the_work(capsys, tmp_path) -> None:
    store = tmp_path / os.fsdecode(b"caf\xe9")
    line = usage_error(capsys, "extract", str(tmp_path), str(store))
    assert r"caf\xe9: its name is not UTF-8; rename it" in line


def test_a_console_without_our_signs_shows_them_as_escapes() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "raphe", "extract", "--help"]
    shown = subprocess.run(command, env=environment, capture_output=True)
    assert shown.returncode == 0
    assert shown.stdout.isascii()


@pytest.mark.parametrize(
    ("output", "code", "told"),
    [
        ("&-", 0, ""),
        (" /dev/full", 1, "what was to be printed could not be written (no space left"),
    ],
)
def test_an_output_that_takes_nothing_is_no_full_disk(
    tmp_path: Path, output: str, code: int, told: str
) -> None:
    with StoreWriter(tmp_path / "store", {"trace": ((), "float32")}) as writer:
        writer.append(trace=np.ones(5))
        writer.finish({"kind": "calcium/other"})
    command = f'"{sys.executable}" -m raphe check store >{output}'
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == code
    assert (told in done.stderr) if told else not done.stderr
