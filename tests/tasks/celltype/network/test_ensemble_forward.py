"""The ensemble's fast forward pass against each network's own."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from raphe.core.errors import SettingError
from raphe.tasks.celltype.network.ensemble_forward import SPIKES_AT_ONCE, EnsembleForward
from raphe.tasks.celltype.network.net import CellTypeNet


def trained_looking(seed: int, **settings: object) -> CellTypeNet:
    torch.manual_seed(seed)
    net = CellTypeNet(**settings)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return net.eval()


def spikes(n: int, n_samples: int = 160) -> torch.Tensor:
    return 40 * torch.randn(n, n_samples, generator=torch.Generator().manual_seed(0))


def one_by_one(nets: list[CellTypeNet], current: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return torch.stack([net.class_probability(net(current)) for net in nets])


@pytest.mark.parametrize("columns", [1, 2])
def test_every_kernel_gives_what_its_network_gives(columns: int) -> None:
    nets = [trained_looking(k, kernel=k, columns=columns) for k in range(1, 33)]
    current = spikes(20)
    torch.testing.assert_close(
        EnsembleForward(nets)(current), one_by_one(nets, current), rtol=0, atol=1e-5
    )


def test_to_the_last_digits_in_double_precision() -> None:
    nets = [trained_looking(k, kernel=k).double() for k in (1, 6, 7, 20, 32)]
    current = spikes(20).double()
    torch.testing.assert_close(
        EnsembleForward(nets)(current), one_by_one(nets, current), rtol=0, atol=1e-12
    )


def test_other_settings_side_by_side() -> None:
    window = {"n_samples": 80, "n_classes": 3, "rate_hz": 20_000.0}
    nets = [
        trained_looking(0, kernel=12, **window),
        trained_looking(1, kernel=3, columns=1, filters=(4, 6), **window),
    ]
    current = spikes(50, 80)
    torch.testing.assert_close(
        EnsembleForward(nets)(current), one_by_one(nets, current), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("n", [0, 1, 5, SPIKES_AT_ONCE, 2 * SPIKES_AT_ONCE + 1])
def test_any_number_of_spikes_on_any_number_of_threads(n: int, n_threads: int) -> None:
    nets = [trained_looking(k, kernel=k) for k in (2, 20)]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(n_threads)
        answers = EnsembleForward(nets)(spikes(n))
        assert torch.get_num_threads() == n_threads
        with ThreadPoolExecutor() as later:  # threads take the setting that was made last
            assert later.submit(torch.get_num_threads).result() == n_threads
    finally:
        torch.set_num_threads(before)
    assert answers.shape == (2, n, 2)
    torch.testing.assert_close(answers, one_by_one(nets, spikes(n)), rtol=0, atol=1e-5)


def test_keeps_the_weights_it_was_made_with() -> None:
    net = trained_looking(0, kernel=20)
    ensemble = EnsembleForward([net])
    before = ensemble(spikes(4))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1)
    assert torch.equal(ensemble(spikes(4)), before)
    assert net.conv1.weight.requires_grad


def test_networks_of_different_windows_are_refused() -> None:
    nets = [trained_looking(0, kernel=3), trained_looking(0, kernel=3, n_samples=80)]
    with pytest.raises(SettingError, match=r"got 80 samples, 2 and 160 samples, 2"):
        EnsembleForward(nets)
    with pytest.raises(SettingError, match="got no network"):
        EnsembleForward([])


@pytest.mark.parametrize("shape", [(4, 159), (160,), (4, 160, 2)])
def test_wrong_shape_is_named(shape: tuple[int, ...]) -> None:
    ensemble = EnsembleForward([trained_looking(0, kernel=3)])
    with pytest.raises(SettingError, match=r"current \(N, 160\), got \(" + str(shape[0])):
        ensemble(torch.zeros(shape))
