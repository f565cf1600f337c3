"""Which store is trained on, and when it is made."""

from dataclasses import replace
from pathlib import Path

import pytest

from raphe.core.errors import StoreError
from raphe.tasks.glif.lstm_study.prepare import prepare
from raphe.tasks.glif.lstm_study.study import Study

TINY = Study(n_train=2, n_val=1, n_test=1, rate_hz=20_000.0, simulated=40, fed=40)


def test_a_store_that_is_named_is_used(tmp_path: Path, store_path: Path) -> None:
    assert prepare(store_path, tmp_path / "data", TINY) == {"store": store_path}
    assert not (tmp_path / "data").exists()
    with pytest.raises(StoreError, match=r"data\.store=nowhere: no such store"):
        prepare("nowhere", tmp_path, TINY)


def test_a_study_is_simulated_once(tmp_path: Path) -> None:
    store = prepare(None, tmp_path, TINY)["store"]
    written = (store / "manifest.json").stat().st_mtime_ns
    assert prepare(None, tmp_path, TINY)["store"] == store
    assert (store / "manifest.json").stat().st_mtime_ns == written
    assert prepare(None, tmp_path, replace(TINY, seed=7))["store"] != store
