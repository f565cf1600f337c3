"""Two stores are searched for copies once, whichever objects stand for them; others anew."""

from types import SimpleNamespace

import numpy as np
import pytest

from raphe.tasks.celltype.stores import known_copies
from raphe.tasks.celltype.stores.known_copies import copies_between
from raphe.tasks.celltype.stores.lazy_array import InMemory, LazyArray

N, SAMPLES = 40, 160


def store(name: str, windows: np.ndarray) -> SimpleNamespace:
    cell = np.repeat([0, 1], N // 2)
    return SimpleNamespace(
        content_hash=name,
        cells=("a", "b"),
        windows=LazyArray(InMemory(windows)),
        cell=LazyArray(InMemory(cell)),
        trigger=LazyArray(InMemory(np.full(N, -1))),
    )


def test_the_same_stores_are_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    windows = rng.normal(size=(N, SAMPLES)).astype(np.float32)
    others = rng.normal(size=(N, SAMPLES)).astype(np.float32)
    searched, find = [], known_copies.find_copies

    def counting(*arrays: LazyArray) -> list:
        searched.append(arrays)
        return find(*arrays)

    monkeypatch.setattr(known_copies, "find_copies", counting)
    monkeypatch.setattr(known_copies, "_found", {})
    pairs = [
        [(copy.first, copy.second) for copy in copies_between(store("x", windows), store(*second))]
        for second in (("y", windows), ("z", others), ("y", windows))
    ]
    assert pairs == [[(0, 2), (1, 3)], [], [(0, 2), (1, 3)]]
    assert len(searched) == 2
