"""The compiled LSTM against torch's, and the published weights against the published answers."""

import json

import numpy as np
import pytest
import torch
from torch import Tensor

from raphe.core.errors import SettingError
from raphe.tasks.glif.lstm_study.network import LstmPublished
from raphe.tasks.glif.lstm_study.study_files import read_digitised
from raphe.tasks.glif.lstm_study.weights_import import read_lstm_glif


def gradients(net: LstmPublished, answers: Tensor) -> dict[str, Tensor]:
    net.zero_grad()
    (answers * torch.arange(1, answers.numel() + 1).view_as(answers)).sum().backward()
    return {name: weight.grad.clone() for name, weight in net.named_parameters()}


def test_the_compiled_network_is_torchs() -> None:
    """Answers and the gradients of every weight and of the voltages, of traces of any length."""
    torch.manual_seed(0)
    net = LstmPublished()
    lengths = torch.tensor([40, 17, 1])
    ours, theirs = (torch.randn(3, 40).requires_grad_() for _ in range(2))
    theirs.data.copy_(ours.data)
    answers, expected = net(ours, lengths), net.readout(net._by_torch(theirs, lengths))
    torch.testing.assert_close(answers, expected)
    torch.testing.assert_close(
        gradients(net, answers), gradients(net, expected), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6)


def test_each_trace_is_read_alone() -> None:
    """What `h_n.view` breaks: an answer does not depend on the other traces of the batch."""
    torch.manual_seed(1)
    net, traces = LstmPublished(), torch.randn(4, 30)
    together = net(traces)
    for row in range(4):
        torch.testing.assert_close(together[row : row + 1], net(traces[row : row + 1]))


def test_what_cannot_be_read_is_refused() -> None:
    net = LstmPublished()
    with pytest.raises(SettingError, match=r"expected traces \(B, T\) in mV, got shape \(5,\)"):
        net(torch.zeros(5))
    with pytest.raises(SettingError, match="trace 1 has no sample that is not NaN"):
        net(torch.zeros(2, 5), torch.tensor([5, 0]))


@pytest.fixture(scope="module")
def published(real_data) -> LstmPublished:
    net = LstmPublished()
    net.load_state_dict(read_lstm_glif(real_data("glif", "lstm_published", "weights.npz")))
    return net.eval()


def test_the_published_weights_answer_as_published(published, real_data) -> None:
    """9e-5 relative on four of the targets and 3e-4 on El, as the digitised current allows."""
    folder = real_data("glif", "lstm_published")
    digitised = read_digitised(folder / "noise2_first_250ms_digitised.npz")
    voltage_mv = torch.from_numpy((1e3 * digitised.voltage_v).astype(np.float32))[None]
    with torch.no_grad():
        answers = published(voltage_mv)[0].numpy()
    stated = json.loads((folder / "nn_config_published.json").read_text())
    scale = {"C": 1e9, "El": 1, "R_input": 1e-9, "dt": 1e5, "th_inf": 1}
    for (name, factor), answer in zip(scale.items(), answers, strict=True):
        assert answer == pytest.approx(stated[name] * factor, rel=3e-4 if name == "El" else 9e-5)
    outputs = json.loads((folder / "outputs.json").read_text())
    exact = outputs["fitted_cell_on_digitised_noise2"]["output_C1e9_El_R1e-9_dt1e5_th"]
    np.testing.assert_allclose(answers, exact, rtol=1e-5)


@pytest.mark.parametrize("case", ["grid_03400", "grid_14221", "grid_22222", "grid_41344"])
def test_the_published_weights_answer_each_reference_trace(
    case: str, published, reference, real_data
) -> None:
    """NaN are left out, at most 50 000 samples are seen."""
    _, arrays = reference(case)
    outputs = json.loads(real_data("glif", "lstm_published", "outputs.json").read_text())[case]
    voltage_mv = (1e3 * arrays["voltage"]).astype(np.float32)
    fed = voltage_mv[~np.isnan(voltage_mv)][:50_000]
    assert len(fed) == outputs["n_fed"]
    with torch.no_grad():
        answers = published(torch.from_numpy(fed)[None])[0].numpy()
    np.testing.assert_allclose(answers, outputs["output_C1e9_El_R1e-9_dt1e5_th"], rtol=2e-5)
