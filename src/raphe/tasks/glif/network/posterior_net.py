"""The posterior of a neuron's quantities, given its voltage and current: neural estimation.

An encoder of the traces and the least-squares estimate make up a context, which embeds the data for
a neural spline flow of the package sbi. The flow models what is left: the quantities less a centre,
over a spread, both those of the estimate moved by what the context says, and unmixed: errors of
capacitance and resistance go together, more or less as a trace tells, and splines that change a
half of the quantities at once hold little of what goes on within a half. So an estimate that least
squares has to a thousandth need not be learnt anew, and its uncertainty is corrected, not trusted.

B traces, P quantities (standardised, see `least_squares`), F features, C context, S samples.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from raphe.core.errors import SettingError
from raphe.core.extras import install
from raphe.tasks.glif.features.least_squares import N_FEATURES
from raphe.tasks.glif.network.trace_encoder import EncoderSize, TraceEncoder

CONTEXT = 64
FLOW_UNITS, FLOW_STEPS, FLOW_BINS = 64, 3, 8
SPLINE_BOUND, LEAST_SLOPE = 5.0, 1e-3  # of a step's splines, as sbi has them
COUPLED = 2  # halves that a step changes in turn: three times faster to draw from than one by one
FARTHEST_SHIFT = 3.0  # spreads that a centre is moved by at most
FARTHEST_LOG_SCALE = 4.0
FARTHEST_MIX = 8.0  # a correlation of 0.992
WIDEST = 1.25  # the prior's deviation is 1, and no posterior is much wider
WIDER = 0.7  # added to an untrained network's log-scale: least squares is too sure


@dataclass(frozen=True, eq=False)
class FlowStep:
    """A step of the flow as arrays: splines whose shapes a perceptron of ReLUs gives.

    Quantities are in the flow's order, see `flow_order`.

    The first half's shapes follow from the context alone, the second half's from both. Q quantities
    of a half, K bins, U units.
    """

    first: np.ndarray  # int64 (Q,): the quantities of the first half
    second: np.ndarray  # int64 (Q,)
    weights: list[np.ndarray]  # float32 (U, P + C), (U, U) …, (P × (3 K − 1), U)
    biases: list[np.ndarray]  # float32 (U,), …, (P × (3 K − 1),)


class PosteriorNet(nn.Module):
    """A density of P standardised quantities.

    Args:
        n_quantities: P.
        size: of the encoder; None leaves the traces unread, and the estimate is all there is.

    Raises:
        SettingError: where the package sbi is not installed.
    """

    def __init__(self, n_quantities: int, size: EncoderSize | None) -> None:
        super().__init__()
        self.encoder = None if size is None else TraceEncoder(size)
        n_encoded = 0 if size is None else size.features
        self.context = nn.Sequential(
            nn.Linear(N_FEATURES + n_encoded, 128), nn.GELU(), nn.Linear(128, 128), nn.GELU(),
            nn.Linear(128, CONTEXT),
        )  # fmt: skip
        self.correction = nn.Sequential(nn.GELU(), nn.Linear(CONTEXT, 2 * n_quantities))
        nn.init.zeros_(self.correction[1].weight)
        nn.init.zeros_(self.correction[1].bias)
        self.mixing = nn.Sequential(
            nn.GELU(), nn.Linear(CONTEXT, n_quantities * (n_quantities - 1) // 2)
        )
        nn.init.zeros_(self.mixing[1].weight)
        nn.init.zeros_(self.mixing[1].bias)
        self.order = flow_order(n_quantities)
        self.flow = _flow(n_quantities)

    def embed(self, traces: Tensor, features: Tensor) -> Tensor:
        """The context (B, C) of traces (B, 2, T) and features (B, F)."""
        if features.ndim != 2 or features.shape[1] != N_FEATURES:
            raise SettingError(
                f"features: expected (B, {N_FEATURES}), got {tuple(features.shape)}; see "
                "least_squares.estimate_quantities"
            )
        if self.encoder is None:
            return self.context(features)
        return self.context(torch.cat([features, self.encoder(traces)], dim=1))

    def log_prob(self, z: Tensor, context: Tensor, centre: Tensor, spread: Tensor) -> Tensor:
        """Log-density (S, B) in nats of standardised quantities z (S, B, P)."""
        middle, scale = self._moved(context, centre, spread)
        mixed = self._mixed(context)
        off = ((z - middle) / scale)[..., self.order, None]
        unmixed = torch.linalg.solve_triangular(mixed, off, upper=False)[..., 0]
        stretched = scale.log().sum(dim=1) + mixed.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        return self.flow.log_prob(unmixed, context) - stretched

    def sample(self, n: int, context: Tensor, centre: Tensor, spread: Tensor) -> Tensor:
        """n draws of each posterior, (n, B, P) standardised, from torch's global generator."""
        noise = torch.randn(n, *centre.shape, device=centre.device)
        return self.draw(noise, context, centre, spread)

    def draw(self, noise: Tensor, context: Tensor, centre: Tensor, spread: Tensor) -> Tensor:
        """The draws (S, B, P), standardised, that normal noise (S, B, P) becomes."""
        middle, scale = self._moved(context, centre, spread)
        draws = self.flow.net(context).transform.inv(noise)
        draws = torch.einsum("bij,sbj->sbi", self._mixed(context), draws)
        return middle + scale * draws[..., np.argsort(self.order)]

    def flow_steps(self) -> list[FlowStep]:
        """The flow from the quantities to noise, step by step."""
        steps = []
        for transform in self.flow.net.transform.transforms:
            layers = [layer for layer in transform.hyper if isinstance(layer, nn.Linear)]
            order = transform.order.numpy()
            steps.append(
                FlowStep(
                    np.flatnonzero(order == 0),
                    np.flatnonzero(order == 1),
                    [(layer.mask * layer.weight).detach().numpy() for layer in layers],
                    [layer.bias.detach().numpy() for layer in layers],
                )
            )
        return steps

    def _mixed(self, context: Tensor) -> Tensor:
        """Lower triangular matrices (B, P, P), in the flow's order, that bring correlations into
        what it draws; of rows of length 1, so that spreads stay."""
        n = len(self.order)
        below = self.mixing(context)
        below = FARTHEST_MIX * (below / FARTHEST_MIX).tanh()
        mixed = torch.eye(n, dtype=below.dtype, device=below.device).repeat(len(below), 1, 1)
        rows, columns = np.tril_indices(n, -1)
        mixed[:, rows, columns] = below
        return mixed / mixed.square().sum(dim=2, keepdim=True).sqrt()

    def _moved(self, context: Tensor, centre: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
        """Where the flow's 0 lies and how wide its 1 is, (B, P) each."""
        shift, log_scale = self.correction(context).chunk(2, dim=1)
        log_scale = FARTHEST_LOG_SCALE * (log_scale / FARTHEST_LOG_SCALE).tanh() + WIDER
        shift = FARTHEST_SHIFT * (shift / FARTHEST_SHIFT).tanh()
        wide = spread * log_scale.exp()
        return centre + shift * spread, wide / (1 + (wide / WIDEST) ** 2).sqrt()


def flow_order(n_quantities: int) -> np.ndarray:
    """In which order the flow has the quantities, int64 (P,): every other one, so that capacitance
    and resistance, whose errors go together most, are of different halves.

    >>> flow_order(5).tolist()
    [0, 2, 4, 1, 3]
    """
    return np.concatenate([np.arange(0, n_quantities, 2), np.arange(1, n_quantities, 2)])


def _flow(n_quantities: int) -> nn.Module:
    try:
        from sbi.neural_nets import posterior_nn
    except ImportError:
        raise SettingError(
            f"a posterior needs the package sbi, which is not installed: {install('train')}"
        ) from None
    with warnings.catch_warnings():  # sbi hands `passes` on to zuko, and doubts that it may
        warnings.simplefilter("ignore", UserWarning)
        build = posterior_nn(
            "zuko_nsf",
            z_score_theta="none",
            z_score_x="none",
            hidden_features=FLOW_UNITS,
            num_transforms=FLOW_STEPS,
            num_bins=FLOW_BINS,
            passes=COUPLED,
        )
    return build(torch.randn(8, n_quantities), torch.randn(8, CONTEXT))
