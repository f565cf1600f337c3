"""Which recordings are trained on, validated on and tested on: never a cell on two sides.

Unless all are trained on: then what is validated on is among them, and no score is one of a test.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from raphe.core.errors import SettingError, SplitError
from raphe.core.statistics.splits import Split, check_disjoint, check_fractions, split_by_group
from raphe.tasks.calcium.stores.trace_store import NOTHING, CalciumStore

FRACTIONS = (0.70, 0.15, 0.15)
BETWEEN = "+"  # names of several datasets held out
FEWEST = 3  # cells of a dataset that is divided in three


def split_recordings(
    store: CalciumStore, held_out: str | None, fractions: Sequence[float], seed: int
) -> Split:
    """Divide the recordings of a store, by their index; those of one cell stay together.

    Args:
        store: whose recordings are divided.
        held_out: the name of a dataset, of several with + between them, or of one cell, that is
            tested on; of each other dataset some cells are validated on. NOTHING tests on none
            and trains on all, those validated on among them; None divides every dataset in three.
        fractions: of the cells, for training, validation and test.
        seed: of the draw.

    Raises:
        SplitError: too few cells.
        SettingError: nothing is called as `held_out`.
    """
    check_fractions(fractions)
    number = {name: index for index, name in enumerate(store.datasets)}
    dataset = np.array([number[stored.dataset] for stored in store.recordings])
    cell = store.cell_of_recording
    if held_out is not None:
        split = _hold_out(store, dataset, held_out, fractions, seed)
        if held_out == NOTHING:
            return replace(split, train=np.arange(len(dataset)))
        check_disjoint(split, cell, "cell")
        return split
    few = [
        name for name, index in number.items() if len(np.unique(cell[dataset == index])) < FEWEST
    ]
    if few:
        raise SplitError(
            f"{store.path}: {', '.join(few)}: fewer than {FEWEST} cells cannot be divided in "
            "training, validation and test; hold a whole dataset out with data.held_out=NAME"
        )
    return split_by_group(
        cell, dataset, fractions, seed, group_name="cell", class_names=store.datasets
    )


def _hold_out(
    store: CalciumStore, dataset: np.ndarray, held_out: str, fractions: Sequence[float], seed: int
) -> Split:
    cells = {recording.cell for recording in store.recordings}
    known = {*store.datasets, *cells}
    if held_out == NOTHING and NOTHING in known:
        raise SettingError(
            f"data.held_out={NOTHING}: trains on all, and {store.path} has a dataset or a cell of "
            "that name; import its files anew under another name"
        )
    names = [held_out] if held_out in known else held_out.split(BETWEEN)
    if held_out != NOTHING and not known.issuperset(names):
        raise SettingError(
            f"data.held_out={held_out}: expected a dataset ({', '.join(store.datasets)}), several "
            f"with {BETWEEN} between them, or a cell such as {store.recordings[0].cell}, or "
            f"{NOTHING} to train on all"
        )
    tested = np.array(
        [recording.dataset in names or recording.cell in names for recording in store.recordings]
    )
    rng = np.random.default_rng(seed)
    val_fraction = fractions[1] / (fractions[0] + fractions[1])
    cell = store.cell_of_recording
    validated = np.zeros(len(dataset), dtype=bool)
    for index in np.unique(dataset):
        left = rng.permutation(np.unique(cell[(dataset == index) & ~tested]))
        if len(left) > 1:  # at least one of each dataset is trained on
            n_val = min(max(1, round(val_fraction * len(left))), len(left) - 1)
            validated |= np.isin(cell, left[:n_val])
    if not validated.any():
        raise SplitError(
            f"{store.path}: with {held_out} held out no dataset has two cells, one to train and "
            "one to validate on; add recordings of further cells"
        )
    trained = ~(tested | validated)
    return Split(*(np.flatnonzero(part) for part in (trained, validated, tested)))
