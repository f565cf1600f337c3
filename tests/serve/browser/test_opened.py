"""An opened recording: looked at closely, judged anew with what a person decides, and taken."""

import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from page_browser import assert_fits, drop, row_of, saved_text
from raphe.core.errors import SettingError
from serve.toy_predictor import ToyFile

pytestmark = pytest.mark.ci
THREE_PEAKS = b"1 2 9 1 8 1 9.5 2"  # above the threshold of 5, at 2, 4 and 6
HEADLINE, WORDS = ".headline", ".marks .words"


@pytest.fixture
def page(address: str, open_page: Callable[..., Page]) -> Page:
    page = open_page(address)
    drop(page, {"a.txt": THREE_PEAKS})
    expect(page.locator(HEADLINE)).to_contain_text("many")
    return page


def over(page: Page) -> Locator:
    plot = page.locator(".u-over")
    plot.scroll_into_view_if_needed()
    return plot


def at(page: Page, x: float, y: float) -> dict[str, float]:
    """Where a value of the whole plot is, in pixels of it; 7 % are left free below and above."""
    box = over(page).bounding_box()
    low, high = 1 - 0.07 * 8.5, 9.5 + 0.07 * 8.5
    return {"x": x / 8 * box["width"], "y": (high - y) / (high - low) * box["height"]}


def is_change(request: Request) -> bool:
    return request.method == "PUT" and request.url.endswith("/changes")


def test_a_press_on_a_spike_rejects_it_and_the_verdict_is_computed_anew(page: Page) -> None:
    expect(page.locator(WORDS)).to_have_text("3 peaks, 0 rejected")
    with page.expect_request(is_change) as request:
        over(page).click(position=at(page, 4, 8))
    assert request.value.post_data_json == {"threshold": None, "rejected": [4], "item": "first"}
    expect(page.locator(HEADLINE)).to_contain_text("not sure")
    expect(page.locator(WORDS)).to_contain_text("Peak 2 of 3")
    expect(page.locator(".changed")).to_contain_text("1 peak rejected")
    expect(row_of(page, "a.txt").locator(".file-result")).to_have_text("◐not sure")
    over(page).click(position=at(page, 4, 8))
    expect(page.locator(HEADLINE)).to_contain_text("many")
    expect(page.locator(".changed")).to_have_count(0)


def test_what_was_decided_stays_when_more_is_decided_elsewhere(page: Page) -> None:
    field = page.get_by_label("Threshold (pA)")
    field.fill("8.5")
    field.press("Enter")
    expect(page.locator(WORDS)).to_have_text("2 peaks, 0 rejected")
    words = page.locator(".changed")
    page.reload()
    expect(words).to_contain_text("Changed by hand: the threshold at 8.5 pA.")
    page.get_by_role("link", name="Check by hand").click()
    plot = page.locator("#checked-view .canvas")
    plot.focus()
    page.keyboard.press("n")
    with page.expect_request(is_change) as request:
        page.keyboard.press(" ")
    assert request.value.post_data_json == {"threshold": 8.5, "rejected": [2], "item": "first"}
    page.get_by_role("link", name="Recordings").click()
    expect(words.first).to_contain_text("the threshold at 8.5 pA, 1 peak rejected")
    expect(page.locator(WORDS).first).to_contain_text("2 peaks, 1 rejected")


