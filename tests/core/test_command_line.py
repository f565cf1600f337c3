"""What commands share: settings that are printed to be copied, options in seconds."""

import argparse
import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from raphe.core.command_line import printed_setting, seconds


@pytest.mark.parametrize(
    "path",
    [
        "data/spikes",
        "spikes",
        "2026",
        "null",
        "1e3",
        "a=b/c,d",
        "with space/x",
        'it\'s/"here"',
        "back\\slash/",
        "ends\\",
        "quote\\'d/x",
        "[a]/{b}",
        "~/x",
        "ÄÖ/ü",
        "$HOME/x",
        "-",
        "/1/2",
        "a:b",
        " lead/ ",
    ],
)
def test_a_printed_setting_is_read_back_by_shell_and_hydra(path: str) -> None:
    (word,) = shlex.split(printed_setting("data.store", path))
    (override,) = OverridesParser.create().parse_overrides([word])
    assert override.key_or_group == "data.store"
    assert not override.is_sweep_override()
    value = override.value()
    assert getattr(value, "text", value) == path


def test_seconds() -> None:
    assert seconds("0.5") == 0.5
    for text in ("-1", "0", "nan", "inf", "soon"):
        with pytest.raises(argparse.ArgumentTypeError, match=f"more than 0, got {text}"):
            seconds(text)
