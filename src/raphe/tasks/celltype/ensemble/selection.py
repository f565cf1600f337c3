"""Which members of a sweep make the ensemble; decided on validation cells, never on test.

M members, n cells, C classes.
"""

import re
from collections.abc import Sequence

import numpy as np

from raphe.core.errors import SettingError

# Corradetti et al. 2024: the text says k = 20…30, their code range(20, 32).
NAMED_RANGES = {"published": (20, 30), "coded": (20, 31)}
COMPARED = ("published", "coded", "top:1", "top:5", "top:11", "greedy", "all")
GREEDY_ROUNDS = 50  # picks; the best number of them is kept
LEAST_GAIN = 1e-9  # in loss; less is rounding
SMALLEST_PROBABILITY = 1e-7  # about float32's next below 1; one sure mistake must not decide alone
WAYS = "published, coded, a range of kernels as 20-30, top:N, greedy, all"


def choose(
    way: str,
    kernels: Sequence[int],
    probability: np.ndarray | None,
    label: np.ndarray | None,
) -> np.ndarray:
    """How often each member stands in the ensemble: int64 (M,), chosen by validation cells.

    Args:
        way: "published" or "20-30" (every member with such a kernel; none may be missing),
            "coded", "top:5" (those of least loss), "greedy", "all".
        kernels: kernel size of each member, (M,).
        probability: each member's probability of each class for each cell, (M, n, C); None: there
            are no cells to choose by.
        label: class of each cell, (n,).

    Raises:
        SettingError: for another way, members that there are not, or cells that there are not.
    """
    top, span = re.fullmatch(r"top:(\d+)", way), re.fullmatch(r"(\d+)-(\d+)", way)
    if (top or way == "greedy") and (probability is None or label is None):
        raise SettingError(
            f"members={way}: is chosen by labelled cells; name some that no network was trained on "
            "with --store, or choose all or a range of kernels"
        )
    if way == "all":
        return np.ones(len(kernels), np.int64)
    if way == "greedy":
        return greedy(probability, label)
    if top:
        return _top(int(top[1]), way, probability, label)
    if span or way in NAMED_RANGES:
        first, last = NAMED_RANGES.get(way) or (int(span[1]), int(span[2]))
        return _fixed(first, last, way, np.asarray(kernels))
    raise SettingError(f"members={way}: expected one of {WAYS}")


def compared(
    kernels: Sequence[int], probability: np.ndarray, label: np.ndarray
) -> dict[str, np.ndarray | str]:
    """What each way in COMPARED would have chosen, int64 (M,); of one that cannot, the reason.

    Arguments as of `choose`: probability (M, n, C), label (n,).
    """
    chosen: dict[str, np.ndarray | str] = {}
    for way in COMPARED:
        try:
            chosen[way] = choose(way, kernels, probability, label)
        except SettingError as error:
            chosen[way] = str(error)
    return chosen


def greedy(probability: np.ndarray, label: np.ndarray, rounds: int = GREEDY_ROUNDS) -> np.ndarray:
    """Forward selection with replacement (Caruana et al. 2004): times of each member, int64 (M,).

    Each round adds the member, perhaps once more, that brings the mean's loss down most; of all
    rounds the ensemble of least loss is kept, the smallest such.
    """
    times = np.zeros(len(probability), np.int64)
    total = np.zeros(probability.shape[1:])
    best_loss, best = np.inf, times
    for n_picked in range(1, rounds + 1):
        losses = [log_loss((total + member) / n_picked, label) for member in probability]
        pick = int(np.argmin(losses))
        times[pick] += 1
        total += probability[pick]
        if losses[pick] < best_loss - LEAST_GAIN:
            best_loss, best = losses[pick], times.copy()
    return best


def log_loss(probability: np.ndarray, label: np.ndarray) -> float:
    """Mean of −ln P(true class) over rows: probability (n, C), label (n,)."""
    of_truth = probability[np.arange(len(label)), label]
    return float(-np.log(np.maximum(of_truth, SMALLEST_PROBABILITY)).mean())


def mean_of(probability: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The ensemble's probability (n, C) from its members' (M, n, C), each counted `times`."""
    return np.tensordot(times / times.sum(), probability, axes=1)


def _top(n: int, way: str, probability: np.ndarray, label: np.ndarray) -> np.ndarray:
    if not 1 <= n <= len(probability):
        raise SettingError(
            f"members={way}: expected top:1 to top:{len(probability)}, the number of networks"
        )
    losses = [log_loss(member, label) for member in probability]
    times = np.zeros(len(probability), np.int64)
    times[np.argsort(losses, kind="stable")[:n]] = 1
    return times


def _fixed(first: int, last: int, way: str, kernels: np.ndarray) -> np.ndarray:
    missing = sorted(set(range(first, last + 1)) - set(kernels.tolist()))
    if missing or first > last:
        lacking = ", ".join(map(str, missing)) or "nothing, the range is empty"
        raise SettingError(
            f"members={way}: needs kernels {first} to {last}, there is no finished network of "
            f"{lacking}; train these, or choose all, top:N, greedy or another range"
        )
    return ((kernels >= first) & (kernels <= last)).astype(np.int64)
