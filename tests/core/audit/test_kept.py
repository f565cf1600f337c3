"""What an audit that was killed finds of itself, and what it does not mix with itself."""

import json

import numpy as np
import pytest

from raphe.core.audit.kept import FACTS, keep
from raphe.core.errors import StoreError

STORES, OTHER_STORES = {"spikes": "sha256:1", "masks": None}, {"spikes": "sha256:2", "masks": None}
SETTINGS = {"kernel": 20, "seed": 42}
KEYS = ("probability", "label")
NAME = "spikes-by-cell-0"


def opened(folder, stores=STORES, overwrite=False, **changed):
    return keep(folder, stores, "cpu", SETTINGS | changed, overwrite)


def test_arrays_are_there_again(tmp_path):
    arrays = {"probability": np.random.default_rng(0).dirichlet([1, 1], 5), "label": np.arange(5)}
    kept = opened(tmp_path / "out")
    assert kept.read(NAME, KEYS) is None and not kept.progress([NAME])
    kept.write(NAME, **arrays)
    again = opened(tmp_path / "out")
    for read, name in zip(again.read(NAME, KEYS), KEYS, strict=True):
        np.testing.assert_array_equal(read, arrays[name])
    assert again.progress([NAME, "spikes-by-cell-1"]) == ", 1 of them there already"


def test_a_damaged_file_is_none(tmp_path):
    kept = opened(tmp_path / "out")
    (tmp_path / "out" / "trainings" / f"{NAME}.npz").write_bytes(b"PK\x03\x04")
    assert kept.read(NAME, KEYS) is None


def test_another_audit_is_refused_or_begun_anew(tmp_path):
    out = tmp_path / "out"
    opened(out).write(NAME, label=np.arange(2))
    message = r"out: holds an audit with other spikes and kernel \(20 there, 8 here\); name"
    with pytest.raises(StoreError, match=message):
        opened(out, OTHER_STORES, kernel=8)
    assert (out / "trainings" / f"{NAME}.npz").exists()
    (mine := out / "trainings" / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match=r"holds thesis\.txt, which raphe did not write"):
        opened(out, OTHER_STORES, overwrite=True, kernel=8)
    mine.unlink()
    assert opened(out, OTHER_STORES, overwrite=True, kernel=8).read(NAME, ("label",)) is None


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match=f"{tmp_path}: exists and holds no {FACTS}"):
        opened(tmp_path, overwrite=True)


def test_a_folder_that_cannot_be_written_is_told_before_any_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="could not be written"):
        opened(tmp_path / "file" / "out")


def test_facts_that_are_damaged_are_another_audits(tmp_path):
    opened(tmp_path / "out")
    (tmp_path / "out" / FACTS).write_text("{")
    with pytest.raises(StoreError, match="holds an audit with other raphe"):
        opened(tmp_path / "out")
    opened(tmp_path / "out", overwrite=True)
    assert json.loads((tmp_path / "out" / FACTS).read_text())["kernel"] == 20
