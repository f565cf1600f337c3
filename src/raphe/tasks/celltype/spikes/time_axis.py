"""The time of a window's samples, and what its zero is: from the crossing where that is known."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TimeAxis:
    """Of windows (N, T): a window that was cut elsewhere does not say where its spike crossed."""

    rate_hz: float
    pre_ms: float | None = None  # of the crossing, after the window's start; None where not known

    @property
    def label(self) -> str:
        """What the time counts from, with its unit."""
        return f"time from {'window start' if self.pre_ms is None else 'crossing'} (ms)"

    @property
    def column(self) -> str:
        """In a table."""
        return "time_in_window_ms" if self.pre_ms is None else "time_from_crossing_ms"

    def time_ms(self, n_samples: int) -> np.ndarray:
        """(T,)"""
        return 1000 * np.arange(n_samples) / self.rate_hz - (self.pre_ms or 0.0)
