"""What cortical neurons are like, where no table of fitted cells is at hand.

Round medians and spreads of the models that Teeter et al. 2018 (Nature Communications 9:709)
fitted to neurons of mice and humans. A table of cells gives a better prior: see `prior.fit_prior`.
"""

import numpy as np
from scipy.special import ndtri

from raphe.tasks.glif.synthetic.prior import N_QUANTILES, Prior
from raphe.tasks.glif.synthetic.quantities import quantities, scaled

# name: (median in SI units, deviation on the quantity's scale)
TYPICAL = {
    "capacitance": (95e-12, 0.5),
    "resistance": (190e6, 0.5),
    "rest": (-73e-3, 5e-3),
    "threshold": (30e-3, 0.25),
    "dead_time": (4e-3, 0.5),
    "reset_slope": (0.4, 0.35),
    "reset_offset": (6e-3, 10e-3),
    "spike_jump": (2.6e-3, 0.7),
    "spike_decay": (120.0, 1.2),
    "asc_amp_1": (-18e-12, 1.1),
    "asc_tau_1": (100e-3, 1.2),
    "asc_amp_2": (-100e-12, 2.0),
    "asc_tau_2": (10e-3, 0.9),
    "voltage_gain": (18.0, 15.0),
    "voltage_decay": (65.0, 0.8),
}
CORRELATED = {
    ("capacitance", "resistance"): -0.5,
    ("capacitance", "dead_time"): 0.4,
    ("rest", "threshold"): -0.6,
}


def typical_prior(level: int) -> Prior:
    """Normal distributions, on each quantity's scale, of the neurons of a level."""
    names = [quantity.name for quantity in quantities(level)]
    median = scaled(level, np.array([TYPICAL[name][0] for name in names]))
    spread = np.array([TYPICAL[name][1] for name in names])
    at = ndtri((np.arange(N_QUANTILES) + 0.5) / N_QUANTILES)
    correlation = np.eye(len(names))
    for pair, value in CORRELATED.items():
        i, j = map(names.index, pair)
        correlation[i, j] = correlation[j, i] = value
    return Prior(level, median[:, None] + spread[:, None] * at, correlation, n_cells=0)
