"""What the page is made of: nothing from elsewhere, no HTML of data, colours that can be read."""

import re

import pytest

from raphe.serve.page_files import STATIC, TEMPLATES

MODULES = sorted(STATIC.glob("*.js"))
TEMPLATE = (TEMPLATES / "page.html").read_text()
STYLE = (STATIC / "style.css").read_text()
# Each would make HTML or code of a text, or load what does not come from this server.
FORBIDDEN = (
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser",
    r"\beval\(|new Function|setTimeout\(\s*[\"'`]",
    r"(?:https?:)?//[a-z0-9-]+\.[a-z]",
    r"setAttribute\(\s*[\"'](?:style|on)",
)
TEXT_CONTRAST, SHAPE_CONTRAST = 4.5, 3.0  # WCAG 2.2, AA
TEXTS = ("ink", "ink-quiet", "accent", "warn")
SHAPES = ("plot-data", "plot-mean", "plot-answer", "plot-truth", "plot-training", "plot-mark")


def themes() -> dict[str, dict[str, str]]:
    """Colours by name, light and dark."""
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    colours = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part)) for part in (light, dark)]
    return {"light": colours[0], "dark": {**colours[0], **colours[1]}}


def luminance(colour: str) -> float:
    """Relative luminance of "#rrggbb", 0 to 1."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_and_lines_stand_out_from_what_is_behind_them(theme: str) -> None:
    colours = themes()[theme]
    for name in TEXTS:
        for ground in ("page", "surface"):
            assert contrast(colours[name], colours[ground]) >= TEXT_CONTRAST, (name, ground)
    for text, ground in (("accent-ink", "accent"), ("accent", "accent-faint"), ("ink", "sunk")):
        assert contrast(colours[text], colours[ground]) >= TEXT_CONTRAST, (text, ground)
    classes = [name for name in colours if name.startswith("class-")]
    assert len(classes) == 8
    for name in (*SHAPES, *classes):
        assert contrast(colours[name], colours["surface"]) >= SHAPE_CONTRAST, name


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.name)
def test_no_text_becomes_html_and_nothing_comes_from_elsewhere(file) -> None:
    source = file.read_text()
    for pattern in FORBIDDEN:
        assert not re.search(pattern, source), pattern
    assert len(source.splitlines()) <= 400
    for imported in re.findall(r'from "([^"]+)"', source):
        assert (STATIC / imported).is_file()


def test_what_the_template_loads_is_there_and_nothing_in_it_runs() -> None:
    loaded = re.findall(r'(?:src|href)="(static/[^"]+)"', TEMPLATE)
    assert {name.rpartition(".")[2] for name in loaded} == {"svg", "css", "js"}
    assert all((STATIC.parent / name).is_file() for name in loaded)
    assert not re.search(r"<style|style=|\son\w+=|javascript:|https?://", TEMPLATE)
    assert not re.search(r"<script(?![^>]*src=)", TEMPLATE)


def test_what_the_modules_look_up_is_in_the_template() -> None:
    ids = set(re.findall(r'id="([\w-]+)"', TEMPLATE))
    for file in MODULES:
        for name in re.findall(r'(?:getElementById|byId)\("([\w-]+)"\)', file.read_text()):
            assert name in ids, (file.name, name)
