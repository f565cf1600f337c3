"""Verdicts made in shares and joined are those of one call, byte for byte."""

import re
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from raphe.cli import main
from raphe.core.abf.writer import write_abf
from raphe.core.jobs.shares import Share, share_held
from raphe.tasks.celltype.verdicts.judge import Judge

MADE = re.compile(r'Made on \S+ at \S+ UTC|"made_utc": "[^"]+"')  # the one thing that may differ
N_CELLS = 3  # and one that cannot be read, and one without spikes


@pytest.fixture(scope="module")
def recordings(made_once: Callable[..., Path], record: Callable[..., np.ndarray]) -> Path:
    def fill(folder: Path) -> None:
        for place in range(N_CELLS):
            samples = record("SER" if place % 2 else "NSER", place, duration_s=3.0)
            write_abf(folder / f"cell{place}.abf", samples, 40_000.0, "pA")
        write_abf(folder / "quiet.abf", np.zeros(40_000, np.float32), 40_000.0, "pA")
        (folder / "broken.abf").write_bytes(b"no recording")

    return made_once("celltype-shared-recordings", fill)


@pytest.fixture
def predict(
    trained_bundle: Path, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    def call(*words: str) -> int:
        places = [str(recordings), "--bundle", str(trained_bundle), "--threads", "1"]
        return main(["predict", *places, *words])

    monkeypatch.chdir(tmp_path)
    return call


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): MADE.sub("", path.read_text()) for path in files}


WITH_PAGES = pytest.param([], marks=pytest.mark.ci, id="pages")  # seconds


@pytest.mark.parametrize("pages", [WITH_PAGES, ["--no-pages"]])
def test_joined_they_are_those_of_one_call(predict, pages, capsys) -> None:
    assert predict("--out", "alone", *pages) == 1  # one is left out
    told = capsys.readouterr()
    for number in (2, 1):
        assert predict("--out", "joined", *pages, "--share", f"{number}/2") == 0
        assert not Path("joined").exists()
    out = capsys.readouterr().out
    assert "share 2/2: 2 cells, 2 judged, 0 judged before; kept in" in out
    assert "share 1/2: 3 cells, 2 judged, 0 judged before, 1 could not be read; kept in" in out
    assert predict("--out", "joined", *pages) == 1
    assert contents(Path("joined")) == contents(Path("alone"))
    joined = capsys.readouterr()
    assert joined.out.replace("joined", "alone") == told.out
    assert joined.err == told.err
    assert sorted(path.name for path in Path().iterdir()) == ["alone", "joined"]


def test_what_is_judged_is_not_judged_again(predict, capsys, monkeypatch) -> None:
    def judged_by(*words: str) -> list[str]:
        seen: list[str] = []
        judge = Judge.judge

        def counting(self, cell):
            seen.append(cell.cell_id)
            if "dies" in words and len(seen) == 2:
                raise KeyboardInterrupt
            return judge(self, cell)

        with monkeypatch.context() as patch:
            patch.setattr(Judge, "judge", counting)
            predict("--out", "v", "--no-pages", *(word for word in words if word != "dies"))
        return seen

    assert judged_by("--share", "1/2", "dies") == ["cell1", "quiet"]
    with Path(".v.shares/1-of-2.jsonl").open("ab") as lines:
        lines.write(b'{"cell": "half a li')  # a power cut
    assert judged_by("--share", "1/2") == ["quiet"]
    told = capsys.readouterr()
    assert "holds the 1 of 3 cells of this share that are judged; the same command goes on" in (
        told.err
    )
    assert "share 1/2: 3 cells, 1 judged, 1 judged before, 1 could" in told.out
    assert judged_by("--share", "2/3") == ["cell0"]  # another division
    assert judged_by() == ["cell2"]
    assert not Path(".v.shares").exists()


def test_a_changed_recording_is_judged_anew(trained_bundle, recordings, tmp_path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(recordings, copy)
    for name in ("broken", "cell2", "quiet"):
        (copy / f"{name}.abf").unlink()
    words = ["predict", str(copy), "--bundle", str(trained_bundle), "--no-pages", "--threads", "1"]
    words += ["--out", str(tmp_path / "v")]
    assert main([*words, "--share", "1/1"]) == 0
    shutil.copy(recordings / "cell1.abf", copy / "cell0.abf")
    assert main(words) == 0
    rows = (tmp_path / "v" / "verdicts.csv").read_text().splitlines()
    assert rows[1].split(",")[1:-1] == rows[2].split(",")[1:-1]  # but for the file's name


def test_shares_of_other_settings_are_refused_and_dropped_on_demand(predict, capsys) -> None:
    assert predict("--out", "v", "--no-pages", "--share", "1/2") == 0
    capsys.readouterr()
    assert predict("--out", "v", "--no-pages", "--unit", "nA") == 1
    assert "holds shares of verdicts with another --channel or --unit; give the" in (
        capsys.readouterr().err
    )
    assert not Path("v").exists()
    assert predict("--out", "v", "--share", "1/2") == 1
    assert "with another choice of --no-pages" in capsys.readouterr().err
    other = ["--no-pages", "--channel", "0"]
    assert predict("--out", "v", *other, "--share", "1/2", "--overwrite") == 0
    assert "3 cells, 2 judged, 0 judged before" in capsys.readouterr().out


def test_one_process_a_share_and_none_while_they_are_joined(predict, capsys) -> None:
    assert predict("--out", "v", "--no-pages", "--share", "1/2") == 0
    with ExitStack() as stack:
        share_held(Path(".v.shares"), Share(1, 2), stack)
        assert predict("--out", "v", "--no-pages", "--share", "1/2") == 1
        assert "another process is at work on share 1/2" in capsys.readouterr().err
        assert predict("--out", "v", "--no-pages") == 1
        assert "share-1-of-2 is still at work there; wait until" in capsys.readouterr().err
    assert predict("--out", "v", "--no-pages") == 1
    assert predict("--out", "v", "--no-pages", "--share", "1/2") == 1
    assert "exists already; pass --overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/20000", "-1/2"])
def test_a_share_is_one_of_several(predict, text: str, capsys) -> None:
    with pytest.raises(SystemExit):
        predict("--out", "v", f"--share={text}")
    assert "expected K/N, the K-th of N shares, as 3/40" in capsys.readouterr().err


def test_shares_need_a_folder_to_meet_in(predict, capsys) -> None:
    assert predict("--share", "1/2") == 2
    assert "name it with --out DIR" in capsys.readouterr().err
