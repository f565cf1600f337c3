"""A sample is its parent, smoothed, plus its mask; it depends on seed and index; nothing leaks."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import savgol_filter
from scipy.stats import chisquare

from raphe.core.errors import SettingError, SplitError, StoreError
from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.stores.split import split_spikes
from raphe.tasks.celltype.synthetic import synthesizer
from raphe.tasks.celltype.synthetic.mask_parts import parts_of_masks, refuse_leak
from raphe.tasks.celltype.synthetic.smoothing import smoother
from raphe.tasks.celltype.synthetic.synthesizer import Recipe, Synthesizer, below, splitmix64

PROPERTY = settings(max_examples=25)  # the fixtures are read-only stores: one for all examples

# ---- random numbers by number


def test_the_hash_gives_the_published_outputs_of_splitmix64():
    """Of Vigna's splitmix64.c: seed 1234567 (Rosetta Code's vector) and seed 0 (that of Java)."""
    assert splitmix64(np.uint64(1234567), np.arange(5)).tolist() == [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431,
        16408922859458223821,
    ]  # fmt: skip
    assert splitmix64(np.uint64(0), np.array([2, 0, 1])).tolist() == [
        0x06C45D188009454F, 0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4,
    ]  # fmt: skip


def test_below_is_uniform_and_stays_below():
    counts = np.bincount(below(splitmix64(np.uint64(7), np.arange(700_000)), 7))
    assert len(counts) == 7
    assert chisquare(counts).pvalue > 1e-4
    ends = np.array([0, 2**64 - 1], np.uint64)
    assert below(ends, np.array([5, 5])).tolist() == [0, 4]


# ---- smoothing


@pytest.mark.parametrize("width", [1, 3, 5, 9])
def test_moving_mean_is_numpy_convolve_over_the_samples_that_exist(width):
    x = np.random.default_rng(0).normal(0, 40, 30)
    ones = np.ones(width)
    expected = np.convolve(x, ones, "same") / np.convolve(np.ones(30), ones, "same")
    smoothed = smoother("mean", width, 30)(x[None].astype(np.float32))[0]
    np.testing.assert_allclose(smoothed, expected, rtol=1e-5, atol=1e-4)


def test_moving_mean_of_three_by_hand():
    windows = np.array([[3, 6, 0, 9, 3]], np.float32)
    np.testing.assert_allclose(smoother("mean", 3, 5)(windows), [[4.5, 3, 5, 4, 6]], rtol=1e-6)


@pytest.mark.parametrize("width", [5, 7, 15])
def test_savgol_is_scipys(width):
    x = np.random.default_rng(1).normal(0, 40, (4, 40)).astype(np.float32)
    smoothed = smoother("savgol", width, 40)(x)
    np.testing.assert_allclose(smoothed, savgol_filter(x, width, 3, axis=1), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 4}, "odd"),
        ({"width": -1}, "odd"),
        ({"smoothing": "median"}, "mean or savgol"),
        ({"smoothing": "savgol"}, "give 5 or more"),
        ({"gain": -1.0}, "gain"),
        ({"gain": "loud"}, "gain"),
        ({"gain": float("nan")}, "gain"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_recipe_that_cannot_be_is_told(settings, message):
    with pytest.raises(SettingError, match=message):
        Recipe(**settings)


def test_a_width_beyond_the_window_is_told(make_spikes, make_masks):
    with pytest.raises(SettingError, match="window's 16 samples, got 17"):
        Synthesizer(make_spikes(), make_masks(), None, Recipe(width=17))


# ---- samples


@pytest.mark.parametrize(("smoothing", "width"), [("mean", 3), ("savgol", 7)])
@pytest.mark.parametrize("gain", [0.0, 1.0, 2.5, "recording"])
def test_a_sample_is_the_smoothed_parent_plus_the_scaled_mask(
    make_spikes, make_masks, smoothing, width, gain
):
    spikes, masks = make_spikes(), make_masks()
    samples = Synthesizer(spikes, masks, None, Recipe(smoothing, width, gain)).make(np.arange(50))
    assert samples.waveforms.dtype == np.float32
    for i in range(50):
        parent = spikes.read(samples.parent[i : i + 1])[0].astype(np.float64)
        if smoothing == "mean":
            ones = np.ones(width)
            smooth = np.convolve(parent, ones, "same") / np.convolve(np.ones(16), ones, "same")
        else:
            smooth = savgol_filter(parent, width, 3)
        mask, offset = masks.masks[samples.mask[i]].astype(np.float64), samples.offset[i]
        own_noise = 1.0 + samples.cell[i]  # as the fixture has it
        scale = own_noise / mask.std() if gain == "recording" else gain
        expected = smooth + scale * mask[offset : offset + 16]
        np.testing.assert_allclose(samples.waveforms[i], expected, rtol=1e-4, atol=1e-3)
        assert samples.label[i] == i % 2 == spikes.label[samples.parent[i]]
        assert samples.cell[i] == spikes.cell[samples.parent[i]]


@PROPERTY
@given(data=st.data(), seed=st.integers(0, 2**64 - 1))
def test_sample_i_is_the_same_alone_in_blocks_and_in_any_order(synthesizers, data, seed):
    make = synthesizers(seed)
    index = np.array(data.draw(st.lists(st.integers(0, 2**40), min_size=1, max_size=40)))
    together = make(index)
    order = np.array(data.draw(st.permutations(range(len(index)))))
    shuffled = make(index[order])
    alone = [make(index[i : i + 1]) for i in range(len(index))]
    for name, values in vars(together).items():
        np.testing.assert_array_equal(getattr(shuffled, name), values[order])
        np.testing.assert_array_equal(
            np.concatenate([vars(block)[name] for block in alone]), values
        )


@pytest.fixture
def synthesizers(make_spikes, make_masks):
    spikes, masks = make_spikes(), make_masks()
    split = split_spikes(spikes)
    return lambda seed: Synthesizer(spikes, masks, split, Recipe("savgol", 5, seed=seed)).make


def test_blocks_beyond_the_cache_change_nothing_and_a_pickled_synthesizer_goes_on(
    make_spikes, make_masks, monkeypatch
):
    spikes = make_spikes()
    maker = Synthesizer(spikes, make_masks(), split_spikes(spikes))
    whole = maker.make(np.arange(100)).waveforms
    monkeypatch.setattr(synthesizer, "CACHE_ROWS", 7)
    np.testing.assert_array_equal(maker.make(np.arange(100)).waveforms, whole)
    pickled = pickle.dumps(maker)
    assert len(pickled) < 4000
    np.testing.assert_array_equal(pickle.loads(pickled).make(np.arange(100)).waveforms, whole)
    other = Synthesizer(spikes, maker.masks, maker.split, Recipe(seed=43))
    assert not (other.make(np.arange(100)).waveforms == whole).all(axis=1).any()


def test_every_parent_mask_and_offset_is_drawn_alike(make_spikes, make_masks):
    spikes, masks = make_spikes(), make_masks()
    drawn = Synthesizer(spikes, masks).draw(np.arange(240_000))
    for values, size in ((drawn.parent, 60), (drawn.mask, 48), (drawn.offset, 5)):
        counts = np.bincount(values, minlength=size)
        assert len(counts) == size
        assert chisquare(counts).pvalue > 1e-4
    assert abs(np.corrcoef(drawn.parent, drawn.mask)[0, 1]) < 0.01


def test_many_samples_of_one_parent_have_its_smoothed_mean_and_the_masks_sd(
    make_spikes, make_masks
):
    spikes, masks = make_spikes(n_cells=2, per_cell=1), make_masks(2, per_cell=200)
    gain = 1.5
    samples = Synthesizer(spikes, masks, None, Recipe(gain=gain)).make(np.arange(40_000))
    of_one = samples.waveforms[samples.parent == 0].astype(np.float64)
    noise = np.lib.stride_tricks.sliding_window_view(masks.masks, 16, axis=1).astype(np.float64)
    noise = noise.reshape(-1, 16)  # every window that can be drawn, each as likely
    smooth = smoother("mean", 3, 16)(spikes.read(slice(0, 1)))[0]
    standard_error = gain * noise.std(axis=0) / np.sqrt(len(of_one))
    assert (np.abs(of_one.mean(axis=0) - smooth - gain * noise.mean(0)) < 5 * standard_error).all()
    np.testing.assert_allclose(of_one.std(axis=0), gain * noise.std(axis=0), rtol=0.05)


# ---- no leak


def groups_by_part(spikes, split, fact):
    """The cells' ids (or days, or animals) of each part, told spike by spike."""
    groups = {name: set() for name in PARTS}
    for cell, part in zip(spikes.cell.tolist(), split.part.tolist(), strict=True):
        groups[PARTS[part]].add(getattr(spikes.cells[cell], fact))
    return groups


