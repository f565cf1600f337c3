"""The authors' README beside what it, their notebooks and their networks come to."""

import csv

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from raphe.core.claims import Claim
from raphe.tasks.celltype.network.net import CellTypeNet
from raphe.tasks.celltype.published import paper_numbers as published
from raphe.tasks.celltype.published.keras_import import import_keras
from raphe.tasks.celltype.published.paper_numbers import read_sweeps
from raphe.tasks.celltype.published.readme_claims import (
    NO_TABLE,
    n_weights,
    parts_of_train_test_split,
    readme_claims,
    readme_sweep_claims,
)
from raphe.tasks.celltype.training.module import CellTypeModule


@pytest.fixture(scope="module")
def claims() -> dict[str, Claim]:
    return {claim.quantity: claim for claim in readme_claims()}


def test_rates_are_those_of_the_one_table(claims):
    positive = claims["true positive rate, non-homogeneous cells"]
    assert positive.theirs == "94.4 %, false negative 5.6 %"
    assert positive.ours == "sensitivity 94.4 % (84.9 to 98.1), 51/54 cells"
    assert "of the README's own 55 + 26 cells none does" in positive.why
    negative = claims["true negative rate, non-homogeneous cells"]
    assert negative.ours == "specificity 88.5 % (71.0 to 96.0), 23/26 cells"
    assert "23/26 = 88.46 %, 3/26 = 11.54 %" in negative.why
    cells = claims["cells of the non-homogeneous set"]
    assert cells.ours == "54 and 26, 74 called right (0.9250)"
    assert "1 more of 80 right" in cells.why


def test_means_over_sessions_that_cannot_be_true_are_told(claims):
    positive = claims["true positive rate of cells, mean over sessions"]
    assert positive.ours.startswith("91.2 and 0.8 cannot sum to 100")
    assert "8.70 to 8.85 %" in positive.why and positive.ours_value is None
    negative = claims["true negative rate of cells, mean over sessions"]
    assert negative.ours.startswith("87.6 and 12.3 can sum to 100, cut off")


def test_parts_are_those_of_scikit_learn(claims):
    for n in (published.N_ORIGINAL, 100, 101, 63_450, 13_554 * 2):
        _, aside = train_test_split(np.arange(n), test_size=0.3, random_state=42)
        validation, test = train_test_split(aside, test_size=0.5, random_state=42)
        assert parts_of_train_test_split(n) == (len(validation), len(test))
    parts = claims["parts of the original spikes"]
    assert parts.theirs == "30 328 for training, 6500 for validation, 6499 for test"
    assert parts.ours == "30 328 for training, 6499 for validation, 6500 for test"


def test_both_numbers_of_synthetic_spikes_have_their_source(claims):
    claim = claims["synthetic spikes"]
    assert claim.theirs == "6 675 300 of 43 327 originals: 154 copies of each"
    assert "6 025 300" not in claim.theirs and "6 025 300 other" in claim.ours
    assert "Training_Synthetic_Model.ipynb: 293 copies of each, 224 of each serot" in claim.ours


def test_networks_are_counted(claims):
    assert claims["members of the ensemble"].ours == "11 networks"
    assert claims["models of the sweep"].ours == "31 models"


@pytest.mark.parametrize("kernel", [1, 5, 20, 31])
def test_weights_are_those_of_the_network(kernel):
    net = CellTypeNet(kernel)
    n = sum(weight.numel() for weight in net.parameters())
    assert n_weights(kernel, (32, 64), 2) == n


def test_the_text_s_network_is_another(claims):
    assert "45 218 weights at k = 20" in claims["the network"].ours
    assert "the text's would be 24 706" in claims["the network"].why
    # By hand: normalisation, both convolutions, the last layer of 25 samples x 2 x 32.
    assert 320 + (20 + 1) * 32 + (20 * 32 + 1) * 32 + (25 * 2 * 32 + 1) * 2 == 24_706


def test_the_authors_own_network_is_that_of_their_table(real_data, tmp_path):
    keras = real_data("keras", "ModConvBinNormN20.keras")
    checkpoint = import_keras(keras, tmp_path / "n20.ckpt")
    module = CellTypeModule.load_from_checkpoint(checkpoint)
    weights = sum(weight.numel() for weight in module.net.parameters())
    assert weights == published.TABLE_WEIGHTS == n_weights(20, (32, 64), 2)


def test_accuracy_and_loss_need_the_notebooks_table():
    assert [claim.ours for claim in readme_sweep_claims([])] == [NO_TABLE, NO_TABLE]


def test_accuracy_and_loss_are_looked_up_in_it(real_data):
    path = real_data("figures", "published_sweep.csv")
    accuracy, loss = readme_sweep_claims(read_sweeps(path))
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["run"] == "original"]
    cut = [row["kernel"] for row in rows if row["test_accuracy"].startswith("0.987")]
    assert cut == ["19", "23", "24", "27"]
    assert f"98.7 % is k = {', '.join(cut[:-1])} and {cut[-1]} cut off" in accuracy.ours
    assert accuracy.ours.endswith("the named are the best 3")
    losses = {row["kernel"]: row["test_loss"] for row in rows}
    assert not [kernel for kernel, value in losses.items() if value.startswith("0.03710")]
    assert loss.ours.startswith(f"0.2221 stands for {losses['1']} (k = 1)")
    least = min(losses, key=lambda kernel: float(losses[kernel]))
    nearest = sorted(losses, key=lambda kernel: abs(float(losses[kernel]) - 0.037106))[:2]
    for kernel in (*nearest, "23", "24", "27", least):
        assert f"{losses[kernel]} (k = {kernel})" in loss.ours
    assert sorted(nearest) == ["19", "24"] and least == "28"
