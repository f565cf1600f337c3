"""How the documentation is built; `make docs` calls it, warnings as errors."""

import hashlib
import os
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parent
PROJECT = DOCS.parent
sys.path.insert(0, str(DOCS / "_ext"))

import raphe  # noqa: E402

project = "raphe"
author = "The raphe developers"
project_copyright = f"%Y, {author}"
version = release = raphe.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "reference_pages",
    "shell_cells",
    "benchmark_pages",
    "whole_site",
]
exclude_patterns = ["_ext", "pictures"]
templates_path: list[str] = []
nitpicky = False  # types of NumPy and of the standard library have no page here
suppress_warnings = ["mystnb.unknown_mime_type"]  # a widget beside its picture

html_theme = "furo"
html_title = f"raphe {version}"
html_static_path = ["_static"]
html_css_files = ["raphe.css"]
html_show_sphinx = False
html_copy_source = False

smartquotes = False  # `--option` and 'raphe[train]' are to be copied as they stand
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist", "attrs_inline"]
myst_heading_anchors = 4  # `page.md#heading`, to four levels

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring, napoleon_numpy_docstring = True, False


def _code_hash() -> str:
    """Of all that a page may run, so that no output is older than the code."""
    digest = hashlib.sha256()
    for folder in ("src", "conf"):
        for file in sorted((PROJECT / folder).rglob("*")):
            if file.suffix in (".py", ".yaml"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


# Pages run commands: of this environment, which need not be activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(DOCS / "_ext"), os.environ.get("PYTHONPATH")])
)
# One thread does as well for so few spikes, and on a busy machine far better.
os.environ["RAPHE_SETTINGS"] = "threads=1 tracking.system_metrics_every_s=null"
nb_execution_mode = "cache"
nb_execution_cache_path = str(PROJECT / "build" / "docs-cache" / _code_hash())
nb_execution_excludepatterns = ["notebooks/*"]  # kept with their outputs; their tests run them
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 1800  # s a cell
nb_merge_streams = True


def _copy_notebooks() -> None:
    """Sphinx reads nothing outside its folder."""
    folder = DOCS / "notebooks"
    folder.mkdir(exist_ok=True)
    originals = {file.name: file for file in (PROJECT / "notebooks").glob("*.ipynb")}
    for copy in folder.glob("*.ipynb"):
        if copy.name not in originals:
            copy.unlink()
    for name, file in originals.items():
        copy = folder / name
        if not copy.exists() or copy.read_bytes() != file.read_bytes():
            shutil.copyfile(file, copy)


_copy_notebooks()
