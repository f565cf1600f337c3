"""The chosen networks as a bundle's files: one graph, their weights, the card, the manifest.

N spikes, T samples of a window, M members.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from safetensors.numpy import save
from torch import Tensor

from raphe.core.bundles import pyfunc
from raphe.core.bundles.bundle import CARD, METHODS, BundleWriter
from raphe.core.protocol import Exported
from raphe.tasks.celltype.ensemble import export_facts
from raphe.tasks.celltype.ensemble.bundle_runtime import (
    CONFIG,
    FIRING_INPUT,
    GRAPH,
    KIND,
    WEIGHTS,
    EnsembleGraph,
    Member,
)
from raphe.tasks.celltype.ensemble.candidates import Candidate, require_agreement
from raphe.tasks.celltype.ensemble.methods import methods_text
from raphe.tasks.celltype.ensemble.model_card import model_card, summary
from raphe.tasks.celltype.ensemble.onnx_graph import ensemble_graph
from raphe.tasks.celltype.features.firing_inputs import FEWEST_INTERVALS, NAMES
from raphe.tasks.celltype.network.ensemble_forward import EnsembleForward

N_VERIFIED = 64  # windows on which graph and torch are compared


@dataclass(frozen=True)
class Chosen:
    """Which candidates are members, by the names that they have in the bundle's files."""

    members: Mapping[str, Candidate]
    times: Sequence[int]  # (M,), so often each counts
    as_published: bool = False  # their outputs are not scaled to sum to 1

    @classmethod
    def of(
        cls, candidates: Sequence[Candidate], times: np.ndarray, as_published: bool = False
    ) -> "Chosen":
        """Those of which `times`, int64 (candidates,), is not 0."""
        members = {f"member{row}": candidates[row] for row in np.flatnonzero(times).tolist()}
        return cls(members, times[times > 0].tolist(), as_published)

    def facts(self) -> list[dict[str, Any]]:
        """JSON values that `Member` reads."""
        return [
            asdict(
                Member(name, network.label, network.origin, network.kernel, network.net.columns, n)
            )
            for (name, network), n in zip(self.members.items(), self.times, strict=True)
        ]

    def forward(self) -> EnsembleForward:
        """The members, to be asked."""
        return EnsembleForward([one.net for one in self.members.values()], self.as_published)

    @property
    def sees_firing(self) -> bool:
        """Whether a member looks at how a cell fires, beside its spikes."""
        return any(candidate.sees_firing for candidate in self.members.values())

    def graph(self, windows: Tensor, firing: Tensor | None = None) -> bytes:
        """The ONNX file. Raises BundleError where it differs from torch on windows (N, T), of cells
        that fire so (N, D), or of which that is not known."""
        networks = list(self.members.values())
        graph = ensemble_graph([one.net for one in networks], self.times, self.as_published)
        opened, windows = EnsembleGraph(graph), windows[:N_VERIFIED]
        require_agreement(opened, networks, windows, self.as_published)
        if firing is not None:
            known = firing[:N_VERIFIED]
            require_agreement(opened, networks, windows, self.as_published, known)
        return graph

    def weights(self) -> dict[str, np.ndarray]:
        return {
            f"{name}.{key}": value.numpy()
            for name, candidate in self.members.items()
            for key, value in candidate.net.state_dict().items()
        }


def write_ensemble(
    writer: BundleWriter,
    chosen: Chosen,
    facts: Mapping[str, Any],
    windows: Tensor,
    settings: str | None = None,
    firing: Tensor | None = None,
) -> Exported:
    """Finish a bundle of these networks.

    Args:
        facts: of the manifest, all but those on members.
        windows: some of (N, T) in the ensemble's unit, to compare graph and networks on.
        settings: of the training as YAML, where they are known.
        firing: of the cells of these windows (N, D), where a network looks at it.

    Raises:
        BundleError: where the graph differs from a network.
    """
    facts = {"members": chosen.facts(), "as_published": chosen.as_published, **facts}
    if chosen.sees_firing:
        facts[FIRING_INPUT] = {"inputs": list(NAMES), "fewest_intervals": FEWEST_INTERVALS}
    files = {GRAPH: chosen.graph(windows, firing), WEIGHTS: save(chosen.weights())}
    methods = ""
    if settings is not None:
        methods = methods_text(facts, settings)
        files |= {CONFIG: settings.encode(), METHODS: methods.encode()}
    files[CARD] = model_card(facts, methods).encode()
    bundle = writer.finish(KIND, files, facts).path
    return Exported(
        bundle=bundle,
        summary=summary(bundle, facts),
        metrics=export_facts.metrics(facts["figures"]),
        loader=pyfunc.__name__,
    )
