"""The published upstroke–downstroke intervals (UDI) of 150 serotonergic and 150 other neurons.

Histograms of Corradetti, Bernardi and Corradetti 2024 (arXiv 2405.05516). The UDI is the time from
a spike's inward peak to its outward peak.
"""

import numpy as np

BIN_MS = 0.05

# Left edge of the bin in ms: count of cells.
_PUBLISHED = {
    "SER": """
        0.20:1 0.25:2 0.35:1 0.50:2 0.55:1 0.60:2 0.65:2 0.70:5 0.75:6 0.80:2 0.85:6 0.90:3
        0.95:5 1.00:10 1.05:4 1.10:11 1.15:5 1.20:6 1.25:9 1.30:6 1.35:4 1.40:7 1.45:7 1.50:10
        1.55:4 1.60:6 1.65:7 1.70:2 1.75:3 1.80:1 1.85:3 1.95:2 2.00:1 2.05:1 2.20:1 2.25:1 3.70:1
    """,
    "NSER": """
        0.15:3 0.20:12 0.25:12 0.30:6 0.35:16 0.40:8 0.45:6 0.50:20 0.55:9 0.60:19 0.65:6 0.70:12
        0.75:15 0.80:2 0.85:4
    """,
}


def _parse(text: str) -> dict[float, int]:
    pairs = (entry.split(":") for entry in text.split())
    return {float(edge): int(count) for edge, count in pairs}


UDI_HISTOGRAM = {label: _parse(text) for label, text in _PUBLISHED.items()}


def draw_udi_ms(label: str, rng: np.random.Generator) -> float:
    """One interval in ms: a bin by its published count, then uniform within the bin."""
    histogram = UDI_HISTOGRAM[label]
    counts = np.array(list(histogram.values()))
    left = rng.choice(np.array(list(histogram)), p=counts / counts.sum())
    return float(left + BIN_MS * rng.random())
