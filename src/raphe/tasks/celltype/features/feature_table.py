"""The named features of a spike and a cell: what each is, in which unit, and what others call it.

Of a loose-seal current the trough is the action potential's upstroke and the peak after it its
downstroke, because the current follows the slope of the membrane potential. So IPFX's figures of
an intracellular voltage correspond to ours where the table says so.
"""

from dataclasses import dataclass
from textwrap import wrap

NONE = "–"
INDENT = "    "


def with_unit(name: str, its_unit: str, unit: str) -> str:
    """A column's name: with its unit, `{unit}` in which stands for that of the windows.

    >>> with_unit("noise", "{unit}/√Hz", "pA"), with_unit("firing_rate", "Hz", "pA")
    ('noise_pA_per_rthz', 'firing_rate_hz')
    """
    fixed = its_unit.replace("Hz", "hz").replace("/√", "_per_rt").replace("/", "_per_")
    return f"{name}_{fixed.format(unit=unit)}" if its_unit else name


@dataclass(frozen=True)
class Feature:
    """One feature; `{unit}` in its unit stands for that of the windows, such as pA."""

    name: str
    unit: str
    meaning: str
    spikeinterface: str = NONE
    cellexplorer: str = NONE
    ipfx: str = NONE

    def column(self, unit: str) -> str:
        """Its name with the unit, for windows in `unit`.

        >>> WAVEFORM_FEATURES[4].column("pA")
        'repolarization_slope_pA_per_ms'
        """
        return with_unit(self.name, self.unit, unit)


WAVEFORM_FEATURES = (
    Feature(
        "udi",
        "ms",
        "upstroke–downstroke interval: from the largest deflection, whatever its sign, to the "
        "extremum of the other sign that follows (Corradetti et al. 2024); of a spike whose trough "
        "is its largest deflection the same as trough_to_peak",
        "waveform_duration (µs)",
        "troughToPeak",
        "downstroke_t − upstroke_t",
    ),
    Feature(
        "trough_to_peak",
        "ms",
        "from the minimum to the maximum that follows",
        "peak_to_valley, now peak_to_trough_duration (s)",
        "troughToPeak",
        "downstroke_t − upstroke_t",
    ),
    Feature(
        "half_width",
        "ms",
        "width of the trough at half its depth, between the crossings next to the minimum",
        "half_width (s; between the outermost crossings, on samples)",
    ),
    Feature(
        "amplitude",
        "{unit}",
        "depth of the trough below baseline",
        "amplitude_median (of single spikes)",
        "−trough; peakVoltage is maximum − minimum",
        "upstroke",
    ),
    Feature(
        "repolarization_slope",
        "{unit}/ms",
        "slope of the regression line from the trough to the return to baseline",
        "repolarization_slope (unit/s)",
    ),
    Feature(
        "recovery_slope",
        "{unit}/ms",
        "slope of the regression line over the 0.7 ms after the peak, or to the window's end",
        "recovery_slope (unit/s)",
    ),
    Feature(
        "peak_to_trough_ratio",
        "",
        "height of the peak after the trough over the trough's depth",
        "peak_after_to_trough_ratio, once −peak_trough_ratio",
        NONE,
        "1 / upstroke_downstroke_ratio",
    ),
    Feature(
        "asymmetry",
        "",
        "(B − A) / (B + A) of the largest values A before and B after the trough, above baseline",
        NONE,
        "ab_ratio (above the window's mean)",
    ),
)
FIRING_FEATURES = (
    Feature(
        "firing_rate",
        "Hz",
        "intervals between spikes over their total time, within sweeps",
        "firing_rate (over the recording's length)",
        "firingRate (spikes, not intervals)",
        "avg_rate (over the stimulus)",
    ),
    Feature(
        "isi_cv",
        "",
        "SD over mean of the intervals between spikes, within sweeps",
        NONE,
        "none; cv2 compares neighbouring intervals",
        "isi_cv",
    ),
)
FEATURES = WAVEFORM_FEATURES + FIRING_FEATURES


def explain(unit: str = "pA") -> str:
    """The table as text: some lines for each feature."""
    lines = []
    for feature in FEATURES:
        lines.append(feature.column(unit))
        lines += wrap(feature.meaning, 100, initial_indent=INDENT, subsequent_indent=INDENT)
        for package, name in (
            ("SpikeInterface", feature.spikeinterface),
            ("CellExplorer", feature.cellexplorer),
            ("IPFX", feature.ipfx),
        ):
            lines.append(f"{INDENT}{package + ':':16}{name}")
    return "\n".join(lines) + "\n"
