"""An exported classifier of units that calls with onnxruntime alone: no torch, no scikit-learn.

N units, D numbers a unit, C classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.bundles.bundle import CARD, METHODS, Bundle, fitting_together, open_bundle
from raphe.core.bundles.manifest import (
    AT_LEAST_ONE,
    COUNT,
    FLAG,
    NAME,
    NUMBER,
    POSITIVE,
    TEXT,
    BundleKind,
    by_name,
    exactly,
    facts,
    list_of,
    or_none,
)
from raphe.core.bundles.onnx_session import GraphSession
from raphe.core.statistics.decision import Decision
from raphe.core.statistics.prevalence import full_prevalence
from raphe.tasks.units.features.training_domain import not_compared, unlike_training
from raphe.tasks.units.features.unit_inputs import Layout, told_inputs
from raphe.tasks.units.recordings.unit_set import UnitSet

GRAPH, CONFIG = "classifier.onnx", "config.yaml"
INPUTS, PROBABILITY = "inputs", "probability"  # of the graph
DOMAIN = {"n_units": AT_LEAST_ONE, "test": or_none(by_name(list_of({})))}
DECISION = facts({"pooling": NAME, "not_sure": facts({"threshold": NUMBER})})
KIND = BundleKind(
    "units/classifier",
    files=(GRAPH, CARD),
    may_hold=(CONFIG, METHODS),
    manifest=facts(
        {
            "note": TEXT,
            "classifier": NAME,
            "classes": list_of(NAME, 2),
            "layout": exactly(
                {
                    "n_samples": COUNT,
                    "isi_bins": COUNT,
                    "acg_bins": COUNT,
                    "rate_hz": or_none(POSITIVE),
                    "peak_sample": COUNT,
                    "inverted": FLAG,
                    "isi_to_one": FLAG,
                },
                may={"level": or_none(NUMBER), "up": or_none(FLAG)},
            ),
            "decision": DECISION,
            "domain": facts(DOMAIN, may={"before": facts(DOMAIN)}),
        }
    ),
)


@dataclass(frozen=True)
class Called:
    """What a bundle says of N units."""

    probability: np.ndarray  # float64 (N, C), calibrated
    decided: np.ndarray  # bool (N,); never one of which nothing is known that the bundle sees
    unlike: list[list[str]]  # in what each is unlike training's, a sentence each
    changed: Sequence[str] = ()  # what was done to all waveforms, a sentence each


@dataclass(frozen=True)
class UnitBundle:
    """An opened bundle, ready to call."""

    bundle: Bundle
    layout: Layout
    decision: Decision
    session: GraphSession = field(repr=False)

    @classmethod
    def open(
        cls, path: Path | str, threads: int | None = None, content_hash: str | None = None
    ) -> "UnitBundle":
        """Open a bundle and check its hashes, see `open_bundle`. Raises BundleError."""
        bundle = open_bundle(path, KIND, content_hash)
        with fitting_together(bundle):
            layout = Layout.from_facts(bundle.manifest["layout"])
            decision = Decision.from_facts(bundle.manifest["decision"])
            graph = bundle.file(GRAPH).read_bytes()
            session = GraphSession(graph, bundle.path, [INPUTS], [PROBABILITY], threads)
            opened = cls(bundle, layout, decision, session)
            answer = opened._run(np.zeros((1, sum(layout.dims))))
            opened._call(np.full((1, sum(layout.dims)), np.nan))
            if answer.shape != (1, len(opened.classes)):
                raise ValueError(f"the graph answers {answer.shape} of one unit")
        return opened

    @property
    def manifest(self) -> Mapping[str, Any]:
        return self.bundle.manifest

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.manifest["classes"])

    @property
    def notes(self) -> list[str]:
        """What must be known beside every label, a sentence each."""
        mix = self.decision.mix_statement(self.classes)
        return list(
            filter(None, [self.manifest["note"], not_compared(self.manifest["domain"]), mix])
        )

    def at_prevalence(self, shares: Mapping[str, float] | None) -> "UnitBundle":
        """The same where classes are so frequent, see Decision.at_prevalence. Raises SettingError.

        `shares` is of each class, that of one left out being the rest; None changes nothing.
        """
        if shares is None:
            return self
        prevalence = full_prevalence(shares, self.classes)
        return replace(self, decision=self.decision.at_prevalence(prevalence))

    def call(self, units: UnitSet) -> Called:
        """The classes of units. Raises RecordingError where they do not fit training's."""
        return self._call(*told_inputs(units, self.layout))

    def _call(self, inputs: np.ndarray, changed: Sequence[str] = ()) -> Called:
        probability = self.decision.calibration(self._run(inputs))
        return Called(
            probability,
            self.decision.not_sure.decided(probability) & np.isfinite(inputs).any(axis=1),
            unlike_training(inputs, self.layout, self.manifest["domain"]),
            changed,
        )

    def _run(self, inputs: np.ndarray) -> np.ndarray:
        answer = self.session.run({INPUTS: inputs.astype(np.float32)})[0]
        return answer.astype(np.float64)
