"""Synthetic spikes: an original, smoothed, plus a noise mask. Corradetti et al. 2024.

Sample i depends on the seed and i alone: not on how many are made, in which order or by whom.
n samples, N originals, T samples a window, M masks, L samples a mask.
"""

from dataclasses import dataclass
from operator import eq
from typing import Annotated, Any, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from raphe.core.errors import SettingError, SplitError, StoreError
from raphe.core.ranges import Range, check_ranges
from raphe.core.recordings.rates import same_rate
from raphe.core.statistics.splits import PARTS
from raphe.tasks.celltype.stores.spike_set import SpikeSet
from raphe.tasks.celltype.stores.split import LEFT_OUT, SpikeSplit
from raphe.tasks.celltype.synthetic.mask_parts import parts_of_masks, refuse_leak
from raphe.tasks.celltype.synthetic.mask_store import MaskSet
from raphe.tasks.celltype.synthetic.smoothing import Smoothing, Width, check_smoothing, smoother

PARENT, MASK, OFFSET = range(3)  # a sample's draws
N_DRAWS = 3
CACHE_ROWS = 1024  # windows worked on at once, so that they stay in a core's cache

# SplitMix64 of Steele, Lea and Flood (OOPSLA 2014) in the constants of Vigna's splitmix64.c, whose
# state after k steps is seed + k × GAMMA, so that any step can be taken at once: the k-th number is
# computed from seed and k alone.
GAMMA = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Recipe:
    """How a synthetic spike is made. Raises SettingError.

    `smoothing` "mean" is a centred moving mean of `width` samples (3 as the published names
    `3mean_…` say), "savgol" Savitzky and Golay's. `gain` multiplies the mask; "recording" scales
    each mask so that its SD is the noise level of the parent's own recording.
    """

    smoothing: Smoothing = "mean"
    width: Width = 3
    gain: Annotated[float, Range(0, also="or recording")] | Literal["recording"] = 1.0
    seed: Annotated[int, Range(0, 2**64 - 1)] = 42

    def __post_init__(self) -> None:
        check_smoothing(self.smoothing, self.width)
        check_ranges(Recipe, vars(self))


@dataclass(frozen=True)
class Draw:
    """What samples are made of; each array (n,)."""

    label: np.ndarray  # uint8
    cell: np.ndarray  # int32, index into the originals' cells
    parent: np.ndarray  # int64, row of the original
    part: np.ndarray  # uint8, that of the parent, index into PARTS
    mask: np.ndarray  # int32, row of the mask
    offset: np.ndarray  # int32, sample of the mask that the window begins with

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, places: np.ndarray | slice) -> "Draw":
        """The samples at these places, int64 (k,) or a slice, in their order."""
        return type(self)(**{name: values[places] for name, values in vars(self).items()})


@dataclass(frozen=True)
class SyntheticSpikes(Draw):
    """Samples and what they were made of."""

    waveforms: np.ndarray  # float32 (n, T), in the originals' unit


