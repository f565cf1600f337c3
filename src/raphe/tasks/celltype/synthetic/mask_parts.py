"""Which part of a split each noise mask may serve, and the check that none leaks.

N spikes, M masks.
"""

from collections.abc import Iterator

import numpy as np

from raphe.core.errors import SplitError
from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.stores.spike_set import Cell, SpikeSet
from raphe.tasks.celltype.stores.split import LEFT_OUT, SpikeSplit
from raphe.tasks.celltype.synthetic.mask_store import MaskSet

ALL_MASKS = (
    "split by spike, as published: every mask serves every part, so the noise of a recording is "
    "in training and test alike; a split by cell, day or animal keeps them apart"
)


def parts_of_masks(spikes: SpikeSet, masks: MaskSet, split: SpikeSplit) -> np.ndarray:
    """The part of each mask: that of its recording's cell, day or animal, by which was split; of a
    split by source that of its cell.

    A mask of a cell (or day, or animal) that has no spike in the split belongs to no part and is
    not used. Returns uint8 (M,), LEFT_OUT of no part.
    """
    assert split.kind != "spike"
    group = _group_name(split)
    part_of_group = {getattr(cell, group): part for cell, part in _cells_and_parts(spikes, split)}
    part_of_recording = [
        part_of_group.get(getattr(recording, group), LEFT_OUT) for recording in masks.recordings
    ]
    return np.array(part_of_recording, np.uint8)[masks.recording]


def refuse_leak(
    spikes: SpikeSet, masks: MaskSet, split: SpikeSplit, part_of_mask: np.ndarray
) -> None:
    """Raise SplitError where a mask of one part comes from a cell, day or animal of another part.

    Looks at recordings and cells by name, however the part of each mask, uint8 (M,), was found.
    """
    if split.kind == "spike":
        return
    part_of_cell = list(_cells_and_parts(spikes, split))
    for what in dict.fromkeys(("cell_id", _group_name(split))):
        for number, name in enumerate(PARTS):
            others = {getattr(cell, what): part for cell, part in part_of_cell if part != number}
            for index in np.unique(masks.recording[part_of_mask == number]).tolist():
                recording = masks.recordings[index]
                part_of_other = others.get(getattr(recording, what))
                if part_of_other is not None:
                    raise SplitError(
                        f"{masks.path}: masks of {recording.file} would serve the {name} part, but "
                        f"its {what.removesuffix('_id')} is in the {PARTS[part_of_other]} part: "
                        "its noise would leak"
                    )


def _group_name(split: SpikeSplit) -> str:
    """The field of cells and recordings that tells parts apart: recordings name no source."""
    return "cell_id" if split.kind in ("cell", "source") else split.kind


def _cells_and_parts(spikes: SpikeSet, split: SpikeSplit) -> Iterator[tuple[Cell, int]]:
    """Each cell with a part that its spikes are in."""
    for cell, part in np.argwhere(split.counts).tolist():
        yield spikes.cells[cell], part
