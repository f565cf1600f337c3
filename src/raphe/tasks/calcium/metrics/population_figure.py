"""The rates of all traces at once, or Elephant's z-scores, and how noisy each trace is.

N traces, R of them drawn, B stretches of time.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps

from raphe.core.figure_style import GREY, PALE, TWO_COLUMNS_IN, PaperFigure, house_style, letter
from raphe.core.sentences import counted, number

MOST_ROWS, MOST_STRETCHES = 400, 800  # more are no longer told apart
SHOWN_SHARE = 99.0  # percentile of the rates, which is black
LEAST_TOP = 1.0  # that is black at least: silence is not blown up
MINUTES_FROM_S = 300.0
NOISE = "noise_percent_per_sqrt_hz"  # the table's column


@dataclass(frozen=True)
class Quantity:
    """What is drawn of each trace."""

    name: str  # begins the caption, in the plural
    label: str  # with its unit
    nothing: str  # of a trace without it
    remark: str = ""


RATES = Quantity("Inferred rates", "Rate (spikes/s)", "no rate")
SCORES = Quantity(
    "Elephant's z-scores",
    "z-score",
    "none",
    " Each is of its trace's own rate, white at its mean and below: a darker trace than another "
    "need not fire more.",
)


@house_style()
def population_figure(
    rates_per_s: np.ndarray,
    places: np.ndarray,
    n_traces: int,
    duration_s: float,
    noise: np.ndarray,
    quantity: Quantity = RATES,
) -> PaperFigure:
    """Rates (R, B) of the traces at `places` (R,) over the time, beside a histogram of noise (N,).

    Or Elephant's z-scores. NaN is drawn as missing, and left out of the histogram.
    """
    drawn = counted("trace", n_traces)
    if len(places) < n_traces:
        drawn = f"{len(places)} of {drawn}, evenly picked,"
    known = noise[np.isfinite(noise)]
    caption = (
        f"{quantity.name} of {drawn} over the whole recording, the mean of each "
        f"{number(duration_s / rates_per_s.shape[1], 2)} s; beige: {quantity.nothing}."
        f"{quantity.remark} Right: noise of "
        f"{counted('trace', len(known))}, 100 × the median step from frame to frame over the root "
        "of the frame rate, which is in %/√Hz where traces are ΔF/F as a fraction; dashed: its "
        "median."
    )
    figure = PaperFigure(TWO_COLUMNS_IN, 2.9, caption)
    raster, histogram = figure.subplots(1, 2, width_ratios=(3, 1))
    in_min = duration_s > MINUTES_FROM_S
    shades = colormaps["gray_r"].with_extremes(bad="#F3DCC4")
    seen = rates_per_s[np.isfinite(rates_per_s)]
    top = max(float(np.percentile(seen, SHOWN_SHARE)) if len(seen) else 0.0, LEAST_TOP)
    image = raster.imshow(
        rates_per_s, cmap=shades, vmin=0, vmax=top, aspect="auto", interpolation="nearest",
        extent=(0, duration_s / (60 if in_min else 1), n_traces - 0.5, -0.5),
    )  # fmt: skip
    raster.set(xlabel=f"Time ({'min' if in_min else 's'})", ylabel="Trace, counted from 0")
    raster.yaxis.get_major_locator().set_params(integer=True)
    figure.colorbar(
        image,
        ax=raster,
        label=quantity.label,
        pad=0.02,
        extend="max" if quantity is RATES else "both",
    )
    histogram.hist(known, bins="auto" if len(known) > 1 else 1, color=PALE, edgecolor=GREY)
    if len(known):
        histogram.axvline(float(np.median(known)), color=GREY, linestyle="--", linewidth=1)
    histogram.set(xlabel="Noise (%/√Hz of ΔF/F)", ylabel="Traces")
    histogram.yaxis.get_major_locator().set_params(integer=True)
    letter([raster, histogram])
    return figure