def test_of_spikes_rejected_faster_than_it_is_answered_none_is_lost(
    address: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(address)
    drop(page, {"a.txt": b"slow " + THREE_PEAKS})
    expect(page.locator(HEADLINE)).to_contain_text("many")
    page.locator(".canvas").focus()
    with page.expect_response(
        lambda answer: '"rejected":[2,4]' in (answer.request.post_data or "")
    ):
        for key in ("n", " ", "n", " "):
            page.keyboard.press(key)
    expect(page.locator(WORDS)).to_contain_text("rejected")
    expect(page.locator(".changed")).to_contain_text("2 peaks rejected")


def test_the_threshold_moves_by_its_field_and_by_hand_and_goes_back(page: Page) -> None:
    field = page.get_by_label("Threshold (pA)")
    back = page.get_by_role("button", name="As the bundle has it")
    expect(field).to_have_value("5")
    expect(back).to_have_count(0)  # nothing was changed
    field.fill("8.5")
    field.press("Enter")
    expect(page.locator(WORDS)).to_have_text("2 peaks, 0 rejected")
    expect(page.locator(HEADLINE)).to_contain_text("not sure")
    page.locator(".marks").get_by_role("button", name="As the bundle has it").click()
    expect(field).to_have_value("5")
    expect(page.locator(HEADLINE)).to_contain_text("many")
    expect(back).to_have_count(0)
    handle = page.locator(".handle")
    handle.hover()
    page.mouse.down()
    box = over(page).bounding_box()
    page.mouse.move(box["x"] + box["width"] - 10, box["y"] + at(page, 0, 9.2)["y"], steps=4)
    with page.expect_request(is_change) as request:
        page.mouse.up()
    assert request.value.post_data_json["threshold"] == pytest.approx(9.2, abs=0.1)
    expect(page.locator(WORDS)).to_have_text("1 peak, 0 rejected")


def test_what_is_decided_before_an_answer_is_there_is_kept(page: Page, monkeypatch) -> None:
    answers, sent, pressed = ToyFile.view, [], threading.Event()
    monkeypatch.setattr(
        ToyFile, "view", lambda self, *given: (pressed.wait(60), answers(self, *given))[1]
    )
    page.on("request", lambda one: is_change(one) and sent.append(one.post_data_json["rejected"]))
    page.locator(".canvas").focus()
    for key in ("n", " ", "n", " ", "n", " "):
        page.keyboard.press(key)
    pressed.set()
    expect(page.locator(".changed")).to_contain_text("3 peaks rejected")
    assert sent == [[2], [2, 4, 6]]  # what came while the first was answered goes together
    pressed.clear()
    page.get_by_label("Threshold (pA)").fill("8.5")
    page.keyboard.press("Enter")
    page.locator(".canvas").focus()
    page.keyboard.press(" ")  # of marks that are those of another threshold
    pressed.set()
    expect(page.locator(".changed")).to_have_text(
        "Changed by hand: the threshold at 8.5 pA. As the bundle has it"
    )
    page.reload()
    expect(page.locator(".changed")).to_contain_text("the threshold at 8.5 pA")
    with page.expect_request(is_change) as request:
        over(page).click(position=at(page, 2, 9))
    assert request.value.post_data_json == {"threshold": 8.5, "rejected": [2], "item": "first"}


def test_what_is_refused_is_not_told_as_done(page: Page, monkeypatch) -> None:
    def refuse(*_) -> None:
        raise SettingError("threshold: expected one that something crosses")

    monkeypatch.setattr(ToyFile, "view", refuse)
    over(page).click(position=at(page, 4, 8))
    expect(page.locator("#opened .error")).to_contain_text("something crosses")
    expect(page.locator(".changed")).to_have_count(0)
    expect(page.locator(WORDS)).to_contain_text("accepted")


def test_a_part_that_is_looked_at_closely_is_asked_for(page: Page) -> None:
    box = over(page).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40, steps=4)
    with page.expect_response(lambda answer: "/plot?" in answer.url) as answer:
        page.mouse.up()
    words = dict(word.split("=") for word in answer.value.url.partition("?")[2].split("&"))
    assert float(words["from"]) == pytest.approx(1, abs=0.1)  # half a width beside 2 to 4
    assert float(words["to"]) == pytest.approx(5, abs=0.1)
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_role("button", name="Move left")).to_have_attribute("aria-disabled", "true")


def test_marks_that_come_with_the_detail_alone_are_drawn(address: str, open_page) -> None:
    page = open_page(address)
    drop(page, {"a.txt": b"crowded " + THREE_PEAKS})
    caption = page.locator("figcaption .caption")
    expect(caption).to_contain_text("zoom in")
    assert n_marked_pixels(page) == 0
    page.locator(".canvas").focus()
    for _ in range(5):
        page.keyboard.press("+")
    expect(caption).to_have_text("Numbers as they were sent.")
    assert n_marked_pixels(page) > 0
    page.keyboard.press("0")
    expect(caption).to_contain_text("zoom in")


def n_marked_pixels(page: Page) -> int:
    """How many pixels of the plot have the colour of a mark."""
    return page.locator(".u-wrap canvas").evaluate(
        """canvas => {
          const style = getComputedStyle(document.documentElement);
          const hex = style.getPropertyValue("--plot-mark").trim();
          const wanted = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext(
            "2d", { willReadFrequently: true });
          copy.drawImage(canvas, 0, 0);
          const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
          let n = 0;
          for (let at = 0; at < data.length; at += 4) {
            if (wanted.every((value, place) => value === data[at + place])) n += 1;
          }
          return n;
        }"""
    )


def test_the_wheel_zooms_a_plot_with_the_focus_and_else_scrolls_the_page(page: Page) -> None:
    page.set_viewport_size({"width": 1000, "height": 400})
    over(page).hover()
    top = page.evaluate("() => scrollY")
    page.mouse.wheel(0, 60)
    page.wait_for_function("top => scrollY > top", arg=top)
    page.locator(".canvas").focus()
    over(page).hover()
    top = page.evaluate("() => scrollY")
    with page.expect_response(lambda answer: "/plot?" in answer.url):
        page.mouse.wheel(0, -300)
    assert page.evaluate("() => scrollY") == top


