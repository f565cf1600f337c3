"""The site: what its generated pages tell, and that its settings, commands and links are whole."""

import re

import pytest

from generated import commands, metrics, settings
from generated.markdown import code, plain, table
from raphe.cli import declared_commands

# What a number without a unit is: counted, of something, or nothing but a number.
WITHOUT_UNIT = re.compile(
    r"how many|how much|share|factor|relative|learning rate|number of|least and most|"
    r"logarithm|of the GLIF model|a dataset or a cell"
)


@pytest.mark.parametrize("name", [*settings.defining(), *settings.overriding()])
def test_every_setting_says_what_it_means_and_in_which_unit(name: str) -> None:
    known = set(settings.told())
    for setting in settings.read_settings(name):
        explained = settings.explained(setting)
        if setting.is_section:
            continue
        assert explained.meaning, f"conf/{name}.yaml: {setting.name} has no comment on its line"
        is_number = "number" in explained.type and not setting.name.endswith("seed")
        is_new = name in settings.defining() or setting.name not in known
        if is_number and is_new and not explained.unit:
            assert WITHOUT_UNIT.search(explained.meaning), (
                f"conf/{name}.yaml: {setting.name} has no unit: end its comment with one in "
                f"brackets, got {explained.meaning!r}"
            )


def test_a_comment_is_read_with_its_unit_and_the_lines_below() -> None:
    text = (
        "# of the file\n"
        "a: 1                # so wide (samples)\n"
        "part:               # of all\n"
        "  rate_hz: 1e3      # measured\n"
        "                    # or told\n"
        "  # of the next\n"
        "  path: null\n"
    )
    a, part, rate, path = settings.settings_of(text)
    assert (a.meaning, a.unit, a.type) == ("so wide", "samples", "whole number")
    assert (part.meaning, part.is_section) == ("of all", True)
    assert (rate.name, rate.meaning, rate.unit) == ("part.rate_hz", "measured or told", "Hz")
    assert rate.type == "number" and path.meaning == ""


def test_a_setting_may_be_what_the_code_takes() -> None:
    by_name = {setting.name: setting for setting in settings.read_settings("task/celltype")}
    assert by_name["data.batch_size"].type == "a whole number from 1 up"
    assert by_name["data.weigh"].type == "`spikes` or `classes`"
    assert (
        settings.explained(by_name["export.pooling"]).meaning == by_name["evaluate.pooling"].meaning
    )


def test_the_page_of_commands_has_every_command_and_option() -> None:
    page = commands.page()
    for declared in declared_commands():
        command = declared.command
        assert f"raphe {command.verb}" in page
        if command.kind:
            assert f"#### raphe {command.verb} {command.kind}\n" in page
    assert "| `--threshold-pa PA` |" in page and "%(default)s" not in page


def test_the_page_of_metrics_has_a_table_for_each_task() -> None:
    page = metrics.page()
    assert all(title in page for title in metrics.TABLES) and "| `balanced_accuracy` |" in page


def test_text_from_code_is_no_markdown() -> None:
    assert plain("a_b* of `x_y` [1]") == r"a\_b\* of `x_y` \[1\]"
    assert plain("one ` alone") == r"one \` alone"
    assert code("a`b") == "`` a`b ``"
    assert table(("a",), [("x\n|y",)]).splitlines()[-1] == r"| x \|y |"
