"""What commands share: settings that are printed to be copied, options in seconds."""

import argparse
import io
import os
import shlex
import sys
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from paths import PROJECT
from raphe.core.command_line import (
    list_out,
    one_input,
    print_whatever_comes,
    printed_command,
    printed_setting,
    seconds,
    seed_number,
    train_next,
)
from raphe.core.errors import SettingError


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
        "imp/s #1 (copy)",
        "A140313#073.abf",
        "tmp/ü",
        "100% & more; rm -rf ~",
        "`touch x` $(touch y)",
        "x'; rm -rf ~; '.keras",
        "${data_root}/x",
        "\\${x}",
        "$$\\\\${",
        "choice(1,2)",
        "range(1,3)",
        "*?!|<>",
        "[b]x[/b]",
        "a\tb\x1b[31mc\u202ed",
        "NaN",
        "",
    ],
)
def test_a_printed_setting_is_read_back_by_shell_and_hydra(path: str) -> None:
    (word,) = shlex.split(printed_setting("data.store", path))
    (override,) = OverridesParser.create().parse_overrides([word])
    assert override.key_or_group == "data.store"
    assert not override.is_sweep_override()
    value = override.value()
    settings = OmegaConf.create({"store": getattr(value, "text", value), "data_root": "d", "x": 1})
    assert settings.store == path


def test_a_missing_value_is_not_what_a_path_of_three_question_marks_is_read_as() -> None:
    assert printed_setting("data.store", Path("???")) == "'data.store=\"./???\"'"
    assert printed_setting("seed", 3) == "seed=3" and printed_setting("a", None) == "a=null"


def test_a_printed_command_is_read_back_by_the_shell() -> None:
    words = ["raphe", "predict", "RECORDINGS", "--bundle", Path("-b #1 'ü'"), "x; rm -rf ~"]
    read = shlex.split(printed_command(*words))
    assert read == [*words[:4], "./-b #1 'ü'", words[5]]
    told = train_next(Path("-s #1"), experiment="cross_validation")
    assert told == "next: raphe train experiment=cross_validation 'data.store=\"-s #1\"'"


def test_every_command_is_quoted_in_one_place() -> None:
    source = PROJECT / "src" / "raphe"
    modules = {str(path.relative_to(source)) for path in source.rglob("*.py")}
    quoting = {name for name in modules if "shlex" in (source / name).read_text()}
    # The machine's settings are read as a shell does; MLflow's line begins with a variable.
    others = {"harness/settings/machine_settings.py", "harness/registry.py"}
    assert quoting - others == {"core/command_line.py"}


def test_seconds() -> None:
    assert seconds("0.5") == 0.5
    for text in ("-1", "0", "nan", "inf", "soon"):
        with pytest.raises(argparse.ArgumentTypeError, match=f"more than 0, got {text}"):
            seconds(text)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_no_console_is_too_small_for_a_text(monkeypatch, encoding: str) -> None:
    name = "Жаба−µ🐸\udce9"  # what cp1252 lacks, what it has, and no character at all
    consoles = [io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", consoles[0])
    monkeypatch.setattr(sys, "stderr", consoles[1])
    print_whatever_comes()
    print(name)
    list_out("left out", [f"{name}\x1b[2J\u202e"])
    for console in consoles:
        console.flush()
    shown = [console.buffer.getvalue().decode(encoding) for console in consoles]
    assert shown[0] == name.encode(encoding, "backslashreplace").decode(encoding) + "\n"
    assert r"\x1b[2J\u202e" in shown[1] and "\x1b" not in shown[1]


def test_one_input_with_a_name_that_is_not_utf_8_is_refused_at_once() -> None:
    options = argparse.Namespace(inputs=[Path(os.fsdecode(b"caf\xe9.mat"))])
    with pytest.raises(SettingError, match=r"caf\\xe9\.mat: its name is not UTF-8; rename it"):
        one_input(options)


def test_draws_begin_from_no_number_below_0() -> None:
    assert [seed_number(text) for text in ("0", "42")] == [0, 42]
    for text in ("-1", "4.2", "²", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="expected a whole number from 0 up"):
            seed_number(text)
