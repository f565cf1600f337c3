"""A bundle tuned to labelled units of a store: what it reaches, and what to label next.

N units, C classes of the bundle.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from threadpoolctl import threadpool_limits

from raphe.core.errors import SettingError, StoreError
from raphe.core.sentences import listed
from raphe.core.statistics.abstention import HeldOut
from raphe.core.statistics.decision import Decision, Mix
from raphe.core.statistics.figure_interval import CELL
from raphe.tasks.units.ensemble.bundle import UnitBundle
from raphe.tasks.units.features.training_domain import training_domain, unlike_training
from raphe.tasks.units.features.unit_inputs import told_inputs
from raphe.tasks.units.metrics.verdicts import Groups
from raphe.tasks.units.stores.unit_store import UnitStore
from raphe.tasks.units.tuning.anchored import Freedom, Head
from raphe.tasks.units.tuning.learning_curve import LearningCurve, learning_curve
from raphe.tasks.units.tuning.left_out import LeftOut, groups_of, left_out
from raphe.tasks.units.tuning.selection import ANEW, KEPT, Material
from raphe.tasks.units.tuning.teaching import Teaching, teaching
from raphe.tasks.units.tuning.tuned_graph import log_probability

TOGETHER = Literal["animal", "session", "unit"]
PROVIDED = "what was tuned on all units errs no more often than what was tuned on most of them did"
ALIKE = "each class weighing alike in tuning"


@dataclass(frozen=True)
class Tuned:
    """All that came of it."""

    bundle: UnitBundle  # before
    store: UnitStore
    material: Material
    freedom: Freedom
    head: Head
    left_out: LeftOut
    curve: LearningCurve | None
    decision: Decision
    domain: dict[str, object]
    teaching: Teaching | None  # None: every unit has a label
    unlike: list[list[str]]  # in what each unit without a label is unlike all trained on
    target: float | None  # a balanced accuracy
    changed: Sequence[str]  # what was done to all waveforms, a sentence each

    @property
    def is_kept(self) -> bool:
        return self.freedom is KEPT


def tune(
    bundle: UnitBundle,
    store: UnitStore,
    together: TOGETHER | None = None,
    target: float | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Tuned:
    """Tune to the units of a store that have a label.

    Args:
        bundle: to be tuned.
        store: units with labels, and maybe others without.
        together: what is left out as a whole; None takes animals where they are known of all units
            and each class is of two or more, else sessions, else units.
        target: balanced accuracy that is asked for; None takes what the bundle reached on units of
            its own training that it had not seen.
        tell: is called with what is done next.

    Raises:
        RapheError: a label that is none of the bundle's, units that do not fit, what is not known.
    """
    label = _labels(bundle, store)
    groups = _groups(store, label, together)
    together_units = store.units.and_those_of(store.unlabelled)  # laid over training's as one
    all_inputs, changed = told_inputs(together_units, bundle.layout)
    all_log_p = log_probability(bundle.call(together_units).probability)
    n, n_classes = len(label), len(bundle.classes)
    material = Material(
        all_log_p[:n],
        all_inputs[:n],
        label,
        np.arange(len(label)) if groups.of_unit is None else groups.of_unit,
        [n for n in bundle.layout.dims if n],
        all_log_p[n:],
        all_inputs[n:],
        may_begin_anew=len(np.unique(label)) == n_classes,
    )
    with threadpool_limits(1):
        tell("units are left out in turn")
        of_left_out = left_out(material, bundle.classes, groups)
        tell("subsets of the units are tuned on, for the learning curve")
        curve = learning_curve(material)
        freedom, head = material.tuned(np.arange(n))
        decision = _decision(bundle, freedom, of_left_out, label)
        domain = _domain(bundle, freedom, material, of_left_out.fold)
        unlike = unlike_training(all_inputs[n:], bundle.layout, domain)
        order = None
        if len(store.unlabelled):
            members = of_left_out.members
            is_unlike = np.array(list(map(bool, unlike)))
            order = teaching(material, head, members, decision.calibration, is_unlike)
    return Tuned(
        bundle,
        store,
        material,
        freedom,
        head,
        of_left_out,
        curve,
        decision,
        domain,
        order,
        unlike,
        target if target is not None else _own_figure(bundle),
        changed,
    )


def _labels(bundle: UnitBundle, store: UnitStore) -> np.ndarray:
    """Of each unit, by the bundle's classes."""
    if unknown := [name for name in store.classes if name not in bundle.classes]:
        known = ",".join(name for name in store.classes if name in bundle.classes)
        remedy = f"leave it out on import (--classes {known}), or " if "," in known else ""
        raise StoreError(
            f"{store.path}: expected units labelled {listed(bundle.classes, 'or')} as the bundle "
            f"calls them, got {unknown[0]}; {remedy}rename it in units.csv, or train on these "
            "units alone with raphe train task=units"
        )
    return np.array([bundle.classes.index(fact.label) for fact in store.units.facts])


def _groups(store: UnitStore, label: np.ndarray, together: TOGETHER | None) -> Groups:
    if together is not None and together not in get_args(TOGETHER):
        raise SettingError(f"--together {together}: expected {listed(get_args(TOGETHER), 'or')}")
    nouns = ("animal", "session") if together is None else (together,)
    names = {noun: store.names_of(noun) for noun in nouns if noun != "unit"}
    groups = groups_of(names, label)
    if together in names and groups.noun != together:
        raise SettingError(
            f"--together {together}: expected a column {together} in units.csv that names it of "
            f"each unit, two or more of each class; name it, or leave --together out"
        )
    return groups


def _decision(
    bundle: UnitBundle, freedom: Freedom, of_left_out: LeftOut, label: np.ndarray
) -> Decision:
    """Calibration and "not sure" band, settled on what was said of units that were left out."""
    groups, n = of_left_out.groups, len(bundle.classes)
    held_out = HeldOut(provided=PROVIDED)
    if groups.noun != CELL:
        held_out = HeldOut(unit=groups.noun, unit_of_item=groups.of_unit, provided=PROVIDED)
    mix = bundle.decision.mix if freedom is KEPT else Mix(tuple([1 / n] * n), ALIKE)
    wanted = bundle.decision.not_sure.wanted_error
    return Decision.fit(
        of_left_out.probability, label, "mean", "temperature", wanted, held_out, mix
    )


def _domain(
    bundle: UnitBundle, freedom: Freedom, material: Material, fold: np.ndarray
) -> dict[str, object]:
    """A unit is unlike training where it is unlike these units and unlike those of the bundle, of
    which one that was fitted anew knows nothing any more."""
    before = dict(bundle.manifest["domain"])
    own = training_domain(material.inputs, bundle.layout, fold)
    if freedom is ANEW:
        return own
    if own["test"] is None or before["test"] is None:
        return before
    return own | {"before": before}


def _own_figure(bundle: UnitBundle) -> float | None:
    """Balanced accuracy that the bundle's manifest states, None where it does not."""
    figure = bundle.manifest.get("figures", {}).get("balanced_accuracy", {})
    value = figure.get("value")
    return float(value) if isinstance(value, (int, float)) else None
