"""Samples made for training are those of a part, in turn, however many are asked for at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.stores.split import split_spikes
from raphe.tasks.celltype.synthetic.synthesizer import Synthesizer
from raphe.tasks.celltype.training import parts
from raphe.tasks.celltype.training.batches import SpikeBlock
from raphe.tasks.celltype.training.parts import OnlinePart


@pytest.fixture
def maker(make_spikes, make_masks) -> Synthesizer:
    spikes = make_spikes()
    return Synthesizer(spikes, make_masks(), split_spikes(spikes))


@settings(max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    part=st.sampled_from([None, *PARTS]),
    at_once=st.integers(1, 50),
)
def test_an_epoch_is_the_next_samples_of_the_part(maker, sizes, part, at_once):
    count, epoch = sum(sizes), 3
    block = SpikeBlock.empty(count, 16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "DRAWN_AT_ONCE", at_once)
        stream = OnlinePart(maker, part).stream(count, epoch, None)
        start, stop = stream.next, stream.stop
        for places in np.split(np.arange(count), np.cumsum(sizes)[:-1]):
            stream.put(block, places)
    samples = maker.make(np.arange(start, stop))
    of_part = samples if part is None else samples[samples.part == PARTS.index(part)]
    np.testing.assert_array_equal(block.current, of_part.waveforms[:count])
    np.testing.assert_array_equal(block.label, of_part.label[:count])
    np.testing.assert_array_equal(block.cell, of_part.cell[:count])
    assert (start, stop) == (epoch * (stop - start), (epoch + 1) * (stop - start))
