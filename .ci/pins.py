"""constraints.txt: that every extra installs with it on each Python and system, from wheels alone.

python .ci/pins.py                      check; nothing is installed, uv reads what packages need
python .ci/pins.py --write              compile it anew; what still holds stays as it is
python .ci/pins.py --write --upgrade    the newest of everything; or --upgrade-package NAME
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, product
from pathlib import Path
from tempfile import TemporaryDirectory

PROJECT = Path(__file__).resolve().parents[1]
PINS = PROJECT / "constraints.txt"
COMPILE = (
    "uv", "pip", "compile", "pyproject.toml", "--all-extras", "--no-annotate", "--quiet",
)  # fmt: skip
FOR_ALL = ("--universal", "--python-version=3.10", "--custom-compile-command=make pins")

# 3.11.0 and 3.11.2 (Debian 12) stand for patch releases that a package may refuse.
PYTHONS = ("3.10.0", "3.11.0", "3.11.2", "3.12.0", "3.13.0", "3.14.0")
LINUX, MACOS, WINDOWS = "x86_64-manylinux_2_28", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"
CASES = (
    *product(PYTHONS, [LINUX]),
    *product((PYTHONS[0], PYTHONS[-1]), [MACOS, WINDOWS]),
)
WITHOUT_WHEELS = ("antlr4-python3-runtime", "nflows")  # pure Python: no compiler is needed
OLDEST_MACOS = "14.0"  # that torch has wheels for


def main(arguments: list[str]) -> int:
    if shutil.which("uv") is None:
        print("error: uv is not on the PATH; `make lint` installs it into .venv", file=sys.stderr)
        return 1
    complaints = write(PINS, *arguments[1:]) if arguments[:1] == ["--write"] else check()
    for complaint in complaints:
        print(f"error: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


def write(file: Path, *arguments: str) -> list[str]:
    """Compile into this file. uv keeps the versions that the file names, where they still fit."""
    return _refusal(_run(*FOR_ALL, f"--output-file={file}", *arguments))


def check() -> list[str]:
    with ThreadPoolExecutor(4) as threads:
        complaints = [*_stale(), *chain.from_iterable(threads.map(_resolve, CASES))]
    if not complaints:
        print(f"constraints.txt: every extra resolves in {len(CASES)} of {len(CASES)} cases")
    return complaints


def _stale() -> list[str]:
    """The file was written by hand, or pyproject.toml has changed since it was compiled."""
    with TemporaryDirectory() as folder:
        copy = Path(shutil.copy(PINS, folder))
        if refusal := write(copy):
            return refusal
        if copy.read_text() == PINS.read_text():
            return []
    return ["constraints.txt is not what pyproject.toml compiles to; run `make pins`"]


def _resolve(case: tuple[str, str]) -> list[str]:
    """All extras together, and so each of them: what hinders, and what no pin holds."""
    python, system = case
    answer = _run(
        f"--python-version={python}", f"--python-platform={system}", f"--constraint={PINS}",
        "--no-header", "--only-binary=:all:", *(f"--no-binary={name}" for name in WITHOUT_WHEELS),
    )  # fmt: skip
    where = f"constraints.txt on Python {python}, {system}"
    if refusal := _refusal(answer):
        return [f"{where}: {line}" for line in refusal]
    loose = sorted(_requirements(answer.stdout) - _requirements(PINS.read_text()))
    return [f"{where}: no pin for {', '.join(loose)}; run `make pins`"] if loose else []


def _requirements(text: str) -> set[str]:
    return {line.split(";")[0].strip() for line in text.splitlines() if not line.startswith("#")}


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    settings = os.environ | {"MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
    return subprocess.run(
        [*COMPILE, *arguments], cwd=PROJECT, env=settings, capture_output=True, text=True
    )


def _refusal(answer: subprocess.CompletedProcess[str]) -> list[str]:
    return [answer.stderr.strip()] if answer.returncode else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
