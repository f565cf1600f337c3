"""A prior's quantities as networks learn them: mean 0, deviation 1, each on its own scale.

P quantities.
"""

from dataclasses import dataclass

import numpy as np

from raphe.tasks.glif.synthetic.prior import Prior
from raphe.tasks.glif.synthetic.quantities import in_si, scaled


@dataclass(frozen=True, eq=False)
class PriorScaler:
    """Mean and deviation of a prior's quantities on their scales, float64 (P,)."""

    level: int
    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, prior: Prior) -> "PriorScaler":
        """Those of the quantiles, of which all are as probable."""
        return cls(prior.level, prior.quantiles.mean(axis=1), prior.quantiles.std(axis=1))

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """Quantities (…, P) in SI units with mean 0 and deviation 1, float64 (…, P)."""
        return (scaled(self.level, values) - self.mean) / self.deviation

    def values(self, standardised: np.ndarray) -> np.ndarray:
        """The inverse: quantities (…, P) in SI units, float64."""
        return in_si(self.level, standardised * self.deviation + self.mean)
