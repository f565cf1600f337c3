"""The networks of labelled units where their settings are chosen inside each fold.

`units.py` gives one setting to all sets, which was not chosen blindly. Here each of the field's
folds chooses among SETTINGS by an inner cross-validation over its own training units, and its
test units are called by networks of that setting, trained on all of its training units: no unit has
a part in any choice for networks that call it.

    python benchmarks/units_nested.py [DATA] [--sets s1_juxtacellular] [--work FOLDER]

DATA as in `units.py`. FOLDER keeps what each training said: what is done is not done again.
"""

import copy
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from machine import options_of, write_table
from units import DATA, SETS, UnitData

from raphe.core.statistics.folds import assign_folds
from raphe.core.statistics.intervals import Difference
from raphe.tasks.units.metrics.verdicts import BALANCED, Verdicts, balanced_difference, scores
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.stores.import_units import import_units
from raphe.tasks.units.training.data import UnitData as UnitBatches
from raphe.tasks.units.training.module import UnitModule

SETTINGS: dict[str, dict[str, Any]] = {
    "as in `task=units`": {},  # 24 hidden units, dropout .5, noise .3, weight decay .05
    "dropout .2, noise .1": {"dropout": 0.2, "noise": 0.1},
    "noise .6": {"noise": 0.6},
    "64 hidden units": {"hidden": 64},
    "weight decay .5": {"optimizer": partial(torch.optim.AdamW, lr=3e-3, weight_decay=0.5)},
}
GIVEN = next(iter(SETTINGS))
INNER_FOLDS, INNER_MEMBERS, MEMBERS, EPOCHS = 4, 2, 5, 10
ABOUT = f"""\
balanced accuracy of units that a method had not seen, on the field's five folds. In each fold one of {len(SETTINGS)} settings ({{settings}}; `task=units` has 24 hidden units, dropout .5, noise .3, weight decay .05, from which each of the others differs in what it names) is chosen by the balanced accuracy of an inner cross-validation over the fold's training units alone ({INNER_FOLDS} folds, {INNER_MEMBERS} networks each), and {MEMBERS} networks of that setting, trained on all of these units, call the fold's test units. “As in `task=units`” is the first setting for all folds, other networks than in [units](units.md); “the best afterwards” is the largest mean of the {len(SETTINGS)}, each given to all folds, which flatters. In brackets the interval (95 %) of the balanced accuracy of all units together, over units, and of the difference of these.
"""  # noqa: E501


@dataclass(frozen=True)
class Nested:
    """What a set's folds come to: chosen inside, as in `task=units`, and the best afterwards."""

    chosen: Verdicts
    given: Verdicts
    best_mean: float
    by: Counter[str]


def said(
    data: UnitBatches, settings: dict[str, Any], members: int, seed: int, kept: Path
) -> np.ndarray:
    """What networks that did not see a unit say of it, (N, C); from `kept`, if it is there."""
    if not kept.is_file():
        pl.seed_everything(seed, verbose=False)
        module = UnitModule(members, **settings, **data.facts)
        trainer = pl.Trainer(
            accelerator="cpu", max_epochs=EPOCHS, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(module, datamodule=data)
        trainer.test(module, datamodule=data, verbose=False)
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part.npy")
        np.save(part, module.probability)
        part.replace(kept)
    probability: np.ndarray = np.load(kept)
    return probability


def of_fold(data: UnitBatches, number: int) -> UnitBatches:
    """The training units of a fold, dealt out to inner folds."""
    inner, trained = copy.copy(data), data.fold != number
    inner.inputs, inner.label = data.inputs[trained], data.label[trained]
    units = np.arange(len(inner.label))
    inner.fold = assign_folds(units, inner.label, INNER_FOLDS, number, "unit")
    return inner


def inner_score(data: UnitBatches, number: int, name: str, work: Path) -> float:
    """Balanced accuracy of a setting within the training units of a fold."""
    inner = of_fold(data, number)
    kept = work / f"inner_{list(SETTINGS).index(name)}_{number}.npy"
    probability = said(inner, SETTINGS[name], INNER_MEMBERS, number, kept)
    called = probability.argmax(axis=1)
    classes = np.unique(inner.label)
    return float(np.mean([(called[inner.label == c] == c).mean() for c in classes]))


def measured(data: UnitBatches, work: Path) -> Nested:
    outer = {
        name: said(data, settings, MEMBERS, 42, work / f"outer_{number}.npy")
        for number, (name, settings) in enumerate(SETTINGS.items())
    }
    by, chosen = Counter[str](), np.empty_like(outer[GIVEN])
    for number in range(data.n_folds):
        scored = {name: inner_score(data, number, name, work) for name in SETTINGS}
        best = max(scored, key=lambda name: scored[name])
        by[best] += 1
        tested = data.fold == number
        chosen[tested] = outer[best][tested]
    verdicts = {name: Verdicts(said, data.label, data.fold) for name, said in outer.items()}
    best_mean = max(of.fold_balanced_accuracy for of in verdicts.values())
    return Nested(Verdicts(chosen, data.label, data.fold), verdicts[GIVEN], best_mean, by)


def is_given(data: UnitData) -> bool:
    """Whether the field's folds are given; of DANDI 000041 they could not be matched."""
    return "data.split=given" in data.split


def opened(data: UnitData, source: Path, work: Path) -> UnitBatches:
    store = work / "store"
    if not store.is_dir():
        import_units(read_unit_folder(source / data.name), data.name, store, data.classes or None)
    return UnitBatches(store, split="given")


def row_of(data: UnitData, batches: UnitBatches, nested: Nested) -> list[str]:
    classes, groups = batches.store.classes, batches.groups
    cells = []
    for verdicts in (nested.chosen, nested.given):
        pooled = {figure.name: figure for figure in scores(verdicts, classes, groups)}[BALANCED]
        ends = f"{pooled.estimate.low:.2f}–{pooled.estimate.high:.2f}"
        cells.append(f"{verdicts.fold_balanced_accuracy:.3f} ({ends})")
    less: Difference = balanced_difference(nested.chosen, nested.given, classes, groups)
    told = "; ".join(f"{name} ({n})" for name, n in nested.by.most_common())
    return [
        data.title, *cells, f"{less.value:+.3f} ({less.low:+.2f} to {less.high:+.2f})",
        f"{nested.best_mean:.3f}", told,
    ]  # fmt: skip


def main() -> None:
    parser = options_of(__doc__, "units_nested")
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="folder of the sets")
    parser.add_argument("--sets", nargs="+", help="names of some of the sets")
    parser.add_argument("--work", type=Path, default=Path("units-nested"))
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"{options.data}: no such folder; the sets are not handed on with raphe")
    torch.set_num_threads(1)
    rows = []
    for data in SETS:
        if not is_given(data) or (options.sets and data.name not in options.sets):
            continue
        work = options.work / data.name
        batches = opened(data, options.data, work)
        rows.append(row_of(data, batches, measured(batches, work)))
    about = ABOUT.strip().format(settings="; ".join(SETTINGS))
    measured_sets = {row[0] for row in rows}
    left = [data.title for data in SETS if is_given(data) and data.title not in measured_sets]
    if left:
        about += f"\n\nNot measured: {'; '.join(left)}."
    columns = [
        "units", "chosen inside", "as in `task=units`", "difference", "the best afterwards",
        "chosen (folds)",
    ]  # fmt: skip
    write_table(options.output, "Settings chosen inside the folds", about, columns, rows)


if __name__ == "__main__":
    main()
