from collections.abc import Callable
from dataclasses import replace

import numpy as np

from raphe.core.statistics.calibration import Calibration
from raphe.tasks.units.tuning.anchored import untouched
from raphe.tasks.units.tuning.selection import Material
from raphe.tasks.units.tuning.teaching import teaching


def test_what_is_unsure_and_new_comes_first(material: Callable[..., Material]) -> None:
    units = material(n=10)
    sure, unsure = np.log([0.99, 0.01]), np.log([0.5, 0.5])
    rng = np.random.default_rng(0)
    others = 5 * rng.normal(size=(6, 6))
    others[1] = others[0]  # of two alike the second teaches nothing
    others[5] = units.inputs[0]  # neither does one that is like a unit with a label
    units = replace(
        units,
        log_p=np.tile(unsure, (10, 1)),
        other_log_p=np.stack([unsure, unsure, unsure, sure, unsure, unsure]),
        other_inputs=others,
    )
    head = untouched(units.scaling(np.arange(10)), 2)
    is_unlike = np.arange(6) == 4
    told = teaching(units, head, [head, head], Calibration(), is_unlike)
    order = told.order.tolist()
    assert order[0] in (0, 1, 2) and {*order[:2]} in ({0, 2}, {1, 2})
    assert order[2] == 3 and order[-1] == 4
    np.testing.assert_allclose(told.worth, told.entropy * told.novelty)
    assert told.entropy[0] > 0.999 and told.novelty[order.index(5)] < 1e-9
    np.testing.assert_allclose(told.disagreement, 0, atol=1e-12)