class Synthesizer:
    """Makes synthetic spikes by their index; holds no waveform but one block's.

    Classes take turns: sample i is of class i modulo their number. Its parent is drawn uniformly
    over the originals of that class in the split, and gives the sample its part. Its mask is drawn
    uniformly over those whose recording is in that same part; in a split by spike, or without a
    split, over all of them.

    Raises StoreError where spikes and masks do not fit, SplitError where a part or class lacks
    either, SettingError.
    """

    def __init__(
        self,
        spikes: SpikeSet,
        masks: MaskSet,
        split: SpikeSplit | None = None,
        recipe: Recipe | None = None,
    ):
        recipe = recipe or Recipe()
        _require_fit(spikes, masks)
        if split is not None and split.spikes_hash != spikes.content_hash:
            raise SplitError(f"{spikes.path}: is not the store that was split; split it anew")
        self.spikes, self.masks, self.split, self.recipe = spikes, masks, split, recipe
        self._part = np.zeros(spikes.n, np.uint8) if split is None else split.part[:]  # (N,)
        self._cell = spikes.cell[:].astype(np.int32, copy=False)  # (N,)
        self._key = splitmix64(np.uint64(recipe.seed), np.uint64(0))
        self._smooth = smoother(recipe.smoothing, recipe.width, spikes.n_samples)
        self._windows = sliding_window_view(masks.masks, spikes.n_samples, axis=1)  # (M, ≤ L, T)
        self._parents, self._n_parents = self._parents_by_class()
        self._pools, self._n_pool = self._masks_by_part()
        if recipe.gain == "recording":
            self._cell_noise = _noise_of_cells(spikes, masks, np.flatnonzero(spikes.counts))
            self._mask_sd = masks.masks.std(axis=1, dtype=np.float64)
            self._mask_sd[self._mask_sd == 0] = np.inf  # no gain makes noise of a flat mask

    def __reduce__(self) -> tuple[Any, ...]:
        return Synthesizer, (self.spikes, self.masks, self.split, self.recipe)

    def draw(self, index: np.ndarray) -> Draw:
        """What the samples of these indices (n,) are made of, without making them."""
        index = np.asarray(index, np.int64)
        label = index % len(self.spikes.classes)
        counter = index.astype(np.uint64) * np.uint64(N_DRAWS)
        place = below(self._random(counter, PARENT), self._n_parents[label])
        parent = self._parents[_starts(self._n_parents)[label] + place]
        part = self._part[parent]
        place = below(self._random(counter, MASK), self._n_pool[part])
        mask = self._pools[_starts(self._n_pool)[part] + place]
        offset = below(self._random(counter, OFFSET), self._windows.shape[1])
        return Draw(
            label.astype(np.uint8),
            self._cell[parent],
            parent,
            part,
            mask,
            offset.astype(np.int32),
        )

    def make(self, index: np.ndarray) -> SyntheticSpikes:
        """The samples of these indices (n,), in their order."""
        return self.carry_out(self.draw(index))

    def carry_out(self, drawn: Draw) -> SyntheticSpikes:
        """The samples that were drawn."""
        waveforms = np.empty((len(drawn), self.spikes.n_samples), np.float32)
        for start in range(0, len(waveforms), CACHE_ROWS):
            block = slice(start, start + CACHE_ROWS)
            noise = self._windows[drawn.mask[block], drawn.offset[block]]
            noise *= self._gain(drawn.mask[block], drawn.cell[block])
            smooth = self._smooth(self.spikes.read(drawn.parent[block]))
            np.add(smooth, noise, out=waveforms[block])
        return SyntheticSpikes(**vars(drawn), waveforms=waveforms)

    def _random(self, counter: np.ndarray, draw: int) -> np.ndarray:
        return splitmix64(self._key, counter + np.uint64(draw))

    def _gain(self, mask: np.ndarray, cell: np.ndarray) -> np.float32 | np.ndarray:
        if self.recipe.gain != "recording":
            return np.float32(self.recipe.gain)
        gain = self._cell_noise[cell] / self._mask_sd[mask]
        return gain.astype(np.float32)[:, None]

    def _parents_by_class(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the originals in the split, class after class, and how many each class has."""
        rows = np.flatnonzero(self._part != LEFT_OUT)
        label = self.spikes.label[rows]
        counts = np.bincount(label, minlength=len(self.spikes.classes))
        missing = [name for name, n in zip(self.spikes.classes, counts, strict=True) if not n]
        if missing:
            raise SplitError(
                f"{self.spikes.path}: has no spike of {', '.join(missing)} to make others from; "
                "add recordings of that class"
            )
        return rows[np.argsort(label, kind="stable")], counts

    def _masks_by_part(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the masks that serve each part, part after part: int32, and how many each has."""
        n_masks = len(self.masks)
        if self.split is None or self.split.kind == "spike":
            return np.tile(np.arange(n_masks, dtype=np.int32), len(PARTS)), np.full(3, n_masks)
        part = parts_of_masks(self.spikes, self.masks, self.split)
        refuse_leak(self.spikes, self.masks, self.split, part)
        pools = [np.flatnonzero(part == number) for number in range(len(PARTS))]
        for name, pool in zip(PARTS, pools, strict=True):
            if not len(pool):
                raise SplitError(
                    f"{self.masks.path}: no mask comes from a {self.split.kind} in the {name} part "
                    f"of {self.spikes.path}; cut masks from the recordings of that store, more of "
                    "them or shorter ones, so that each part has some"
                )
        return np.concatenate(pools).astype(np.int32), np.array([len(pool) for pool in pools])


def _starts(counts: np.ndarray) -> np.ndarray:
    return np.cumsum(counts) - counts


def _require_fit(spikes: SpikeSet, masks: MaskSet) -> None:
    for fact in ("rate_hz", "unit"):
        expected, of_masks = getattr(spikes, fact), getattr(masks, fact)
        same = same_rate if fact == "rate_hz" else eq
        if not same(expected, of_masks):
            raise StoreError(
                f"{masks.path}: expected {fact} {expected} as in {spikes.path}, got {of_masks}; "
                "cut masks and spikes alike"
            )
    if masks.n_samples < spikes.n_samples:
        raise StoreError(
            f"{masks.path}: its masks have {masks.n_samples} samples, the spikes of {spikes.path} "
            f"{spikes.n_samples}; cut longer masks (--mask-ms)"
        )


def _noise_of_cells(spikes: SpikeSet, masks: MaskSet, used: np.ndarray) -> np.ndarray:
    """The noise level of each cell's own recordings: float64 (cells,), NaN of a cell not used.

    Raises SettingError for a cell without a quiet recording: noise measured in another way, from
    the ms before its spikes, would not compare with the others'.
    """
    variances: dict[str, list[float]] = {}
    for recording in masks.recordings:
        variances.setdefault(recording.cell_id, []).append(recording.noise_sd_pa**2)
    without = [i for i in used.tolist() if spikes.cells[i].cell_id not in variances]
    if without:
        raise SettingError(
            f"gain recording: {masks.path} knows no noise level of {len(without)} of the cells in "
            f"{spikes.path} (first: {spikes.cells[without[0]].cell_id}), their recordings were not "
            "there or have no quiet stretch; cut masks from all of them, or give a number as gain"
        )
    noise = np.full(len(spikes.cells), np.nan)
    for i in used.tolist():
        noise[i] = np.sqrt(np.mean(variances[spikes.cells[i].cell_id]))
    return noise


def splitmix64(seed: np.uint64 | np.ndarray, k: np.uint64 | np.ndarray) -> np.ndarray:
    """The k-th outputs (0 is the first) of SplitMix64 from this seed: uint64 in the shape of k."""
    z = np.asarray(k).astype(np.uint64)
    z += np.uint64(1)
    z *= GAMMA  # modulo 2**64, as are all products here
    z += np.uint64(seed)
    z ^= z >> np.uint64(30)
    z *= MIX_1
    z ^= z >> np.uint64(27)
    z *= MIX_2
    z ^= z >> np.uint64(31)
    return z


def below(random: np.ndarray, n: np.ndarray | int) -> np.ndarray:
    """Turn random uint64 (k,) into int64 (k,) from 0 to n - 1, n < 2**32, one for all or (k,).

    By multiplication and shift; one value is more likely than another by n / 2**32 at most.
    """
    n = np.asarray(n).astype(np.uint64)
    return (((random >> np.uint64(32)) * n) >> np.uint64(32)).astype(np.int64)
