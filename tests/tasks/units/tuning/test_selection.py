from collections.abc import Callable
from dataclasses import replace

import numpy as np

from raphe.tasks.units.tuning.selection import ANEW, KEPT, MOVED, SHIFTED, Material

Make = Callable[..., Material]


def test_a_bundle_that_is_right_stays(material: Make) -> None:
    units = material(right=1.0, sure=0.98)
    freedom, head = units.tuned(np.arange(30))
    assert freedom is KEPT
    np.testing.assert_allclose(head.probability(units.log_p, units.inputs), np.exp(units.log_p))


def test_a_bundle_that_is_wrong_is_moved_once_units_are_enough(material: Make) -> None:
    units = material(n=60, right=0.2)
    freedom, head = units.tuned(np.arange(30))
    assert freedom is not KEPT
    left = np.arange(30, 60)
    called = head.probability(units.log_p[left], units.inputs[left]).argmax(axis=1)
    assert (called == units.label[left]).mean() > 0.8
    assert units.tuned(np.arange(5))[0] is KEPT  # too few
    of_one_class = np.flatnonzero(units.label == 0)
    assert units.tuned(of_one_class)[0] is KEPT


def test_a_class_that_is_called_too_often_is_called_less(material: Make) -> None:
    units = material(n=40, right=1.0)
    told = np.linspace(-1, 1, 40) * 0.2 + np.where(units.label == 1, 2.5, 1.0)  # log odds
    odds = np.stack([np.zeros(40), told], axis=1)
    log_p = odds - np.log(np.exp(odds).sum(axis=1, keepdims=True))
    units = replace(units, log_p=log_p, inputs=np.zeros((40, 6)), other_inputs=np.zeros((10, 6)))
    freedom, head = units.tuned(np.arange(40))
    assert freedom in (SHIFTED, MOVED) and (log_p.argmax(axis=1) == 1).all()
    called = head.probability(log_p, units.inputs).argmax(axis=1)
    assert (called == units.label).mean() > 0.9


def test_labels_that_tell_nothing_seldom_move_anything(material: Make) -> None:
    units = material(right=0.9)
    moved = 0
    for seed in range(3):
        mixed = replace(units, label=np.random.default_rng(seed).permutation(units.label))
        moved += mixed.tuned(np.arange(30))[0] is not KEPT
    assert moved < 2


def test_a_class_without_labels_keeps_the_bundle_from_being_replaced(material: Make) -> None:
    assert ANEW in material().ladder
    assert ANEW not in replace(material(), may_begin_anew=False).ladder
