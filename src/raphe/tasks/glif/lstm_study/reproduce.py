"""What was wrong with the "LSTM GLIF" study, each point computed, none quoted."""

from pathlib import Path

import numpy as np

from raphe.core.claims import Claim, claims_csv, claims_text
from raphe.core.files.atomic import make_folder, write_file
from raphe.tasks.glif.lstm_study.grid import FITTED, STEP_S, VALUES, grid, neurons, targets
from raphe.tasks.glif.lstm_study.network_findings import (
    finding,
    mixed_batch_finding,
    seen_finding,
    weights_findings,
)
from raphe.tasks.glif.lstm_study.study import DT, Study, different
from raphe.tasks.glif.lstm_study.study_files import Digitised, read_study_files
from raphe.tasks.glif.metrics.names import TARGETS
from raphe.tasks.glif.neurons.simulation import simulate

UNPHYSICAL_V = 0.1  # a leak potential so far from rest


def reproduce(published_folder: Path | None = None) -> list[Claim]:
    """Every finding that the grid, and the study's own files where there are some, allow.

    Raises RapheError where a file of the folder cannot be used.
    """
    published = None if published_folder is None else read_study_files(published_folder)
    study = Study()
    if published is not None:
        digitised = published.digitised
    else:
        current = study.current("noise_2")[: study.fed]
        fitted = simulate(neurons(np.array([FITTED])), current, STEP_S).voltage_v[0]
        digitised = Digitised(current, fitted)
    findings = [constant_finding()]
    if published is not None:
        findings += weights_findings(published)
    findings += [
        dt_finding(digitised.current_a),
        leak_finding(digitised.current_a),
        repeats_finding(study),
        seen_finding(digitised, None if published is None else published.net),
        mixed_batch_finding(digitised, None if published is None else published.net),
    ]
    return findings


def constant_finding() -> Claim:
    """The loss of answering the mean of the grid."""
    variance = targets(grid()).astype(np.float64).var(axis=0) / len(TARGETS)
    shares = ", ".join(f"{name} {v:.4f}" for name, v in zip(TARGETS, variance, strict=True))
    return finding(
        "a constant predictor",
        "not in the study",
        f"MSE {variance.sum():.4f}",
        f"The mean of the targets over the grid of {len(grid())}; of it {shares}.",
        float(variance.sum()),
    )


def dt_finding(current_a: np.ndarray) -> Claim:
    """How much the voltage tells of dt."""
    labels = np.tile(np.array(FITTED), (len(VALUES["dt"]), 1))
    labels[:, DT] = VALUES["dt"]
    voltage = simulate(neurons(labels), current_a, STEP_S).voltage_v
    apart = float(np.nanmax(np.abs(voltage - voltage[:1])))
    share = targets(grid()).astype(np.float64).var(axis=0)[DT] / len(TARGETS)
    return finding(
        "dt",
        "one of five targets",
        f"its five labels give voltages {apart:g} V apart; it is {share:.2f} of the loss",
        f"Each simulation sets dt to {1e6 * STEP_S:g} µs, 1 / 200 kHz, whatever the configuration "
        "says: the label leaves no trace, and its variance is the least loss there is.",
        apart,
    )


def leak_finding(current_a: np.ndarray) -> Claim:
    """What the grid's leak potentials do to a cell."""
    cells = different(grid())[0]
    far = np.abs(cells[:, TARGETS.index("El")]) >= UNPHYSICAL_V
    silent = np.zeros_like(current_a)
    at_rest = simulate(neurons(cells), silent, STEP_S)
    spont = (at_rest.spike_count > 0) & far
    peak = float(np.nanmax(np.abs(at_rest.voltage_v)))
    values = sorted(v for v in VALUES["El"] if abs(v) >= UNPHYSICAL_V)
    return finding(
        "El",
        "±0.1 and ±0.5 V beside 0",
        f"{100 * far.mean():.0f} % of the cells leak to {', '.join(f'{v:+g}' for v in values)} V "
        f"from rest; without any current {100 * spont.sum() / len(cells):.0f} % of all cells fire "
        f"and one moves by {1e3 * peak:.0f} mV in {len(current_a) * STEP_S:.2f} s",
        "El is relative to the cell's rest: a fitted cell's is 0, and a membrane cannot pull to a "
        "tenth of a volt away from it.",
        float(far.mean()),
    )


def repeats_finding(study: Study) -> Claim:
    """How often one trace recurs, and on how many sides of the split."""
    _, which = different(grid())
    times = study.sweeps * np.bincount(which)
    files = study.files()
    trained = {which[file["configuration"]] for file in files if file["part"] == "train"}
    validated = [which[file["configuration"]] for file in files if file["part"] == "val"]
    shared = np.mean([trace in trained for trace in validated])
    return finding(
        "training and validation traces",
        f"{study.n_train} and {study.n_val} different files",
        f"each trace recurs {times.min()} times; {100 * shared:.1f} % of the validation traces are "
        f"trained on (one draw, seed {study.seed})",
        f"The noise is the same in all {study.sweeps} sweeps, and the {len(VALUES['dt'])} labels "
        f"of dt change nothing: {study.sweeps * len(grid())} files of {len(times)} traces.",
        float(times.min()),
    )


def write(findings: list[Claim], folder: Path) -> list[Path]:
    """Write reproduce.txt and reproduce.csv; return where they are."""
    paths = [folder / f"reproduce.{suffix}" for suffix in ("txt", "csv")]
    make_folder(folder)
    for path, text in zip(paths, (claims_text(findings), claims_csv(findings)), strict=True):
        write_file(path, text)
    return paths
