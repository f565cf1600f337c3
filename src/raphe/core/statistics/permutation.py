"""How often chance alone does as well: the one-sided p of labels that change places.

Every order is counted where they are few; else so many are drawn, and the observed one is added to
them (Phipson & Smyth 2010), so that p is never 0. n items, C classes, G groups, B orders.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import comb, prod

import numpy as np

from raphe.core.sentences import number

MOST_EXACT = 20_000  # orders that are all counted
N_DRAWS = 9_999  # in place of more: p in steps of 0.0001, with an SE of .002 at .05
SIGNIFICANT = 0.05
VALUES_AT_ONCE = 2**21  # that change places at once: 16 MB
ROUNDING = 1e-9  # by which two equal statistics may differ


@dataclass(frozen=True)
class PermutationTest:
    """The share of orders that do at least as well as the one observed.

    `smallest` is the least p that any outcome could have reached: above .05 there is too little for
    the test to tell anything. Both are NaN where the statistic is undefined.
    """

    p: float
    smallest: float
    exact: bool

    @property
    def can_tell(self) -> bool:
        return self.smallest <= SIGNIFICANT

    @property
    def shows(self) -> bool:
        """Whether chance seldom does as well."""
        return self.p <= SIGNIFICANT

    def __str__(self) -> str:
        if np.isnan(self.p):
            return "p –"
        return "p < 0.001" if self.p < 0.001 else f"p = {number(self.p, 2)}"


NOT_TESTED = PermutationTest(float("nan"), float("nan"), exact=False)


@dataclass(frozen=True)
class Exchange:
    """Values that could as well have come in any other order.

    `payoff` is what orders (B, k) of them add to the statistic, (B,); more speaks for what is
    tested.
    """

    values: np.ndarray  # int (k,)
    payoff: Callable[[np.ndarray], np.ndarray]

    @property
    def n_orders(self) -> int:
        """That differ."""
        counts = np.unique(self.values, return_counts=True)[1].tolist()
        return prod(comb(sum(counts[: i + 1]), n) for i, n in enumerate(counts))

    def orders(self) -> np.ndarray:
        """Each once, (n_orders, k)."""
        orders = np.full((1, len(self.values)), -1)
        names, numbered = np.unique(self.values, return_inverse=True)
        for index, n in enumerate(np.bincount(numbered)):
            free = np.stack([np.flatnonzero(order == -1) for order in orders])
            chosen = np.array(list(itertools.combinations(range(free.shape[1]), int(n))))
            places = free[:, chosen].reshape(-1, n)
            orders = np.repeat(orders, len(chosen), axis=0)
            np.put_along_axis(orders, places, index, axis=1)
        return names[orders]

    def draw(self, n_draws: int, rng: np.random.Generator) -> np.ndarray:
        """Payoffs (n_draws,) of orders drawn at random."""
        at_once = max(1, VALUES_AT_ONCE // len(self.values))
        payoffs = []
        for start in range(0, n_draws, at_once):
            orders = np.repeat(self.values[None], min(at_once, n_draws - start), axis=0)
            payoffs.append(self.payoff(rng.permuted(orders, axis=1)))
        return np.concatenate(payoffs)


def permutation_test(exchanges: Sequence[Exchange], rng: np.random.Generator) -> PermutationTest:
    """Test the sum of the payoffs against all orders of each exchange's values by themselves.

    `rng` draws where the orders are too many to count.
    """
    observed = float(sum(part.payoff(part.values[None])[0] for part in exchanges))
    if not np.isfinite(observed):
        return NOT_TESTED
    exchanges = [part for part in exchanges if part.n_orders > 1]
    fixed = observed - float(sum(part.payoff(part.values[None])[0] for part in exchanges))
    exact = prod(part.n_orders for part in exchanges) <= MOST_EXACT
    payoffs = [
        part.payoff(part.orders()) if exact else part.draw(N_DRAWS, rng) for part in exchanges
    ]
    if exact:
        values = fixed + reduce(np.add.outer, payoffs, np.zeros(1)).ravel()
    else:
        values = fixed + np.sum(payoffs, axis=0)
    margin = ROUNDING * max(1.0, abs(observed))
    as_good = int((values >= observed - margin).sum())
    if not exact:
        return PermutationTest((as_good + 1) / (N_DRAWS + 1), 1 / (N_DRAWS + 1), False)
    best = int((values >= values.max() - margin).sum())
    return PermutationTest(as_good / len(values), best / len(values), True)


def grouped_permutation_test(
    evidence: np.ndarray,
    label: np.ndarray,
    group: np.ndarray,
    block: np.ndarray,
    rng: np.random.Generator,
) -> PermutationTest:
    """Test a sum over items that are alike in groups, as cells of a day, whatever groups do.

    The labels of a group change places among its items, and the classes' shares in a group among
    the groups of its block; where a group holds one class it is so dealt out as a whole. By chance
    neither goes with the evidence. Exact but for groups whose size goes with their shares.

    Args:
        evidence: (n, C) what an item adds to the statistic, were it of that class.
        label: int (n,)
        group: int (n,), of each item.
        block: int (n,), one for each group: groups that could have had each other's shares.
    """
    names, first, row = np.unique(group, return_index=True, return_inverse=True)
    members = [np.flatnonzero(row == number) for number in range(len(names))]
    one_hot = np.eye(evidence.shape[1])[label]
    share = np.stack([one_hot[rows].mean(axis=0) for rows in members])  # (G, C)
    of_group = np.stack([evidence[rows].sum(axis=0) for rows in members])  # (G, C)
    kinds, kind = np.unique(share, axis=0, return_inverse=True)
    kind, block_of_group = kind.ravel(), np.asarray(block)[first]

    def between(groups: np.ndarray) -> Exchange:
        return Exchange(
            kind[groups],
            lambda orders: np.einsum("bgc,gc->b", kinds[orders], of_group[groups]),
        )

    def within(number: np.intp) -> Exchange:
        rows = members[number]
        expected = share[number] @ of_group[number]
        return Exchange(label[rows], lambda orders: evidence[rows, orders].sum(axis=1) - expected)

    blocks = [np.flatnonzero(block_of_group == name) for name in np.unique(block_of_group)]
    mixed = np.flatnonzero((share > 0).sum(axis=1) > 1)
    return permutation_test([*map(between, blocks), *map(within, mixed)], rng)
