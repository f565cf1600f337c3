"""Copies: the same spikes under two cell ids, found by what they are, not by their names.

Five searches, each of which finds what the others miss: windows equal to the last bit; windows
nearer to one of another cell than noise lets two spikes come, also, of cells of few windows, where
they begin some samples later; spike times that agree; and spikes each of which has one of another
cell for its parent. Two cells of one class, and two recordings of one cell, pass all five: no two
spikes share their noise.

N windows, T samples a window, C cells, D dimensions of a search.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy.spatial import KDTree

from raphe.core.progress import progress
from raphe.tasks.celltype.spikes.window_shapes import (
    centred_windows,
    hash_windows,
    unit_windows,
    upright_windows,
)
from raphe.tasks.celltype.stores.lazy_array import LazyArray
from raphe.tasks.celltype.stores.subsampling import evenly_spaced

DIMENSIONS = 8  # of the search for near windows; full distances are then taken
SEARCHED = 2**21  # windows at most, the first of each cell: copies keep their order
LOOKED_UP = 32  # windows of each cell, evenly through it; fewer of many cells
LOOKED_UP_IN_ALL = 2**15
CELLS_AT_ONCE = 128
ROWS_AT_ONCE = 2**12
# Distances are between windows of mean 0 and norm 1.
SHARE_OF_NOISE = 0.25  # of the distance between two neighbouring spikes of a cell
FAR = 0.05  # further apart are no copies, whatever the noise
ALONE = 0.005  # of cells too few of whose windows are there to tell their noise: templates
ENOUGH = 8  # windows that tell a cell's noise, spikes whose times can be compared
TIME_TOLERANCE = 1  # samples
LEAST_SCATTER = 20  # samples between the quartiles of a cell's intervals
LEAST_SHARE = 0.2  # of the windows looked up, or of the times, that must agree
SEVERAL = 4  # nearest places, of which one may be in another cell
NEIGHBOURS = 3  # cells nearest in mean waveform, which are compared spike by spike
COMPARED = 20  # spikes of a cell, with fewer of which that comparison says nothing
MOST_SHIFT = 3  # samples by which windows of so few are looked for elsewhere
# Of the step up to the likest spike, see `_step_to_likest`: measured on simulated cells of which
# none is a copy, with n spikes the logarithm has mean log 2 and SD 1.9 / √n at most.
STEP, STEP_SD, STEP_SDS = 2.0, 1.9, 4.5
WORTH_MORE = 3.0  # from so large a step on more spikes are looked at
LOOKALIKE = 0.25  # distance of two means, beyond which spikes are not compared
AGAIN = 1.6  # squared distance of two means over that which their noise gives


CellPart = tuple[int, slice]  # a cell, and the samples of its windows that are compared


class Kind(Enum):
    """What two cells have in common."""

    EQUAL = "equal windows"
    NEAR = "windows that differ by less than noise"
    SHIFTED = "windows that begin some samples later"
    TIMES = "spike times"
    PARENTS = "spikes made from the other's"
    AGAIN = "mean waveform"  # not the spikes: no copy, but it may be the same cell


@dataclass(frozen=True)
class Copy:
    """Two cells that hold the same spikes; of AGAIN, two that look like one cell recorded twice.

    `n_alike` of `n_compared` windows, or times, of the cell that has fewer agree.
    """

    first: int  # index of the cell, the smaller one
    second: int
    kind: Kind
    n_alike: int
    n_compared: int


def find_copies(windows: LazyArray, cell: LazyArray, trigger: LazyArray) -> list[Copy]:
    """Pairs of cells that hold the same spikes, and pairs that look like one cell recorded again.

    A pair comes once, by the first kind that fits, in the order of the cells; of more than two
    copies each is paired with at least one other. Memory grows with N by some 100 bytes a window.

    Args:
        windows: float32 (N, T).
        cell: int (N,), the cell of each.
        trigger: int64 (N,), sample of each in its recording; -1 unknown.
    """
    if not len(windows):
        return []
    scan = _Scan(windows, cell, trigger)
    copies: dict[tuple[int, int], Copy] = {}
    for search in (_equal, _near, _shifted, _same_times, _spikes_of_lookalikes):
        for copy in search(scan):
            copies.setdefault((copy.first, copy.second), copy)
    return sorted(copies.values(), key=lambda copy: (copy.first, copy.second))


def hash_store(windows: LazyArray) -> np.ndarray:
    """`hash_windows` of all windows (N, T), which are read once: uint64 (N,)."""
    starts = range(0, len(windows), ROWS_AT_ONCE)
    hashes = [hash_windows(windows[start : start + ROWS_AT_ONCE]) for start in starts]
    return np.concatenate([np.empty(0, np.uint64), *hashes])


class _Scan:
    """What one pass over a store's windows leaves of them."""

    def __init__(self, windows: LazyArray, cell: LazyArray, trigger: LazyArray) -> None:
        n, n_samples = windows.shape
        self.windows, self.trigger = windows, trigger
        self.cell = np.asarray(cell[:], np.int32)
        self.counts = np.bincount(self.cell)
        self._order = np.argsort(self.cell, kind="stable")
        self._starts = np.cumsum(self.counts) - self.counts
        rank = np.empty(n, np.int64)
        rank[self._order] = np.arange(n) - np.repeat(self._starts, self.counts)
        self.most = max(ENOUGH, SEARCHED // len(self.counts))  # windows searched of each cell
        self.searched = np.flatnonzero(rank < self.most)  # rows, int64
        self.axes = _axes(n_samples)  # (T, D)
        self.place = np.empty((len(self.searched), self.axes.shape[1]), np.float32)
        self.hash = np.empty(n, np.uint64)
        self._read()

    def _read(self) -> None:
        n_cells, n_samples = len(self.counts), self.windows.shape[1]
        sums, squares = np.zeros((n_cells, n_samples)), np.zeros(n_cells)
        starts = range(0, len(self.cell), ROWS_AT_ONCE)
        for start in progress(starts, "looking for copies", total=len(starts)):
            rows = slice(start, start + ROWS_AT_ONCE)
            block = self.windows[rows]
            first, last = np.searchsorted(self.searched, [start, start + len(block)])
            self.hash[rows] = hash_windows(block)
            searched = upright_windows(unit_windows(block[self.searched[first:last] - start]))
            self.place[first:last] = searched @ self.axes
            centred = centred_windows(block)
            by_cell = np.argsort(self.cell[rows], kind="stable")
            cells, first_rows = np.unique(self.cell[rows][by_cell], return_index=True)
            sums[cells] += np.add.reduceat(centred[by_cell], first_rows, axis=0)
            squares += np.bincount(self.cell[rows], (centred**2).sum(axis=1), minlength=n_cells)
        n = np.maximum(self.counts, 1)
        self.means = sums / n[:, None]  # (C, T)
        spread = squares / n - (self.means**2).sum(axis=1)
        self.noise = np.maximum(spread, 0) * n / np.maximum(n - 1, 1)  # summed over samples, (C,)

    def rows(self, cell: int) -> np.ndarray:
        """Rows of a cell's windows that are searched, in their order: int64 (n,)."""
        start = self._starts[cell]
        return self._order[start : start + min(self.counts[cell], self.most)]

    def sample(self, cell: int, n_most: int) -> np.ndarray:
        """At most so many of them, evenly spaced: int64 (n,)."""
        rows = self.rows(cell)
        return rows[evenly_spaced(len(rows), n_most)] if len(rows) else rows


def _equal(scan: _Scan) -> Iterator[Copy]:
    """Cells that share windows to the last bit."""
    order = np.argsort(scan.hash)
    hashes = scan.hash[order]
    shared: Counter[tuple[int, int]] = Counter()
    same = np.flatnonzero((hashes[1:] == hashes[:-1]) & (hashes[1:] > 0))
    for run in np.split(same, np.flatnonzero(np.diff(same) > 1) + 1) if len(same) else []:
        first, *others = np.unique(scan.cell[order[run[0] : run[-1] + 2]]).tolist()
        shared.update((first, other) for other in others)
    for (first, second), n_shared in shared.items():
        n = int(min(scan.counts[first], scan.counts[second]))
        yield Copy(first, second, Kind.EQUAL, min(n_shared, n), n)


def _near(scan: _Scan) -> Iterator[Copy]:
    """Cells many of whose windows have one of the other nearer than their noise would bring it."""
    tree = KDTree(scan.place)
    every, whole = np.arange(len(scan.counts)), slice(0, len(scan.axes))
    yield from _within_noise(scan, every, tree, scan.searched, whole, whole)


def _shifted(scan: _Scan) -> Iterator[Copy]:
    """The same of windows cut elsewhere, of cells too small for `_spikes_of_lookalikes`."""
    n_samples = len(scan.axes)
    margin = min(MOST_SHIFT, n_samples // 16)
    cells = np.flatnonzero((scan.counts > 0) & (scan.counts < 2 * COMPARED))
    if not margin or len(cells) < 2:
        return
    rows = np.concatenate([scan.rows(cell) for cell in cells.tolist()])
    middle, axes = slice(margin, n_samples - margin), _axes(n_samples - 2 * margin)
    starts = range(0, len(rows), ROWS_AT_ONCE)
    blocks = (scan.windows[rows[start : start + ROWS_AT_ONCE]][:, middle] for start in starts)
    tree = KDTree(np.concatenate([upright_windows(unit_windows(block)) @ axes for block in blocks]))
    for shift in filter(None, range(-margin, margin + 1)):
        part = slice(margin + shift, n_samples - margin + shift)
        yield from _within_noise(scan, cells, tree, rows, part, middle)


def _within_noise(
    scan: _Scan, cells: np.ndarray, tree: KDTree, searched: np.ndarray, part: slice, of_tree: slice
) -> Iterator[Copy]:
    """Copies of cells (c,), a part of whose windows is looked up in that of the rows `searched`."""
    axes = _axes(part.stop - part.start)
    n_of_each = int(np.clip(LOOKED_UP_IN_ALL // len(cells), ENOUGH, LOOKED_UP))
    reach = 1.5 * FAR * np.sqrt(axes.shape[1] / len(axes))  # of what FAR projects to
    tolerance, n_asked = np.zeros(len(scan.counts)), np.zeros(len(scan.counts), np.int64)
    pairs = []  # of rows
    for some in np.array_split(cells, -(-len(cells) // CELLS_AT_ONCE)):
        samples = [scan.sample(cell, n_of_each) for cell in some]
        asked = np.concatenate(samples)
        values = scan.windows[asked][:, part]
        windows = upright_windows(unit_windows(values))
        of_each = np.split(windows, np.cumsum([*map(len, samples)])[:-1])
        tolerance[some] = [_tolerance(of_cell) for of_cell in of_each]
        is_spike = np.ptp(values, axis=1) > 0
        asked, places = asked[is_spike], windows[is_spike] @ axes
        n_asked += np.bincount(scan.cell[asked], minlength=len(n_asked))
        _, near = tree.query(places, k=SEVERAL, distance_upper_bound=reach)
        for of_rank in near.T:
            rows = np.flatnonzero(of_rank < tree.n)
            pairs.append(np.stack([asked[rows], searched[of_rank[rows]]], axis=1))
    rows = np.concatenate(pairs)
    rows = rows[scan.cell[rows[:, 0]] != scan.cell[rows[:, 1]]]
    distance = _distances(scan, rows, part, of_tree)
    of_pair = scan.cell[rows]  # (pairs, 2)
    rows, of_pair = (kept[distance <= tolerance[of_pair].min(axis=1)] for kept in (rows, of_pair))
    _, once = np.unique(np.column_stack([rows[:, 0], of_pair[:, 1]]), axis=0, return_index=True)
    alike = Counter(map(tuple, of_pair[once].tolist()))
    yield from _agreeing(alike, n_asked, Kind.NEAR if part == of_tree else Kind.SHIFTED)


def _tolerance(windows: np.ndarray) -> float:
    """How near a window of another cell may come to one of these (n, T), which are of one cell."""
    if len(windows) < ENOUGH:
        return ALONE
    similarity = windows @ windows.T
    np.fill_diagonal(similarity, -1)
    neighbour = np.sqrt(np.maximum(2 - 2 * similarity.max(axis=1), 0))
    return min(SHARE_OF_NOISE * float(np.median(neighbour)), FAR)


def _distances(scan: _Scan, rows: np.ndarray, *parts: slice) -> np.ndarray:
    """Distances of the upright unit windows of pairs of rows (n, 2), a part each: float64 (n,)."""
    distance = np.empty(len(rows))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = slice(start, start + ROWS_AT_ONCE)
        first, second = (
            upright_windows(unit_windows(scan.windows[side][:, part]))
            for side, part in zip(rows[some].T, parts, strict=True)
        )
        distance[some] = np.linalg.norm(first - second, axis=1)
    return distance


def _same_times(scan: _Scan) -> Iterator[Copy]:
    """Cells whose spikes come at the same times, but for a constant: cut, filtered, synthetic."""
    times = {
        cell: spikes
        for cell in range(len(scan.counts))
        if len(spikes := _irregular_times(scan.trigger[scan.rows(cell)])) >= ENOUGH
    }
    if len(times) < 2:
        return
    intervals = {cell: np.diff(spikes) for cell, spikes in times.items()}
    triples = [np.lib.stride_tricks.sliding_window_view(i, 3) for i in intervals.values()]
    owner = np.repeat(list(intervals), [len(of_cell) for of_cell in triples])
    points = np.concatenate(triples).astype(np.float64)
    _, near = KDTree(points).query(
        points, k=SEVERAL, p=np.inf, distance_upper_bound=TIME_TOLERANCE + 0.5
    )
    alike: Counter[tuple[int, int]] = Counter()
    for of_rank in near.T:
        found = np.flatnonzero(of_rank < len(points))
        pairs = np.stack([owner[found], owner[of_rank[found]]], axis=1)
        alike.update(map(tuple, pairs[pairs[:, 0] != pairs[:, 1]].tolist()))
    n_triples = np.zeros(len(scan.counts), np.int64)
    n_triples[list(intervals)] = [len(of_cell) for of_cell in triples]
    yield from _agreeing(alike, n_triples, Kind.TIMES)


def _irregular_times(trigger: np.ndarray) -> np.ndarray:
    """The times of a cell's spikes, each once: ascending int64; none where they could be numbers.

    Spikes that are counted, or come as regularly as a clock, agree between any two cells.
    """
    times = np.unique(trigger[trigger >= 0])
    intervals = np.diff(times)
    irregular = len(times) >= ENOUGH and (
        np.subtract(*np.percentile(intervals, [75, 25])) >= LEAST_SCATTER
    )
    return times if irregular else times[:0]


def _agreeing(
    alike: Counter[tuple[int, int]], n_compared: np.ndarray, kind: Kind
) -> Iterator[Copy]:
    """Pairs of which enough was alike, seen from either cell."""
    for (cell, other), n_alike in alike.items():
        n = int(n_compared[cell])
        if n_alike >= max(LEAST_SHARE * n, min(n, 3)):
            yield Copy(min(cell, other), max(cell, other), kind, min(n_alike, n), n)


def _spikes_of_lookalikes(scan: _Scan) -> Iterator[Copy]:
    """Cells with nearly one mean waveform, wherever it lies in the window, spike by spike."""
    cells = np.flatnonzero(scan.counts >= COMPARED)
    if len(cells) < 2:
        return
    means = scan.means[cells]
    peak = np.abs(means).argmax(axis=1)  # sample of the window
    aligned = np.array([np.roll(mean, -place) for mean, place in zip(means, peak, strict=True)])
    pairs = _nearest(unit_windows(means) @ scan.axes) | _nearest(unit_windows(aligned) @ scan.axes)
    for i, j in sorted(pairs):
        parts = _overlap(means[[i, j]], int(peak[i] - peak[j]))
        if parts is None:
            continue
        first, second = int(cells[i]), int(cells[j])
        both = (first, parts[0]), (second, parts[1])
        if _made_from(scan, *both) or _made_from(scan, *both[::-1]):
            n = int(min(scan.counts[first], scan.counts[second]))
            yield Copy(first, second, Kind.PARENTS, n, n)
        elif _means_agree(scan, *both):
            yield Copy(first, second, Kind.AGAIN, 0, 0)


def _nearest(place: np.ndarray) -> set[tuple[int, int]]:
    """Pairs of which one is among the nearest of the other, of places (n, D)."""
    _, near = KDTree(place).query(place, k=min(NEIGHBOURS + 1, len(place)))
    return {(min(i, j), max(i, j)) for i, row in enumerate(near) for j in row.tolist() if i != j}


def _overlap(means: np.ndarray, shift: int) -> tuple[slice, slice] | None:
    """The parts of two windows in which their means (2, T) are most alike; None if not enough.

    The spike comes about `shift` samples later in the first: noise and smoothing move a peak.
    """
    best, nearest = None, LOOKALIKE
    for tried in {0, shift - 1, shift, shift + 1}:
        first = slice(max(tried, 0), means.shape[1] + min(tried, 0))
        second = slice(first.start - tried, first.stop - tried)
        if 2 * (first.stop - first.start) < means.shape[1]:
            continue
        units = unit_windows(np.stack([means[0, first], means[1, second]]))
        distance = float(np.linalg.norm(units[0] - units[1]))
        if distance <= nearest:
            best, nearest = (first, second), distance
    return best


def _made_from(scan: _Scan, child: CellPart, parent: CellPart) -> bool:
    """Whether a cell's spikes were made from another's, smoothed or with noise added."""
    for n_most in (LOOKED_UP, 4 * LOOKED_UP):
        children = _residuals(scan, *child, n_most)
        step = _step_to_likest(children, _residuals(scan, *parent, 8 * LOOKED_UP))
        if step < WORTH_MORE:
            return False
    return step > STEP * np.exp(STEP_SDS * STEP_SD / np.sqrt(len(children)))


def _residuals(scan: _Scan, cell: int, part: slice, n_most: int) -> np.ndarray:
    """What windows of a cell have beside their mean, of norm 1: float32 (n, T of the part)."""
    residuals = centred_windows(scan.windows[scan.sample(cell, n_most)]) - scan.means[cell]
    return unit_windows(residuals[:, part]).astype(np.float32)


def _step_to_likest(children: np.ndarray, parents: np.ndarray) -> float:
    """How far the likest of some residuals (m, T) stands out before the next, seen from (n, T).

    The median step from the second to the likest, over that from the third to the second: about 2
    for noise of any colour, as of the largest of independent values; far more where each child was
    made from one of the parents.
    """
    similarity = np.partition(children @ parents.T, (-3, -2, -1), axis=1)  # (n, m)
    third, second, first = similarity[:, -3:].T
    step = float(np.median(second - third))
    return float(np.median(first - second)) / step if step > 0 else 0.0


def _means_agree(scan: _Scan, *cells: CellPart) -> bool:
    """Whether two means differ by no more than their noise, as of one cell recorded twice."""
    first, second = (centred_windows(scan.means[[cell]][:, part])[0] for cell, part in cells)
    expected = sum(scan.noise[cell] / scan.counts[cell] for cell, _ in cells)
    share = len(first) / scan.windows.shape[1]
    return bool(((first - second) ** 2).sum() <= AGAIN * expected * share)


def _axes(n_samples: int) -> np.ndarray:
    """Orthonormal directions in which windows are searched: float32 (T, D), always the same."""
    rng = np.random.default_rng(n_samples)
    axes, _ = np.linalg.qr(rng.normal(size=(n_samples, min(DIMENSIONS, n_samples))))
    return axes.astype(np.float32)
