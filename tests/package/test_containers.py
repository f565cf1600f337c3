"""The container files: linted where the linters are installed (`make lint` does), never built here.

What they say is held against what there is: the words of the command, the files that are copied.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paths import PROJECT
from raphe import cli

FOLDER = PROJECT / "containers"
IMAGES = sorted(FOLDER.glob("*.Dockerfile"))


def linter(name: str) -> str:
    """Of the environment or the PATH; skips the test where it is not installed."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: pip install -c constraints.txt -e '.[lint]'")
    return found


def instructions(file: Path, word: str) -> list[str]:
    """What follows a word of a Dockerfile, lines that go on joined."""
    text = file.read_text(encoding="utf-8").replace("\\\n", " ")
    return re.findall(rf"^{word} +(.+)$", text, re.M)


@pytest.mark.parametrize("file", IMAGES, ids=lambda file: file.stem)
def test_hadolint_has_nothing_to_say(file: Path) -> None:
    answer = subprocess.run([linter("hadolint"), file], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


def test_compose_is_what_its_schema_says() -> None:
    command = [linter("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    answer = subprocess.run([*command, FOLDER / "compose.yaml"], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("file", IMAGES, ids=lambda file: file.stem)
def test_an_image_is_of_what_there_is_and_nobodys(file: Path) -> None:
    for sources in instructions(file, "COPY"):
        *names, _ = [word for word in sources.split() if not word.startswith("--")]
        if "--from" not in sources:
            assert all((PROJECT / name).exists() for name in names), sources
    assert instructions(file, "USER") == ["10001"]
    assert len(instructions(file, "HEALTHCHECK")) == 1
    assert all(
        re.fullmatch(r"python:3\.13-slim-bookworm.*", name) for name in instructions(file, "FROM")
    )
    assert "--constraint" in file.read_text(encoding="utf-8")


def test_the_image_serves_as_the_command_does(tmp_path: Path) -> None:
    (words,) = map(json.loads, instructions(FOLDER / "serve.Dockerfile", "ENTRYPOINT"))
    options = cli.parse([*words[1:], "--allow-host", "rig.lab"])
    assert words[0].endswith("/raphe") and words[1] == "serve"
    assert (str(options.bundle), options.host, options.port) == ("/bundle", "0.0.0.0", 8000)
    assert instructions(FOLDER / "serve.Dockerfile", "EXPOSE") == ["8000"]


def test_no_package_index_is_named() -> None:
    for file in FOLDER.iterdir():
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"index-url|https?://(?!127\.0\.0\.1)", text), file
