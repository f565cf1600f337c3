"""Which kernels fit a window. Loads no torch: a wrong one is told before anything is made."""

from raphe.core.errors import SettingError

POOL = 2  # samples that each max-pooling merges


def pooled_samples(n_samples: int, kernel: int) -> int:
    """Return how many of `n_samples` are left after convolution, pooling, convolution, pooling."""
    return ((n_samples - kernel + 1) // POOL - kernel + 1) // POOL


def largest_kernel(n_samples: int) -> int:
    """Return the largest kernel that leaves a sample after the last pooling, 0 if none does."""
    # ((T − k + 1) // 2 − k + 1) // 2 ≥ 1 holds exactly when T ≥ 3 k + 1.
    return max((n_samples - 1) // 3, 0)


def check_kernel(kernel: int, n_samples: int) -> None:
    """Raise SettingError for a kernel that is too long for a window of `n_samples`."""
    largest = largest_kernel(n_samples)
    if largest == 0:
        raise SettingError(f"a window of {n_samples} samples is too short; at least 4 are needed")
    if kernel > largest:
        raise SettingError(
            f"model.kernel={kernel} leaves nothing to pool in a window of {n_samples} samples; "
            f"the largest that fits is {largest}"
        )