@pytest.mark.parametrize(
    ("kind", "fact"), [("cell", "cell_id"), ("day", "day"), ("animal", "animal")]
)
@given(seed=st.integers(0, 2**32), train=st.floats(0.2, 0.7))
@PROPERTY
def test_samples_have_parents_and_masks_of_their_own_part_alone(leak_set, kind, fact, seed, train):
    spikes, masks = leak_set
    split = split_spikes(spikes, kind, (train, (1 - train) / 2, (1 - train) / 2), seed)
    maker = Synthesizer(spikes, masks, split, Recipe(seed=seed))
    groups = groups_by_part(spikes, split, fact)
    every = maker.draw(np.arange(100, 1500))
    seen = 0
    for number, name in enumerate(PARTS):
        drawn = every[every.part == number]
        parents = {getattr(spikes.cells[spikes.cell[row]], fact) for row in drawn.parent}
        noise = {getattr(masks.recordings[masks.recording[row]], fact) for row in drawn.mask}
        assert parents <= groups[name]
        assert noise <= groups[name]
        assert set(drawn.parent.tolist()) <= set(split.rows(name).tolist())
        seen += len(drawn)
    assert seen == 1400  # every sample is in one part


@pytest.fixture
def leak_set(make_spikes, make_masks):
    return make_spikes(n_cells=16), make_masks(n_cells=16)


