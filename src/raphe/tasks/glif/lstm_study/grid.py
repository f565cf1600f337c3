"""The published study's grid of parameters, and what it makes of them as targets.

Kevin B. Dsouza, "LSTM GLIF" (kevinbdsouza/lstm_glif): 5 values of each of C, El, R_input, dt and
th_inf, of which the simulation overrides dt.
"""

import itertools

import numpy as np

from raphe.tasks.glif.metrics.names import TARGETS
from raphe.tasks.glif.neurons.models import Neurons

UNITS = ("F", "V", "Ohm", "s", "V")
SCALES = (1e9, 1.0, 1e-9, 1e5, 1.0)  # a target is so many times its parameter in SI units
VALUES = {
    "C": (1e-11, 5e-11, 1e-10, 5e-10, 1e-9),
    "El": (-0.1, -0.5, 0.0, 0.5, 0.1),
    "R_input": (1.834e7, 5.834e7, 1.834e8, 5.834e8, 1.834e9),
    "dt": (1e-5, 3e-5, 5e-5, 7e-5, 9e-5),
    "th_inf": (0.00541, 0.0141, 0.0341, 0.0741, 0.141),
}
# Of the cell that the study starts from, model 485513169 of the Allen Cell Types Database: the
# coefficient of th_inf, and the dead time in samples, which stays when dt changes.
THRESHOLD_COEFFICIENT = 1.1958624156695845
CUT_SAMPLES = 55
FITTED = (1.0949424420741503e-10, 0.0, 183419927.9118323, 5e-5, 0.03418635859613008)
STEP_S = 5e-6  # 1 / 200 kHz, whatever dt the configuration names


def grid() -> np.ndarray:
    """Every combination in SI units, float64 (3125, 5); the columns are TARGETS."""
    return np.array(list(itertools.product(*(VALUES[name] for name in TARGETS))))


def targets(parameters: np.ndarray) -> np.ndarray:
    """Parameters (…, 5) in SI units as the network is to answer them, float32 (…, 5)."""
    return (np.asarray(parameters) * SCALES).astype(np.float32)


def in_si(answers: np.ndarray) -> np.ndarray:
    """A network's answers (…, 5) in SI units, float64 (…, 5)."""
    return np.asarray(answers, np.float64) / SCALES


def neurons(parameters: np.ndarray) -> Neurons:
    """GLIF1 neurons of parameters (B, 5) in SI units, as the study simulates them."""
    c, el, r, _, th = np.asarray(parameters, np.float64).T
    return Neurons(
        1,
        capacitance_f=c,
        resistance_ohm=r,
        leak_v=el,
        threshold_v=THRESHOLD_COEFFICIENT * th,
        dead_time_s=CUT_SAMPLES * STEP_S,
    )
