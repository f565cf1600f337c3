"""A Chromium that tests drive, and pages in it that may neither complain nor ask elsewhere."""

import base64
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from raphe.core.bundles.predictor import BundlePredictor

if TYPE_CHECKING:  # an import of half a second, which few tests need
    from playwright.sync_api import Browser, Locator, Page

# What Chromium itself says on the console where an answer is not 2xx: files that are refused.
REFUSED = "Failed to load resource: the server responded with a status of 4"
PATIENCE_MS = 60_000  # a machine that runs all tests at once is slow
MAKE_TRANSFER = """files => {
    const transfer = new DataTransfer();
    for (const [name, text] of files) {
        const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
        transfer.items.add(new File([bytes], name));
    }
    return transfer;
}"""


# Of a module: while Playwright runs, no test of the same thread can run a loop of asyncio.
@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium on the PATH; Debian's package chromium has it")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: "Browser") -> Iterator[Callable[..., "Page"]]:
    """Open the page of a server at an address, each as another person; it must not complain."""
    complaints: list[str] = []
    contexts = []

    def open_at(address: str, expected: str = REFUSED, **options: Any) -> "Page":
        def heard(kind: str, text: str) -> None:
            if kind in ("error", "warning") and not text.startswith((REFUSED, expected)):
                complaints.append(text)

        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        own = urlsplit(address).netloc

        def asked(url: str) -> None:
            parts = urlsplit(url)
            if parts.scheme != "blob" and parts.netloc != own:
                complaints.append(f"asked elsewhere: {url}")

        page.on("console", lambda message: heard(message.type, message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked(request.url))
        page.goto(address)
        page.locator("main > section:not([hidden])").wait_for()
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def serve_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Serve a predictor, with a folder to watch or without; the page's address."""
    from http_caller import answering
    from raphe.serve.files import live
    from raphe.serve.limits import Limits

    monkeypatch.setattr(live, "EVERY_S", 0.1)
    with ExitStack() as servers:

        def serve(predictor: BundlePredictor, folder: Path | None = None) -> str:
            watched = None if folder is None else live.Live(predictor, folder, {})
            caller = servers.enter_context(answering(predictor, Limits(), live=watched))
            return f"http://127.0.0.1:{caller.port}/"

        yield serve


def drop(page: "Page", files: Mapping[str, bytes], onto: str = "#drop") -> None:
    """Drop files by name, as from a folder of the desktop."""
    encoded = [[name, base64.b64encode(contents).decode()] for name, contents in files.items()]
    transfer = page.evaluate_handle(MAKE_TRANSFER, encoded)
    page.dispatch_event(onto, "drop", {"dataTransfer": transfer})


def row_of(page: "Page", name: str) -> "Locator":
    """The row of a file in the list beside the opened one."""
    return page.locator("#files > li").filter(has=page.get_by_text(name, exact=True))


def saved_text(page: "Page", press: "Locator") -> tuple[str, str]:
    """Name and contents of what a press downloads."""
    with page.expect_download() as download:
        press.click()
    return download.value.suggested_filename, Path(download.value.path()).read_text("utf-8")


def assert_fits(page: "Page") -> None:
    """Nothing stands out to the right, so that nobody has to scroll sideways."""
    wide = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0
