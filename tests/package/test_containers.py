"""The container files: linted where the linters are installed (`make lint` does), never built here.

What they say is held against what there is: the words of the command, the files that are copied.
"""

import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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


def test_what_compose_mounts_is_made_and_read(tmp_path: Path) -> None:
    """Secrets by name: what secrets.sh makes, mlflow.sh reads and compose hands on is the same."""
    folder = tmp_path / "its secrets"
    subprocess.run(["sh", FOLDER / "secrets.sh", folder], check=True, capture_output=True)
    made = {file.name: file.read_text() for file in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    compose = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
    assert set(compose["secrets"]) == set(made)
    for name, entry in compose["secrets"].items():
        assert entry["file"] == f"secrets/{name}"
    read = set(
        re.findall(r"secrets/(\w+\.txt)", (FOLDER / "mlflow.sh").read_text(encoding="utf-8"))
    )
    assert read == set(compose["services"]["tracking"]["secrets"])
    (account,) = json.loads(made["s3_accounts.json"])["identities"]
    assert account["credentials"][0]["secretKey"] == made["s3_secret.txt"].strip()
    assert len({made[name] for name in made}) == len(made) == 5
    again = subprocess.run(["sh", FOLDER / "secrets.sh", folder], capture_output=True, text=True)
    assert again.returncode == 1 and "is there already" in again.stderr


def test_no_package_index_is_named() -> None:
    for file in filter(Path.is_file, FOLDER.iterdir()):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"index-url|https?://(?!127\.0\.0\.1|files:|…)", text), file
