"""Synaptic currents with a known decay. N traces, T samples."""

import numpy as np

RATE_HZ = 10_000.0
N_SAMPLES = 400  # 40 ms
TAU_MS = (2.0, 20.0)  # range of the decays


def draw(n: int, noise_pa: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Currents (N, T) float32 in pA, of 50 pA at their start, and their decays (N,) in ms."""
    tau_ms = np.exp(rng.uniform(*np.log(TAU_MS), n))
    time_ms = np.arange(N_SAMPLES) * 1000 / RATE_HZ
    clean_pa = 50 * np.exp(-time_ms / tau_ms[:, None])
    traces = clean_pa + noise_pa * rng.normal(size=clean_pa.shape)
    return traces.astype(np.float32), tau_ms.astype(np.float32)
