"""Names of classes stand in every table, figure and bundle made of a store."""

import pytest

from raphe.core.errors import StoreError
from raphe.core.recordings.class_names import check_classes


@pytest.mark.parametrize("name", ["\x1b[31mPV", "PV\n", "PV\u202e", "P\x00V"])
def test_a_name_that_no_terminal_can_show_is_refused(name):
    with pytest.raises(StoreError, match="holds what no terminal can show; rename the class") as e:
        check_classes(["SST", name], "--classes", StoreError)
    assert str(e.value).isprintable()


def test_every_script_can_name_a_class():
    check_classes(["PV", "Пурк", "浦肯野", "$\\frac$", "a/b", "5-HT₁ₐ"], "--classes", StoreError)
