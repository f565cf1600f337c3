"""The tables of benchmarks/ as pages, for Sphinx reads nothing outside its folder."""

from pathlib import Path

from sphinx.application import Sphinx

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
RESULTS = "results/"
OF_ALL = "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"


def copy(app: Sphinx) -> None:
    folder = Path(app.srcdir) / "benchmarks"
    folder.mkdir(exist_ok=True)
    texts = {file.name: file.read_text("utf-8") for file in (BENCHMARKS / RESULTS).glob("*.md")}
    overview = (BENCHMARKS / "README.md").read_text("utf-8")
    texts["index.md"] = overview.replace(f"]({RESULTS}", "](") + OF_ALL
    for page in folder.glob("*.md"):
        if page.name not in texts:
            page.unlink()
    for name, text in texts.items():
        page = folder / name
        if not page.exists() or page.read_text("utf-8") != text:
            page.write_text(text, "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", copy)
    return {"parallel_read_safe": True}
