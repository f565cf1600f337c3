"""docs/reference/licences.md: that its table names each direct dependency and its licence.

python .ci/licences.py             check, against what the installed packages say of themselves
python .ci/licences.py --write     write the table anew

A package that is not installed here keeps the row that it has; one without a row is a complaint.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    sys.exit("error: .ci/licences.py needs Python 3.11 or newer")

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs" / "reference" / "licences.md"
BEGIN, END = "<!-- made by .ci/licences.py -->\n", "<!-- to here -->\n"
ROW = re.compile(r"^\| ([A-Za-z][\w.-]*) \| ([^|]*) \| ([^|]*) \|$", re.M)
LONGEST = 60  # characters of a licence's name; more is its text
SPDX = {  # of what packages say in words
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Python Software Foundation License": "PSF-based",
}


def main(arguments: list[str]) -> int:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    table, after = rest.split(END)
    complaints, rows = [], rows_of(table)
    written = ["| package | brought by | licence |", "| --- | --- | --- |"]
    for name, extras in sorted(direct_dependencies().items(), key=lambda item: item[0].lower()):
        licence = licence_of(name) or rows.get(name)
        if licence is None:
            complaints.append(f"{name}: is not installed, and {PAGE.name} has no licence of it")
        written.append(f"| {name} | {', '.join(extras)} | {licence} |")
    made = "\n".join(["", *written, "", ""])
    if arguments == ["--write"] and not complaints:
        PAGE.write_text(f"{before}{BEGIN}{made}{END}{after}", encoding="utf-8")
    elif made != table and not complaints:
        complaints.append(f"{PAGE.name} is stale; run python .ci/licences.py --write")
    for complaint in complaints:
        print(f"error: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


def direct_dependencies() -> dict[str, list[str]]:
    """Packages that pyproject.toml names, with the extras that bring them; "raphe" for all."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, list[str]] = {}
    groups = {"raphe": project["dependencies"], **project["optional-dependencies"]}
    for extra, requirements in groups.items():
        for requirement in requirements:
            name = re.match(r"[\w.-]+", requirement)[0]
            if name != "raphe":
                found.setdefault(name, []).append(extra)
    return found


def licence_of(name: str) -> str | None:
    """As the installed package states it; None where it is not installed or states none."""
    try:
        stated = metadata(name)
    except PackageNotFoundError:
        return None
    words = stated["License-Expression"]
    if not words and len(stated["License"] or "") <= LONGEST and stated["License"] != "UNKNOWN":
        words = stated["License"]
    if not words:
        classifiers = [one for one in stated.get_all("Classifier", []) if "License ::" in one]
        words = ", ".join(one.rpartition(" :: ")[2] for one in classifiers)
    return SPDX.get(words, words) or None


def rows_of(table: str) -> dict[str, str]:
    """Licences by package, of the table as it stands."""
    return {name: licence for name, _, licence in ROW.findall(table)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
