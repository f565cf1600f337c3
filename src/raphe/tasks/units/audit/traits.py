"""What tells of a unit's recording rather than of its cell: a control, as noise is for spikes.

N units, T samples a waveform.
"""

import numpy as np

from raphe.tasks.units.recordings.unit_set import BRANCHES, UnitSet

BEFORE_SHARE = 0.15  # of the samples that lie before any spike
ALIKE = 1e-6  # spread, relative to the largest, of what is the same for all units


def recording_traits(units: UnitSet) -> tuple[list[str], np.ndarray]:
    """Names and values, float64 (N, n of them), of the traits in which the units differ.

    The logarithm of the largest size of the waveform, where it lies (samples), the logarithm of
    the SD before the spike relative to it, and of each branch whether it is missing (0 or 1). Of a
    unit without a waveform the first three are the mean of all. Waveforms that their source has
    scaled have no size, units that have all branches no missing ones: these are left out.
    """
    columns: dict[str, np.ndarray] = {}
    waveforms = units.waveforms.astype(np.float64)
    if waveforms.shape[1]:
        known = np.isfinite(waveforms).all(axis=1)
        size = np.where(known, np.abs(np.nan_to_num(waveforms)).max(axis=1), np.nan)
        n_before = max(2, round(BEFORE_SHARE * waveforms.shape[1]))
        unrest = waveforms[:, :n_before].std(axis=1) / size
        columns["size"] = np.log(size)
        columns["place"] = np.where(known, np.abs(np.nan_to_num(waveforms)).argmax(axis=1), np.nan)
        columns["unrest"] = np.log(np.maximum(unrest, ALIKE))
    columns |= {
        f"no {branch}": 1.0 - there
        for branch, there in zip(BRANCHES, units.present.T.astype(float), strict=True)
    }
    columns = {name: values for name, values in columns.items() if _differ(values)}
    filled = [np.where(np.isfinite(x), x, np.nanmean(x)) for x in columns.values()]
    return list(columns), np.stack(filled, axis=1) if filled else np.empty((len(units), 0))


def _differ(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size and np.ptp(known) > ALIKE * max(1.0, np.abs(known).max()))
