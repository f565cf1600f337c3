"""Figures on cards have the digits that their interval leaves them."""

import pytest

from raphe.core.bundles.cards import note, of_others, paragraph, provenance, with_interval
from raphe.core.bundles.methods import optimizer, settings_by_name


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.91176, 0.7701, 0.9702, "0.91 (0.77–0.97)"),
        (0.91176, 0.9004, 0.9202, "0.912 (0.900–0.920)"),
        (1.0, 0.631, 1.0, "1.00 (0.63–1.00)"),
        (0.91176, None, None, "0.91 (no interval: too few)"),
        (118.3, 101.2, 143.9, "118 (101–144)"),
        (None, None, None, "–"),
    ],
)
def test_a_figure_has_two_digits_of_its_uncertainty(value, low, high, text: str) -> None:
    assert with_interval({"value": value, "low": low, "high": high}) == text


def test_counts_and_the_name_of_the_interval_stand_beside() -> None:
    figure = {"value": 31 / 34, "low": 0.77, "high": 0.97, "counts": (31, 34)}
    assert with_interval(figure) == "0.91 = 31/34 (0.77–0.97)"
    assert with_interval(figure, interval="95% CI") == "0.91 = 31/34 (95% CI 0.77–0.97)"


def test_a_paragraph_leaves_out_what_is_empty_and_sorts_what_it_cites() -> None:
    assert paragraph(["One.", "", "Two."], ["B 2", "A 1"]) == "One. Two.\n\n- A 1\n- B 2\n"


def test_settings_are_read_by_their_full_names() -> None:
    text = "model: {optimizer: {_target_: a.b.KerasAdam, lr: 1e-3}}\nseed: 3"
    settings = settings_by_name(text)
    assert settings["seed"] == 3 and optimizer(settings) == "Adam, learning rate 0.001"
    assert settings_by_name("") == {} and optimizer({}) == ""


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("<img src=x>\n*a_b* \x1b[31m", r"\<img src=x\>\\n\*a_b\* \\x1b\[31m"),
        ("=cmd|' /C calc'!A0", r"\=cmd\|' /C calc'!A0"),
        ("$\\frac$ `code` [a](b) ~x~", r"\$\\frac\$ \`code\` \[a\](b) \~x\~"),
        ("# 1 _x_ &lt;", r"\# 1 \_x\_ \&lt;"),
        ("model.kernel=7 (failed), 2026-11-28", "model.kernel=7 (failed), 2026-11-28"),
    ],
)
def test_a_name_of_others_stands_in_a_card_as_it_is(name: str, written: str) -> None:
    assert of_others(name) == written
    assert provenance({"experiment": name, "left_out": [name]}) == (
        f"- experiment: {written}\n- left out: {written}"
    )
    assert note(name) == f"> **{written}**"
