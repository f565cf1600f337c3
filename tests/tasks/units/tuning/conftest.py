"""Made-up units of another rig than the bundle's, a part of them with labels."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from raphe.cli import main
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.stores.import_units import import_units
from raphe.tasks.units.training.simple_classifiers import (
    EXTRA,
    KERNEL,
    LOGISTIC,
    NEAREST,
    SIMPLE,
    Simple,
)
from raphe.tasks.units.tuning import learning_curve, left_out
from raphe.tasks.units.tuning.selection import Material

FEW_TREES = 10


def hurry(patch: pytest.MonkeyPatch, most_one_by_one: int = 2) -> None:
    """Few repeats, few settings and few trees: what is said rests on less, by the same steps."""
    patch.setattr(learning_curve, "REPEATS", 1)
    patch.setattr(learning_curve, "SIZES", 3)
    for name, value in {"MOST_ONE_BY_ONE": most_one_by_one, "PARTS": 3, "REPEATS": 1}.items():
        patch.setattr(left_out, name, value)
    patch.setitem(SIMPLE, LOGISTIC, replace(SIMPLE[LOGISTIC], settings=[{"c": 0.1}]))
    patch.setitem(SIMPLE, KERNEL, replace(SIMPLE[KERNEL], settings=SIMPLE[KERNEL].settings[:1]))
    patch.setitem(SIMPLE, NEAREST, replace(SIMPLE[NEAREST], settings=[{"k": 3}]))
    patch.setitem(SIMPLE, EXTRA, _of_few_trees(SIMPLE[EXTRA]))


def _of_few_trees(extra: Simple) -> Simple:
    def build(*given: Any) -> Any:
        return extra.build(*given).set_params(extratreesclassifier__n_estimators=FEW_TREES)

    return replace(extra, build=build)


@pytest.fixture
def material() -> Callable[..., Material]:
    """Units of two classes that two of six numbers tell, and a bundle that is right of so many."""

    def make(
        n: int = 30, right: float = 0.9, sure: float = 0.8, seed: int = 0, n_others: int = 10
    ) -> Material:
        rng = np.random.default_rng(seed)
        label = np.arange(n) % 2
        truth = np.concatenate([label, np.arange(n_others) % 2])
        inputs = rng.normal(size=(n + n_others, 6)) + 2 * truth[:, None] * (np.arange(6) < 2)
        said = np.where(rng.random(n + n_others) < right, truth, 1 - truth)
        log_p = np.log(np.where(said[:, None] == np.arange(2), sure, 1 - sure))
        return Material(log_p[:n], inputs[:n], label, np.arange(n), [4, 2], log_p[n:], inputs[n:])

    return make


@dataclass(frozen=True)
class Command:
    """What `raphe finetune` made of 24 units with a label and 16 without."""

    out: Path
    store: Path
    bundle: Path


@pytest.fixture(scope="session")
def finetuned(
    unit_bundle: Callable[..., Path],
    unit_store: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Command:
    folder = tmp_path_factory.mktemp("tuning")
    read = read_unit_folder(unit_store.parent / "units")
    facts = read.units.facts
    for number in range(16):
        facts[number] = type(facts[number])(facts[number].unit_id, animal=facts[number].animal)
    store = import_units(read, "own", folder / "store").store
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch, most_one_by_one=24)
        arguments = ["finetune", str(unit_bundle()), str(store), "--out", str(folder / "tuned")]
        assert main(arguments) == 0
    return Command(folder / "tuned", store, unit_bundle())