@pytest.mark.parametrize("kind", ["cell", "day", "animal", "source"])
def test_one_mask_leaked_on_purpose_is_seen(make_spikes, make_masks, monkeypatch, kind):
    spikes, masks = make_spikes(), make_masks()
    spikes.cells[:] = [replace(cell, source=f"lab {cell.day}") for cell in spikes.cells]
    split = split_spikes(spikes, kind)
    part = parts_of_masks(spikes, masks, split)
    refuse_leak(spikes, masks, split, part)
    leaked = part.copy()
    leaked[np.flatnonzero(part == PARTS.index("test"))[0]] = PARTS.index("train")
    with pytest.raises(SplitError, match=r"would serve the train part.*test part: its noise"):
        refuse_leak(spikes, masks, split, leaked)
    monkeypatch.setattr(synthesizer, "parts_of_masks", lambda *_: leaked)
    with pytest.raises(SplitError, match="would leak"):
        Synthesizer(spikes, masks, split)


def test_by_spike_every_mask_serves_every_part_as_published(make_spikes, make_masks):
    spikes, masks = make_spikes(), make_masks()
    split = split_spikes(spikes, "spike")
    maker = Synthesizer(spikes, masks, split)
    every = maker.draw(np.arange(20_000))
    for number, name in enumerate(PARTS):
        drawn = every[every.part == number]
        assert set(drawn.mask.tolist()) == set(range(len(masks)))
        assert set(drawn.parent.tolist()) == set(split.rows(name).tolist())


def test_spikes_left_out_of_the_split_are_no_parents(make_spikes, make_masks):
    spikes = make_spikes()
    split = split_spikes(spikes, "spike", per_class=20)
    drawn = Synthesizer(spikes, make_masks(), split).draw(np.arange(5000))
    in_split = np.concatenate([split.rows(name) for name in PARTS])
    assert len(in_split) == 40
    assert set(drawn.parent.tolist()) == set(in_split.tolist())


# ---- what does not fit together


def test_spikes_and_masks_that_do_not_fit_are_told(make_spikes, make_masks):
    spikes, masks = make_spikes(), make_masks()
    split = split_spikes(spikes)
    with pytest.raises(StoreError, match=r"rate_hz 40000\.0 as in .*store, got 20000\.0"):
        Synthesizer(spikes, make_masks(folder="slow", rate_hz=20_000.0), split)
    with pytest.raises(StoreError, match=r"masks have 12 samples.*16; cut longer masks"):
        Synthesizer(spikes, make_masks(folder="short", n_samples=12), split)
    with pytest.raises(SplitError, match=r"no mask comes from a cell in the (val|test) part"):
        Synthesizer(spikes, make_masks(4, folder="few"), split)
    with pytest.raises(SplitError, match="is not the store that was split"):
        Synthesizer(make_spikes(14, folder="other"), masks, split)
    with pytest.raises(SettingError, match=r"no noise level of 2 of the cells.*first: c10"):
        Synthesizer(spikes, make_masks(10, folder="ten"), None, Recipe(gain="recording"))
