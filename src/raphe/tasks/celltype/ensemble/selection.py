"""Which members of a sweep make the ensemble; decided on validation cells, never on test.

M members, n cells, C classes, K kernel sizes.
"""

import re
from collections.abc import Sequence

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.sentences import counted
from raphe.tasks.celltype.ensemble.choice_cells import ChoiceCells, negative_log

# Corradetti et al. 2024: the text says k = 20…30, their code range(20, 32).
NAMED_RANGES = {"published": (20, 30), "coded": (20, 31)}
BEST, ONE_SE = "best", "one-se"
COMPARED = ("published", "coded", BEST, ONE_SE, "top:5", "top:11", "greedy", "all")
GREEDY_ROUNDS = 50  # picks; the best number of them is kept
LEAST_GAIN = 1e-9  # in loss; less is rounding
WAYS = "best, one-se, top:N, greedy, published, coded, a range of kernels as 20-30, all"


def by_cells(way: str) -> bool:
    """Whether a way chooses by validation cells; the others are set beforehand."""
    return way in (BEST, ONE_SE, "greedy") or way.startswith("top:")


def choose(way: str, kernels: Sequence[int], cells: ChoiceCells | None) -> np.ndarray:
    """How often each member stands in the ensemble: int64 (M,), chosen by validation cells.

    Args:
        way: "published" or "20-30" (every member with such a kernel; none may be missing),
            "coded", "best" (the kernel of least loss), "one-se" (the smallest kernel within one
            standard error of it), "top:5" (those of least loss), "greedy", "all".
        kernels: kernel size of each member, (M,).
        cells: to choose by; None: there are none.

    Raises:
        SettingError: for another way, members that there are not, or cells that there are not.
    """
    top, span = re.fullmatch(r"top:(\d+)", way), re.fullmatch(r"(\d+)-(\d+)", way)
    if top or way in (BEST, ONE_SE, "greedy"):
        if cells is None:
            raise SettingError(
                f"members={way}: is chosen by labelled cells; name some that no network was "
                "trained on with --store, or choose all or a range of kernels"
            )
        if top:
            return _top(int(top[1]), way, cells)
        if way == "greedy":
            return greedy(cells.probability, cells.label)
        return _of_one_kernel(np.asarray(kernels), cells, within=way == ONE_SE)
    if way == "all":
        return np.ones(len(kernels), np.int64)
    ends = (int(span[1]), int(span[2])) if span else NAMED_RANGES.get(way)
    if ends is None:
        raise SettingError(f"members={way}: expected one of {WAYS}")
    return _fixed(*ends, way, np.asarray(kernels))


def compared(kernels: Sequence[int], cells: ChoiceCells) -> dict[str, np.ndarray | str]:
    """What each way in COMPARED would have chosen, int64 (M,); of one that cannot, the reason.

    Arguments as of `choose`.
    """
    chosen: dict[str, np.ndarray | str] = {}
    for way in COMPARED:
        try:
            chosen[way] = choose(way, kernels, cells)
        except SettingError as error:
            chosen[way] = str(error)
    return chosen


def n_candidates(way: str, kernels: Sequence[int]) -> str:
    """Among what a way chose: "32 kernel sizes", "12 networks"."""
    if way in (BEST, ONE_SE):
        return counted("kernel size", len(set(kernels)))
    return counted("network", len(kernels))


def is_choice(way: str, kernels: Sequence[int]) -> bool:
    """Whether a way chose by cells, and among more than one."""
    return by_cells(way) and len(set(kernels) if way in (BEST, ONE_SE) else kernels) > 1


def standing(way: str, kernels: Sequence[int]) -> str:
    """What the loss of the chosen is among those of all, for a way that chooses by cells."""
    among = n_candidates(way, kernels)
    if way == ONE_SE:
        return f"is within one standard error of the lowest of {among}, judged by the same cells"
    if way == "greedy":
        return f"is of members that were picked from {among} to lower it"
    n = 1 if way == BEST else int(way.removeprefix("top:"))
    return f"is the lowest of {among}" if n == 1 else f"is of the {n} best of {among}"


def greedy(probability: np.ndarray, label: np.ndarray, rounds: int = GREEDY_ROUNDS) -> np.ndarray:
    """Forward selection with replacement (Caruana et al. 2004): times of each member, int64 (M,).

    Each round adds the member, perhaps once more, that brings the mean's loss down most; of all
    rounds the ensemble of least loss is kept, the smallest such.
    """
    of_truth = probability[:, np.arange(len(label)), label]  # (M, n)
    times = np.zeros(len(probability), np.int64)
    total = np.zeros(len(label))
    best_loss, best = np.inf, times
    for n_picked in range(1, rounds + 1):
        losses = negative_log((total + of_truth) / n_picked).mean(axis=1)
        pick = int(np.argmin(losses))
        times[pick] += 1
        total += of_truth[pick]
        if losses[pick] < best_loss - LEAST_GAIN:
            best_loss, best = losses[pick], times.copy()
    return best


def _top(n: int, way: str, cells: ChoiceCells) -> np.ndarray:
    n_networks = len(cells.probability)
    if not 1 <= n <= n_networks:
        raise SettingError(
            f"members={way}: expected top:1 to top:{n_networks}, the number of networks"
        )
    times = np.zeros(n_networks, np.int64)
    times[np.argsort(cells.losses.mean(axis=1), kind="stable")[:n]] = 1
    return times


def _of_one_kernel(kernels: np.ndarray, cells: ChoiceCells, within: bool) -> np.ndarray:
    """Every network of the kernel of least loss; `within`: of the smallest kernel whose loss is
    within one standard error of that (Breiman et al. 1984)."""
    sizes = np.unique(kernels)
    losses = cells.losses_of(tuple((kernels == size).astype(np.int64) for size in sizes))  # (K, n)
    means = losses.mean(axis=1)
    best = int(means.argmin())
    if within and np.isfinite(error := cells.standard_error(losses[best])):
        best = int(np.flatnonzero(means <= means[best] + error)[0])
    return (kernels == sizes[best]).astype(np.int64)


def _fixed(first: int, last: int, way: str, kernels: np.ndarray) -> np.ndarray:
    missing = sorted(set(range(first, last + 1)) - set(kernels.tolist()))
    if missing or first > last:
        lacking = ", ".join(map(str, missing)) or "nothing, the range is empty"
        raise SettingError(
            f"members={way}: needs kernels {first} to {last}, there is no finished network of "
            f"{lacking}; train these, or choose all, top:N, greedy or another range"
        )
    return ((kernels >= first) & (kernels <= last)).astype(np.int64)
