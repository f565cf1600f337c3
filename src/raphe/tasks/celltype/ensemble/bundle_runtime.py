"""An exported ensemble that predicts with onnxruntime alone: no torch, no Lightning, no MLflow.

N spikes, T samples of a window, D numbers of a cell's firing, M members, C classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
from safetensors import safe_open

from raphe.core.bundles.bundle import (
    CARD,
    METHODS,
    REMEDY,
    Bundle,
    BundleError,
    fitting_together,
    open_bundle,
)
from raphe.core.bundles.manifest import (
    AT_LEAST_ONE,
    COUNT,
    NAME,
    NUMBER,
    POSITIVE,
    SHARE,
    TEXT,
    BundleKind,
    by_name,
    exactly,
    facts,
    list_of,
    one_of,
    or_none,
)
from raphe.core.bundles.onnx_session import GraphSession
from raphe.core.errors import SettingError
from raphe.core.statistics.calibration import Method
from raphe.core.statistics.cell_probability import Pooling
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.features.firing_inputs import NAMES
from raphe.tasks.celltype.features.training_domain import unlike_training
from raphe.tasks.celltype.spikes.cut_settings import Cut, GivenWindows

GRAPH, WEIGHTS, CONFIG = "model.onnx", "weights.safetensors", "config.yaml"
INPUT, OUTPUTS = "current_pa", ("probability", "member_probability")  # of the graph
FIRING_INPUT = "firing"  # of the graph a further input, where a member looks at it
MOST_CLASSES, MOST_MEMBERS, MOST_SAMPLES = 1000, 10_000, 2**20
MOST_FIRING = 1000  # numbers of a cell's firing
SHARES = list_of(SHARE, 2, MOST_CLASSES)
KIND = BundleKind(
    "celltype/ensemble",
    files=(GRAPH, WEIGHTS, CARD),
    may_hold=(CONFIG, METHODS),
    manifest=facts(
        {
            "members": list_of(
                exactly(
                    {
                        "name": NAME,
                        "label": TEXT,
                        "origin": TEXT,
                        "kernel": AT_LEAST_ONE,
                        "columns": {"enum": [1, 2]},
                        "times": AT_LEAST_ONE,
                    }
                ),
                1,
                MOST_MEMBERS,
            ),
            "classes": {**list_of(NAME, 2, MOST_CLASSES), "uniqueItems": True},
            "note": TEXT,
            "window": facts(
                {
                    "n_samples": {"type": "integer", "minimum": 1, "maximum": MOST_SAMPLES},
                    "rate_hz": POSITIVE,
                    "unit": NAME,
                    "cut": or_none(
                        exactly(
                            {
                                "threshold_pa": or_none(NUMBER),
                                "mad_factor": or_none(POSITIVE),
                                "polarity": NAME,
                                "pre_ms": NUMBER,
                                "post_ms": NUMBER,
                                "rate_hz": POSITIVE,
                                "dead_time_ms": NUMBER,
                                "accept_unit": or_none(NAME),
                            }
                        )
                    ),
                },
                may={"baseline_ms": {**NUMBER, "minimum": 0}},
            ),
            "pooling": one_of(*get_args(Pooling)),
            "calibrated_by": one_of(*get_args(Method), "none"),
            "calibration": exactly({"slope": NUMBER, "offset": list_of(NUMBER)}),
            "not_sure": exactly(
                {
                    "threshold": NUMBER,
                    "wanted_error": SHARE,
                    "promised_error": SHARE,
                    "n_items": COUNT,
                    "n_decided": COUNT,
                    "n_wrong": COUNT,
                    "item": NAME,
                    "unit": NAME,
                    "n_units": COUNT,
                    "units_needed": COUNT,
                    "shared": TEXT,
                    "provided": TEXT,
                    "wrong_share": or_none(NUMBER),
                }
            ),
            "mix": or_none(exactly({"share": SHARES, "source": NAME})),
            "validation": or_none(
                exactly(
                    {
                        "pooled": list_of(SHARES, 1),
                        "label": list_of(COUNT, 1),
                        "unit_of_cell": or_none(list_of({})),
                        "shared_of_cell": or_none(list_of({})),
                    }
                )
            ),
            "between_days": or_none(facts({"spread": {**NUMBER, "minimum": 0}, "how": TEXT})),
            "training": facts(
                {
                    "domain": or_none(
                        facts(
                            {
                                "n_cells": COUNT,
                                "levels": list_of(SHARE),
                                "quantiles": by_name(list_of(NUMBER)),
                                "test": or_none({"type": "object"}),
                            },
                            may={"limits": list_of(by_name(NUMBER), 1)},
                        )
                    )
                },
                may={
                    "n_spikes": COUNT,
                    "cells": by_name(list_of(NAME)),
                    "chosen_on": list_of(NAME),
                },
            ),
        },
        may={
            FIRING_INPUT: exactly(
                {"inputs": list_of(NAME, 1, MOST_FIRING), "fewest_intervals": COUNT}
            ),
            "figures": facts(
                {},
                may={"test": facts({"n_cells": COUNT, "n_called": COUNT, "n_called_wrong": COUNT})},
            ),
        },
    ),
)
SPIKES_AT_ONCE = 256  # few enough that a layer's features stay in the processor's cache


class Probabilities(NamedTuple):
    """What an ensemble says of N spikes; not calibrated, which is done for whole cells."""

    ensemble: np.ndarray  # float32 (N, C): the members' mean, each by its weight
    members: np.ndarray  # float32 (M, N, C)


class EnsembleGraph:
    """A loaded ONNX graph of an ensemble, `where` for sentences; `threads` of None: all it may use.

    Raises BundleError.
    """

    def __init__(
        self, graph: bytes, threads: int | None = None, where: object = "the ensemble"
    ) -> None:
        self._session = GraphSession(graph, where, [INPUT], OUTPUTS, threads)
        # D; 0 of networks that look at spikes alone.
        self.n_firing = self._session.inputs.get(FIRING_INPUT, (0, 0))[1]
        self.n_samples = self._session.inputs[INPUT][1]
        self.n_members, _, self.n_classes = self._session.outputs[OUTPUTS[1]]

    def predict(self, windows: np.ndarray, firing: np.ndarray | None = None) -> Probabilities:
        """Probabilities of windows (N, T) in pA, in blocks: memory does not grow with N beyond
        the windows and the answer. Raises BundleError.

        `firing` (N, D) is that of each window's cell, NaN where unknown; None: of all.
        """
        ensemble = np.empty((len(windows), self.n_classes), np.float32)
        members = np.empty((self.n_members, len(windows), self.n_classes), np.float32)
        for start in range(0, len(windows), SPIKES_AT_ONCE):
            block = slice(start, start + SPIKES_AT_ONCE)
            current_pa = np.ascontiguousarray(windows[block], np.float32)
            inputs = {INPUT: current_pa}
            if self.n_firing:
                unknown = np.full((len(current_pa), self.n_firing), np.nan)
                known = unknown if firing is None else firing[block]
                inputs[FIRING_INPUT] = np.ascontiguousarray(known, np.float32)
            ensemble[block], members[:, block] = self._session.run(inputs)
        return Probabilities(ensemble, members)


@dataclass(frozen=True)
class Member:
    """One network of the ensemble, as the manifest has it."""

    name: str  # prefix of its weights in weights.safetensors
    label: str  # what tells it from the others, as "k=20 seed=3" or the name of its file
    origin: str  # the run or the file that it comes from
    kernel: int
    columns: int
    times: int  # it counts so often in the ensemble's mean


@dataclass(frozen=True)
class Ensemble:
    """An opened bundle, ready to predict.

    `cut` is how its spikes are cut, or what its windows are like where they were cut elsewhere;
    `decision` how a cell is decided on from the probabilities of its spikes.
    """

    bundle: Bundle
    members: tuple[Member, ...]
    cut: Cut | GivenWindows
    decision: Decision
    graph: EnsembleGraph = field(repr=False)

    @classmethod
    def open(
        cls, path: Path | str, threads: int | None = None, content_hash: str | None = None
    ) -> "Ensemble":
        """Open a bundle and check its hashes, see `open_bundle`. Raises BundleError."""
        bundle = open_bundle(path, KIND, content_hash)
        graph = EnsembleGraph(bundle.file(GRAPH).read_bytes(), threads, bundle.path)
        with fitting_together(bundle):
            manifest = bundle.manifest
            members = tuple(Member(**named) for named in manifest["members"])
            cut, decision = _cut(manifest["window"]), Decision.from_facts(manifest)
            ensemble = cls(bundle, members, cut, decision, graph)
            ensemble._try()
        return ensemble

    @property
    def manifest(self) -> Mapping[str, Any]:
        return self.bundle.manifest

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.manifest["classes"])

    def _try(self) -> None:
        """Decide on one flat window, and compare it with training. Raises BundleError."""
        sizes = (self.graph.n_members, self.graph.n_samples, self.graph.n_classes)
        stated = (len(self.members), self.cut.n_samples, len(self.classes))
        if sizes != stated or self.manifest["window"]["n_samples"] != stated[1]:
            raise BundleError(
                f"{self.bundle.path}: its graph is of {sizes[0]} networks, {sizes[1]} samples and "
                f"{sizes[2]} classes, its manifest of {stated[0]}, {stated[1]} and {stated[2]}; "
                f"{REMEDY}"
            )
        self._require_known_firing()
        flat = np.zeros((1, self.cut.n_samples), np.float32)
        of_cell = self.decision.of_cell(
            self.predict(flat).members, [member.times for member in self.members]
        )
        self.decision.not_sure.decided(of_cell[None])
        self.decision.mix_statement(self.classes)
        if (domain := self.manifest["training"]["domain"]) is not None:
            unlike_training({}, flat, 1, domain)

    def _require_known_firing(self) -> None:
        """Raise BundleError for a graph that takes other numbers of firing than are made here."""
        stated = self.manifest.get(FIRING_INPUT, {"inputs": []})["inputs"]
        if self.graph.n_firing != len(stated) or (stated and tuple(stated) != NAMES):
            raise BundleError(
                f"{self.bundle.path}: its graph looks at how cells fire in {self.graph.n_firing} "
                f"numbers, its manifest names {len(stated)}, this version of raphe makes "
                f"{len(NAMES)}, {NAMES[0]} to {NAMES[-1]}; {REMEDY}"
            )

    @property
    def sees_firing(self) -> bool:
        """Whether a network looks at how a cell fires, beside its spikes."""
        return self.graph.n_firing > 0

    def predict(self, windows: np.ndarray, firing: np.ndarray | None = None) -> Probabilities:
        """Probabilities of windows (N, T) in pA of one cell that fires so, (D,), None where that is
        not known, see `firing_inputs`. Raises SettingError for another shape."""
        windows, n_samples = np.asarray(windows), self.graph.n_samples
        if windows.ndim != 2 or windows.shape[1] != n_samples:
            raise SettingError(
                f"{self.bundle.path}: expected windows (N, {n_samples}) in "
                f"{self.manifest['window']['unit']}, got {windows.shape}; cut the spikes as the "
                "manifest's window says"
            )
        if not np.isfinite(windows).all():
            row = int(np.flatnonzero(~np.isfinite(windows).all(axis=1))[0])
            raise SettingError(
                f"{self.bundle.path}: expected numbers, got NaN or infinity in window {row} "
                "(counted from 0); leave such windows out"
            )
        if firing is None or not self.sees_firing:
            return self.graph.predict(windows)
        return self.graph.predict(windows, np.broadcast_to(firing, (len(windows), len(firing))))

    def state(self, member: Member) -> dict[str, np.ndarray]:
        """A member's weights, float32, by their names and in their shapes in CellTypeNet."""
        prefix = f"{member.name}."
        with fitting_together(self.bundle), safe_open(self.bundle.file(WEIGHTS), "numpy") as file:
            keys = [key for key in file.keys() if key.startswith(prefix)]  # noqa: SIM118, no dict
            return {key.removeprefix(prefix): file.get_tensor(key) for key in keys}


def _cut(window: Mapping[str, Any]) -> Cut | GivenWindows:
    if window["cut"] is None:
        return GivenWindows(window["n_samples"], window["rate_hz"], window["unit"])
    return Cut(**window["cut"])
