"""Laboratories' own recordings, other indicators and frame rates: rates from one command, with the
bundle that comes with raphe, which saw none of them."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from raphe import cli

pytestmark = pytest.mark.ci
SETS = {  # frames averaged to one, the rate then, and the least mean correlation
    "DS20-jRCaMP1a-m-V1": (1, 15.0, 0.5),
    "DS31-GCaMP8m-m-V1": (1, 122.0, 0.6),
    "DS14-GCaMP6s-m-V1": (8, 7.5, 0.5),
}
N, LONGEST_S = 5, 120.0


@pytest.mark.parametrize("name", SETS)
def test_a_laboratory_gets_rates_from_one_command(real_data, name, tmp_path: Path, capsys) -> None:
    n_averaged, about_hz, least = SETS[name]
    recorded = np.load(real_data("calcium", f"{name}.npz"))
    n_spikes = np.diff(recorded["spike_start"])
    chosen = np.argsort(-n_spikes, kind="stable")[:N]  # of those that fired
    rate_hz = float(recorded["rate"][chosen[0]]) / n_averaged
    assert rate_hz == pytest.approx(about_hz, rel=0.02)
    n_frames = round(LONGEST_S * rate_hz)
    traces, truth = np.full((N, n_frames), np.nan), np.zeros((N, n_frames))
    for row, segment in enumerate(chosen):
        dff = recorded["dff"][slice(*recorded["start"][segment : segment + 2])]
        dff = dff[: len(dff) // n_averaged * n_averaged].reshape(-1, n_averaged).mean(axis=1)
        traces[row, : len(dff)] = dff[:n_frames]
        times_s = recorded["spike_time"][slice(*recorded["spike_start"][segment : segment + 2])]
        frames = (times_s * rate_hz).astype(int)
        np.add.at(truth[row], frames[frames < n_frames], rate_hz)
    np.save(tmp_path / "dff.npy", traces)
    words = ("predict", tmp_path / "dff.npy", "--rate", rate_hz, "--task", "calcium")
    assert cli.main([*map(str, words), "--out", str(tmp_path / "rates")]) == 0
    told = capsys.readouterr()
    assert f"rates of {N} of {N} traces" in told.out
    assert "lies outside" not in told.err and "what to expect" in told.out
    with (tmp_path / "rates" / "traces.csv").open() as table:
        assert {row["status"] for row in csv.DictReader(table)} == {"inferred"}
    rates = np.load(tmp_path / "rates" / "rates.npy")
    scores = []
    for rate, spikes in zip(rates, truth, strict=True):
        known = np.isfinite(rate)
        both = (gaussian_filter1d(each[known], 0.2 * rate_hz) for each in (rate, spikes))
        scores.append(np.corrcoef(*both)[0, 1])
    assert np.mean(scores) > least, scores
