from collections.abc import Callable
from dataclasses import replace

import numpy as np

from raphe.tasks.units.metrics.verdicts import Groups
from raphe.tasks.units.tuning.left_out import TUNED, UNTOUCHED, groups_of, left_out
from raphe.tasks.units.tuning.selection import Material

Make = Callable[..., Material]
CLASSES = ("A", "B")


def test_what_a_unit_says_of_itself_is_never_counted(material: Make) -> None:
    """Numbers that tell each unit from all others, labels that nothing tells."""
    rng = np.random.default_rng(0)
    units = replace(
        material(n=20, right=0.5), inputs=np.eye(20) * 9, other_inputs=np.empty((0, 20)),
        other_log_p=np.empty((0, 2)), dims=[20], label=rng.permutation(np.arange(20) % 2),
    )  # fmt: skip
    result = left_out(units, CLASSES, Groups("cell"), simple=())
    assert result.balanced(TUNED).estimate.value < 0.75
    assert result.how == "one cell at a time" and len(result.members) == 20
    assert result.balanced(TUNED).over == "20 cells"


def test_a_gain_is_seen_and_is_none_of_shuffled_labels(material: Make) -> None:
    units = material(right=0.3)
    gain = left_out(units, CLASSES, Groups("cell"), simple=()).gain()
    assert gain.low > 0
    mixed = replace(units, label=np.random.default_rng(1).permutation(units.label))
    of_mixed = left_out(mixed, CLASSES, Groups("cell"), simple=())
    assert not of_mixed.gain().low > 0
    unchanged = of_mixed.balanced(UNTOUCHED).estimate
    assert unchanged.low < 0.5 < unchanged.high


def test_animals_are_left_out_whole(material: Make) -> None:
    units = replace(material(n=24), group=np.arange(24) // 4)
    result = left_out(units, CLASSES, Groups("animal", units.group), simple=())
    assert result.how == "one animal at a time" and len(result.members) == 6
    assert len(set(zip(result.fold.tolist(), units.group.tolist(), strict=True))) == 6


def test_units_come_together_by_what_is_known_and_holds_several_of_each_class() -> None:
    label = np.array([0, 0, 1, 1])
    unknown = {"animal": ["", "a", "a", "b"], "session": ["s", "t", "s", "t"]}
    assert groups_of(unknown, label).noun == "session"
    one_label_each = {"animal": ["a", "a", "b", "b"]}
    assert groups_of(one_label_each, label).noun == "cell"