def test_all_that_the_page_does_goes_by_the_keyboard(address: str, open_page) -> None:
    page = open_page(address)
    page.on("filechooser", lambda chooser: None)  # from here on Chromium opens none by itself
    expect(page.locator("#drop-suffixes")).not_to_be_empty()  # its buttons are heard

    def tab_to(target: Locator) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if target.evaluate("node => node === document.activeElement"):
                outline = target.evaluate("node => getComputedStyle(node).outlineStyle")
                assert outline != "none"  # the focus is seen
                return
        pytest.fail(f"no way by Tab to {target}")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    tab_to(page.get_by_role("button", name="Choose files"))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    file = {"name": "a.txt", "mimeType": "text/plain", "buffer": THREE_PEAKS}
    chooser.value.set_files([file])
    expect(page.locator(HEADLINE)).to_contain_text("many")
    expect(page.locator("#said")).to_have_text("a.txt: many.")
    take = page.get_by_role("button", name="Verdict as CSV")
    tab_to(take)
    with page.expect_download():
        page.keyboard.press("Enter")
    canvas = page.locator(".canvas")
    tab_to(canvas)
    with page.expect_response(lambda answer: "/plot?" in answer.url):
        page.keyboard.press("+")
    page.keyboard.press("0")
    page.keyboard.press("n")
    page.keyboard.press("n")
    page.keyboard.press(" ")
    expect(page.locator(HEADLINE)).to_contain_text("not sure")
    expect(canvas).to_be_focused()  # though all was drawn anew
    tab_to(page.get_by_label("Threshold (pA)"))
    page.keyboard.press("ArrowUp")
    expect(page.locator(".changed")).to_contain_text("the threshold at 6 pA")


def test_what_is_taken_heeds_what_was_decided(page: Page) -> None:
    over(page).click(position=at(page, 4, 8))
    expect(page.locator(HEADLINE)).to_contain_text("not sure")
    name, text = saved_text(page, page.get_by_role("button", name="Verdict as CSV"))
    assert name.endswith(".csv") and "a.txt,first,2," in text


def test_all_results_are_sorted_by_any_column_and_taken(page: Page) -> None:
    drop(page, {"b.txt": b"9 9 9 9 two", "c.txt": b"9"})
    expect(row_of(page, "c.txt").locator(".sign")).to_be_visible()
    page.get_by_role("link", name="All results").click()
    peaks = page.locator("#cells tbody tr td:nth-of-type(2)")
    expect(peaks).to_have_text(["3", "4", "1"])
    page.get_by_role("button", name="Judge the other 1 of b.txt").click()
    expect(peaks).to_have_text(["3", "4", "4", "1"])  # two of one file
    heading = page.get_by_role("columnheader", name="peaks")
    heading.get_by_role("button").click()
    expect(peaks).to_have_text(["1", "3", "4", "4"])
    expect(heading).to_have_attribute("aria-sort", "ascending")
    heading.get_by_role("button").press("Enter")
    expect(peaks).to_have_text(["4", "4", "3", "1"])
    _, text = saved_text(page, page.get_by_role("button", name="Download CSV"))
    assert len(text.splitlines()) == 5 and text.startswith("file,item,peaks")
    page.get_by_role("row", name="second").get_by_role("button").click()
    expect(page.locator("#opened h2")).to_have_text("b.txt: second")


def test_numbers_beyond_a_limit_and_ranges_are_sorted_as_numbers(page: Page) -> None:
    texts = ["0.99", ">0.99", "0.2 to 0.95", "<0.01", "0.2 to >0.99", "−3 ms", "", "0.2 to 0.3"]
    ordered = page.evaluate(
        """async (texts) => {
          const { SortableTable } = await import("/static/tables.js");
          const table = new SortableTable(document.createElement("div"), "");
          table.render(["name"], texts.map((text) => ({ texts: [text], open: null })));
          table.sortBy("name");
          return [...table.place.querySelectorAll("tbody tr")].map((row) => row.textContent);
        }""",
        texts,
    )
    assert ordered == [
        *("−3 ms", "<0.01", "0.2 to 0.3", "0.2 to 0.95", "0.2 to >0.99", "0.99", ">0.99", "")
    ]


def test_an_item_of_a_file_is_chosen(page: Page) -> None:
    drop(page, {"b.txt": b"9 9 9 9 two"})
    row_of(page, "b.txt").get_by_role("button", name="b.txt").first.click()
    choice = page.get_by_label("Shown, of 2")
    choice.select_option("second")
    expect(page.locator("#opened h2")).to_have_text("b.txt: second")
    expect(page.get_by_label("Shown, of 2")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_read_on_a_phone(address: str, open_page, scheme: str) -> None:
    page = open_page(address, viewport={"width": 400, "height": 800}, color_scheme=scheme)
    assert_fits(page)
    drop(page, {"a_name_that_is_as_long_as_an_acquisition_makes_it_0001.txt": THREE_PEAKS})
    expect(page.locator(".u-over")).to_be_visible()
    drop(page, {"b.txt": b"bad " * 100, "voltage.txt": b"current"})
    expect(row_of(page, "voltage.txt")).to_contain_text("second file")
    assert_fits(page)
    for part in ("All results", "Check by hand"):
        page.get_by_role("link", name=part).click()
        expect(page.locator("main > section:not([hidden])")).to_contain_text("a_name")
        assert_fits(page)
