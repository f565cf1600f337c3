"""The forms of the second convolution, against torch's conv1d and max_pool1d."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from raphe.tasks.celltype.network import convolutions
from raphe.tasks.celltype.network.convolutions import (
    SPECTRAL_FROM,
    convolve_by_library,
    convolve_by_taps,
    convolve_second,
    prepared_second,
)
from raphe.tasks.celltype.network.spectral import spectral_convolve

FORMS = (convolve_by_library, convolve_by_taps, spectral_convolve)
Form = Callable[[Tensor, Tensor, Tensor], Tensor]


def inputs(kernel: int, length: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Values (length, 3, 4), filters (5, 4, kernel) and bias (5,)."""
    generator = torch.Generator().manual_seed(kernel)
    shapes = [(length, 3, 4), (5, 4, kernel), (5,)]
    return [
        torch.randn(shape, generator=generator, dtype=dtype, requires_grad=True) for shape in shapes
    ]


def layer_by_layer(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    x = functional.conv1d(x.permute(1, 2, 0), weight, bias)
    return functional.max_pool1d(x, 2).permute(2, 0, 1)


def published_length(kernel: int) -> int:
    """Samples that the first pooling leaves of 160."""
    return (160 - kernel + 1) // 2


def with_gradients(form: Form, given: list[Tensor]) -> list[Tensor]:
    output = form(*given)
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(7)).to(output)
    return [output, *torch.autograd.grad((output * weights).sum(), given)]


def assert_all_close(ours: list[Tensor], theirs: list[Tensor], tolerance: float) -> None:
    for output, expected in zip(ours, theirs, strict=True):
        scale = expected.abs().max().item()
        torch.testing.assert_close(output, expected, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kernel", [*range(1, 33), 53])
def test_each_form_is_conv1d_and_max_pool1d_with_gradients(form: Form, kernel: int) -> None:
    given = inputs(kernel, published_length(kernel))
    expected = with_gradients(layer_by_layer, given)
    assert_all_close(with_gradients(form, given), expected, 1e-12)


@pytest.mark.parametrize("length", range(8, 20))
def test_frequencies_for_every_remainder_of_the_length(length: int) -> None:
    given = inputs(7, length)
    expected = with_gradients(layer_by_layer, given)
    assert_all_close(with_gradients(spectral_convolve, given), expected, 1e-12)


@pytest.mark.parametrize("kernel", [1, 4, 20, 32])
def test_the_fastest_form_is_exact_in_single_precision(kernel: int) -> None:
    given = inputs(kernel, published_length(kernel), torch.float32)
    double = [tensor.detach().double().requires_grad_() for tensor in given]
    expected = [tensor.float() for tensor in with_gradients(layer_by_layer, double)]
    assert_all_close(with_gradients(convolve_second, given), expected, 3e-6)


@pytest.mark.parametrize("form", [convolve_by_taps, spectral_convolve])
def test_gradients_are_those_of_finite_differences(form: Form) -> None:
    assert torch.autograd.gradcheck(form, inputs(3, 8))


@pytest.mark.parametrize("kernel", [SPECTRAL_FROM - 1, SPECTRAL_FROM])
def test_prepared_filters_give_the_same(kernel: int) -> None:
    x, weight, bias = inputs(kernel, published_length(kernel))
    with torch.no_grad():
        prepared = prepared_second(weight, bias, len(x))(x)
    torch.testing.assert_close(prepared, convolve_second(x, weight, bias))


def test_form_goes_by_kernel_and_type(monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    for form in FORMS:
        name = form.__name__
        monkeypatch.setattr(convolutions, name, lambda *_, name=name: used.append(name))
    for kernel in (SPECTRAL_FROM - 1, SPECTRAL_FROM):
        given = inputs(kernel, published_length(kernel), torch.float32)
        convolve_second(*given)
        convolve_second(*(tensor.bfloat16() for tensor in given))
        with torch.autocast("cpu", torch.bfloat16):
            convolve_second(*given)
    library = convolve_by_library.__name__
    assert used == ["convolve_by_taps", library, library, "spectral_convolve", library, library]


def test_learns_after_it_first_ran_without_gradients() -> None:
    given = inputs(11, 77)
    with torch.inference_mode():
        convolve_second(*given)
    expected = with_gradients(layer_by_layer, given)
    assert_all_close(with_gradients(convolve_second, given), expected, 1e-12)
