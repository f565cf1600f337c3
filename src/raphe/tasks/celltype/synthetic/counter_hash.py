"""Random numbers by number: the k-th is computed from a seed and k alone, in any order.

SplitMix64 of Steele, Lea and Flood (OOPSLA 2014) in the constants of Vigna's splitmix64.c, whose
state after k steps is seed + k × GAMMA, so that any step can be taken at once.
"""

import numpy as np

GAMMA = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)


def splitmix64(seed: np.uint64, k: np.ndarray) -> np.ndarray:
    """The k-th outputs (0 is the first) of SplitMix64 from this seed: uint64, the shape of k."""
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
    """Turn random uint64 into int64 from 0 to n - 1, n < 2**32.

    By multiplication and shift; one value is more likely than another by n / 2**32 at most.
    """
    n = np.asarray(n).astype(np.uint64)
    return (((random >> np.uint64(32)) * n) >> np.uint64(32)).astype(np.int64)
