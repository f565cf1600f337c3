"""An exported posterior: its networks, the prior's scales, and how traces are put in.

B traces, T samples, P quantities, S samples of a posterior, M members.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load
from torch import Tensor

from raphe.core.bundles.bundle import Bundle, BundleError, open_bundle
from raphe.tasks.glif.features.least_squares import estimate_quantities
from raphe.tasks.glif.features.training_domain import unlike
from raphe.tasks.glif.network.trace_encoder import least_samples
from raphe.tasks.glif.training.module import PosteriorModule

KIND = "glif/posterior"
WEIGHTS, CONFIG = "weights.safetensors", "config.yaml"


class PosteriorDraws(NamedTuple):
    """Of B traces."""

    samples: np.ndarray  # float64 (S, B, P): quantities in SI units
    unlike: list[list[str]]  # of each trace, what no simulated one has


@dataclass(frozen=True)
class PosteriorBundle:
    """An opened bundle, ready to infer."""

    bundle: Bundle
    members: list[PosteriorModule] = field(repr=False)

    @classmethod
    def open(cls, path: Path | str) -> "PosteriorBundle":
        """Open a bundle and check its hashes. Raises BundleError, or SettingError without sbi."""
        bundle = open_bundle(path, KIND)
        arrays = load(bundle.file(WEIGHTS).read_bytes())
        members = []
        for number, settings in enumerate(bundle.manifest["members"]):
            module = PosteriorModule(**settings)
            prefix = f"{number}."
            own = {
                name.removeprefix(prefix): value
                for name, value in arrays.items()
                if name.startswith(prefix)
            }
            try:
                module.load_state_dict(own)
            except RuntimeError:
                raise BundleError(
                    f"{path}: its networks are not built as those of this version of raphe; export "
                    "it anew"
                ) from None
            members.append(module.eval())
        return cls(bundle, members)

    @property
    def manifest(self) -> Mapping[str, Any]:
        return self.bundle.manifest

    @property
    def level(self) -> int:
        return self.members[0].scaler.level

    @property
    def longest_s(self) -> float:
        """Of the traces trained on."""
        return self.manifest["experiment"]["length_s"][1]

    @property
    def least_samples(self) -> int:
        """Of a trace that its networks can see."""
        return least_samples()

    @torch.inference_mode()
    def infer(
        self, traces: np.ndarray, rate_hz: float, n_samples: int, seed: int
    ) -> PosteriorDraws:
        """Draw from the posteriors of traces float32 (B, 2, T): voltage in mV, NaN in dead time,
        and current in pA. Each member gives its share of the draws."""
        torch.manual_seed(seed)
        scaler = self.members[0].scaler
        said = estimate_quantities(traces, rate_hz, scaler)
        x, features, centre, spread = (
            torch.from_numpy(each) for each in (traces, said.features, said.centre, said.spread)
        )
        drawn: list[Tensor] = []
        for member, n in zip(self.members, self._shares(n_samples), strict=True):
            context = member.net.embed(x, features)
            drawn.append(member.net.sample(n, context, centre, spread))
        mixed = torch.cat(drawn)[torch.randperm(n_samples)]  # of members in no order
        samples = scaler.values(mixed.numpy().astype(np.float64))
        known = self.manifest["domain"]
        return PosteriorDraws(samples, [unlike(each, known) for each in said.features])

    def _shares(self, n: int) -> list[int]:
        return [len(part) for part in np.array_split(np.arange(n), len(self.members))]
