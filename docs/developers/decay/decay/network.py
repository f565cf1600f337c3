"""A network and nothing else: no data, no loss."""

import torch

from decay.synthetic import N_SAMPLES


class DecayNet(torch.nn.Module):
    """Currents (N, T) in pA to the logarithm of their decay in ms (N,)."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(N_SAMPLES, units), torch.nn.ReLU(), torch.nn.Linear(units, 1)
        )

    def forward(self, current_pa: torch.Tensor) -> torch.Tensor:
        return self.layers(current_pa / 50).squeeze(1)
