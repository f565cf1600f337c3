"""Files of traces inferred in shares are those of one call, byte for byte, and none is inferred
twice."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raphe import cli
from raphe.tasks.calcium.prediction.infer_rates import Inferrer

MADE = re.compile(rb'"made_utc": "[^"]+"')
FILES = ("a", "b", "c")


@pytest.fixture
def predict(
    rate_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_figures
) -> Callable[..., int]:
    rng = np.random.default_rng(0)
    for name in FILES:
        np.save(tmp_path / f"{name}.npy", rng.normal(size=(1, 300)).astype(np.float32))
    (tmp_path / "damaged.npy").write_bytes(b"")
    monkeypatch.chdir(tmp_path)

    def call(*words: str, files: tuple[str, ...] = (*FILES, "damaged")) -> int:
        names = [f"{name}.npy" for name in files]
        return cli.main(["predict", *names, "--bundle", str(rate_bundle), "--rate", "30", *words])

    return call


@pytest.fixture
def inferred(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are inferred from, as they are."""
    names: list[str] = []
    infer = Inferrer.traces

    def counting(self, traces, *others):
        names.append(traces.path.stem)
        return infer(self, traces, *others)

    monkeypatch.setattr(Inferrer, "traces", counting)
    return names


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): MADE.sub(b"", path.read_bytes()) for path in files}


def test_joined_they_are_those_of_one_call(predict, inferred, capsys) -> None:
    assert predict("--out", "alone") == 1
    told = capsys.readouterr()
    assert inferred == ["a", "b", "c"]
    assert predict("--out", "joined", "--share", "2/2") == 0  # b and the damaged one
    shared = capsys.readouterr()
    assert "share 2/2: 1 of 2 files\nnext: once all 2 are made" in shared.out
    assert "files left out (1):\n  damaged.npy: " in shared.err
    assert predict("--out", "joined", "--share", "1/2") == 0
    assert sorted(path.name for path in Path("joined").iterdir()) == ["a", "b", "c"]
    capsys.readouterr()
    inferred.clear()
    assert predict("--out", "joined") == 1
    joined = capsys.readouterr()
    assert inferred == []
    assert contents(Path("joined")) == contents(Path("alone"))
    assert joined.out.replace("joined", "alone") == told.out
    assert joined.err == told.err


def test_what_is_other_or_was_lost_is_inferred_anew(predict, inferred, capsys) -> None:
    assert predict("--out", "rates", files=FILES) == 0
    inferred.clear()
    traces = np.load("b.npy")
    np.save("b.npy", traces + 1)
    Path("rates/c/rates.npy").unlink()
    assert predict("--out", "rates", files=FILES) == 1
    told = capsys.readouterr().err
    assert told.count("exists already; pass --overwrite to replace it") == 2 and not inferred
    assert predict("--out", "rates", "--overwrite", files=FILES) == 0
    assert inferred == ["b", "c"]
    inferred.clear()
    assert predict("--out", "rates", "--overwrite", "--shift", "0.1", files=FILES) == 0
    assert inferred == list(FILES)


def test_a_disk_that_fails_ends_a_share_with_an_error(predict, capsys) -> None:
    Path("rates").mkdir()
    Path("rates/a").write_text("in the way")
    assert predict("--share", "1/4") == 1
    assert "files left out (1):" in capsys.readouterr().err
    assert predict("--share", "1/1", "--out", "one", files=("a",)) == 0
    assert predict("--share", "2/2", "--out", "two", files=("a",)) == 0
    assert Path("one/rates.npy").is_file() and not Path("two").exists()
