"""Each finding against its own truth; the published files where they are."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from raphe import cli
from raphe.core.claims import claims_csv, claims_text
from raphe.tasks.glif.lstm_study.grid import TARGETS, grid, targets
from raphe.tasks.glif.lstm_study.network import LstmPublished
from raphe.tasks.glif.lstm_study.network_findings import finding as finding_of
from raphe.tasks.glif.lstm_study.network_findings import grid_error, mixed_batch_finding, seen_ms
from raphe.tasks.glif.lstm_study.reproduce import (
    constant_finding,
    dt_finding,
    leak_finding,
    repeats_finding,
)
from raphe.tasks.glif.lstm_study.study import Study
from raphe.tasks.glif.lstm_study.study_files import Digitised

CURRENT = Study(simulated=3000, fed=3000).current("noise_1")


def test_a_constant_reaches_the_published_loss() -> None:
    assert constant_finding().ours_value.value == pytest.approx(1.742, abs=5e-4)


def test_dt_leaves_no_trace() -> None:
    finding = dt_finding(CURRENT)
    assert finding.ours_value.value == 0.0 and "1.60 of the loss" in finding.ours


def test_four_of_five_leak_potentials_are_far_from_rest() -> None:
    assert leak_finding(CURRENT).ours_value.value == pytest.approx(0.8)


def test_a_trace_recurs_fifteen_times() -> None:
    finding = repeats_finding(Study())
    assert finding.ours_value.value == 15 and "9375 files of 625 traces" in finding.why
    alone = repeats_finding(Study(sweeps=1, n_train=1, n_val=1))
    assert alone.ours_value.value == 5 and "0.0 % of the validation traces" in alone.ours


def forgetful() -> LstmPublished:
    """A network without memory: each state is of one sample alone."""
    torch.manual_seed(0)
    net = LstmPublished()
    with torch.no_grad():
        for side in ("", "_reverse"):
            getattr(net.lstm, f"weight_hh_l0{side}").zero_()
            getattr(net.lstm, f"bias_ih_l0{side}")[5:10] = -1e4  # the forget gate stays shut
    return net


def test_a_network_without_memory_sees_one_sample_at_each_end() -> None:
    voltage = np.random.default_rng(0).normal(0, 0.01, 400)
    assert seen_ms(forgetful(), voltage) == pytest.approx(0.005)


def test_a_viewed_batch_is_mixed() -> None:
    rng = np.random.default_rng(0)
    digitised = Digitised(rng.normal(1e-10, 3e-11, 12_000), np.zeros(12_000))
    assert mixed_batch_finding(digitised, None).ours_value.value > 1e-3


def test_the_grids_error_is_the_mean_over_all_configurations() -> None:
    """A network that answers a constant, whatever it sees."""
    torch.manual_seed(0)
    net = LstmPublished()
    with torch.no_grad():
        net.readout.weight.zero_()
    error = grid_error(net, CURRENT[:200])
    constant = net.readout.bias.detach().numpy()
    expected = ((constant - targets(grid())) ** 2).mean(axis=0, dtype=np.float64) / len(TARGETS)
    np.testing.assert_allclose(error, expected, rtol=1e-5)


def test_a_finding_is_a_claim_of_the_study() -> None:
    with_value, without = (
        finding_of("a figure", "1.0", "2.0", "because", 2.0),
        finding_of("another", "x", "y", "z"),
    )
    text = claims_text([with_value, without])
    assert text.startswith("LSTM GLIF study\n") and "a figure\n  theirs  1.0\n  ours    2.0" in text
    rows = list(csv.DictReader(claims_csv([with_value, without]).splitlines()))
    assert [(row["ours_value"], row["low"]) for row in rows] == [("2", ""), ("", "")]


@pytest.mark.ci
def test_the_command_computes_every_point(real_data, tmp_path: Path, capsys) -> None:
    folder = real_data("glif", "lstm_published")
    command = ["reproduce", "--task", "glif", "--published", str(folder), "--out", str(tmp_path)]
    assert cli.main(command) == 0
    assert "(published weights)" in " ".join(capsys.readouterr().out.split())
    with (tmp_path / "reproduce.csv").open() as file:
        value = {row["quantity"]: float(row["ours_value"]) for row in csv.DictReader(file)}
    assert value["a constant predictor"] < value["the published network"] < 1.8
    assert value["dt"] == 0 and value["training and validation traces"] == 15
    assert 2 < value["what the network sees of the fitted cell's trace"] < 6
    assert value["a batch of more than one"] > 0


def test_the_weights_import_answers_as_published(real_data, tmp_path: Path, capsys) -> None:
    folder = real_data("glif", "lstm_published")
    command = ["import", "lstm-glif", folder / "weights.npz", tmp_path / "published.ckpt"]
    command += ["--check", folder / "noise2_first_250ms_digitised.npz"]
    assert cli.main(list(map(str, command))) == 0
    wrote, *answers = capsys.readouterr().out.splitlines()
    assert wrote == f"wrote {tmp_path / 'published.ckpt'}"
    assert [line.split()[0] for line in answers] == list(TARGETS)
    assert float(answers[0].split()[1]) == pytest.approx(2.97370e-10, rel=9e-5)


def test_files_that_are_not_the_studys_are_told(tmp_path: Path, capsys) -> None:
    assert cli.main(["reproduce", "--task", "glif", "--published", str(tmp_path)]) == 1
    assert "weights.npz: there is no such file; check the path" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["reproduce", "--task", "calcium"])
    assert "--task: expected celltype or glif, got calcium" in capsys.readouterr().err
