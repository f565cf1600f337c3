"""The `raphe` command: finds the tasks' commands, tells errors in one line, is quick to start."""

import subprocess
import sys

import pytest

from raphe import __version__, cli


def test_help_lists_every_command(capsys) -> None:
    with pytest.raises(SystemExit) as leaving:
        cli.main(["--help"])
    assert leaving.value.code == 0
    told = capsys.readouterr().out
    for command in ("simulate", "extract", "import-csv", "import-npy", "import-keras", "fetch"):
        assert command in told


def test_version(capsys) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.strip() == f"raphe {__version__}"


def test_a_users_error_is_one_line_and_exit_code_one(tmp_path, capsys) -> None:
    assert cli.main(["check", str(tmp_path / "nothing")]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"error: {tmp_path / 'nothing'}: there is no store here")


def test_a_wrong_command_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as leaving:
        cli.main(["extrakt"])
    assert leaving.value.code == 2


def test_starting_loads_neither_torch_nor_mlflow() -> None:
    code = "import sys; from raphe import cli; cli._parser(); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not {"torch", "mlflow", "hydra", "matplotlib"} & set(loaded.stdout.split())
