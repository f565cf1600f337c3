"""docs/faults.md: what was tried to break raphe, from the tables that the recorded runs leave.

PYTHONPATH=src:tests python -m faults.page          write it anew
"""

import csv
import importlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from paths import PROJECT
from raphe.core.sentences import listed

RESULTS = Path(__file__).with_name("results")
PAGE = PROJECT / "docs" / "faults.md"
COUNTS = ("mutations", "read", "refused", "faults")
LEFT = ("nothing", "a part", "all")
HEAD = """\
# What was tried to break it

Files are cut and mixed up, disks fill, computers lose their power, and some people mean harm.
What follows was tried on purpose, and what came of it. The tables are written by the runs
themselves (`tests/faults`); `.ci/run` repeats a part of them for each change.

## Damaged files

Each reader was given files that were whole before one to four changes: bits flipped, bytes
blanked, blocks cut out, repeated and swapped, extreme numbers, odd words. Each was read in a
process of its own that might crash, hang or fill the memory. Whatever a run found was mended and
the file tried again. Allowed is an answer, or a
refusal in one sentence for a person, within {longest_s:g} s and within 3 times the file, or
300 MB, beyond what the reader returns. A fault is anything else: a traceback, a crash, a
hang, memory, or words that no person understands. An answer may differ from that of the whole
file: a bit of a sample looks like any other.
"""
KILLS = """\
## Killed in the middle

{n_killed} of the {n_long} commands that work for long were killed by {signals}, with all their
processes, at moments drawn at random, {n_kills} times in all, and then called again with the same
words. Such a command must end as one that was never killed: the same
files with the same contents, nothing left over, no traceback. *Before* counts kills that came
before the command had written anything, *within* those that left a part, *after* those that
left all of it.
"""
FULL_DISK = """\
## Full disks and places that cannot be written

Commands were run on a small disk with room for a part of what they write
(`tests/faults/full_disk.py`, which needs the right to mount). One must end in a sentence that names
the full disk, leave no half-made folder, and come to the same as ever when it is called again with
room.
"""
REST = """\
`.ci/run` tries {quick} anew for each change, where it may mount a disk.

Every output path of every command was a folder without the right to write, a file, below a file,
below `/proc`, and a name that is not UTF-8: one sentence each, before any work.

## Files that name code

Settings that a tracking store holds were changed to name functions, classes, files and other
places in several hundred ways (`tests/harness/settings/test_recorded.py`, and the reader of records
above): what `conf/` on this computer does not name is refused. Bundles had facts and files changed
and their hashes made anew.

## Not tried

- Windows and macOS. What differs there is kept to by rule alone: names that Windows reserves,
  consoles without UTF-8, files that are open while they are replaced.
- A real loss of power. Files and folders are synchronised before they get their names, which
  a process that is killed cannot show.
- Network disks. SQLite on one is warned about, not prevented.
- Networks made to harm. A network is a program in a small language, which onnxruntime runs
  without reach to files: take bundles from people whom you trust, and name the content hash.
"""


def page() -> str:
    """The page as Markdown."""
    from faults.reader import LONGEST_S

    return "\n".join(
        [
            HEAD.format(longest_s=LONGEST_S),
            _table(
                ["reader", "files tried", "read", "refused", "faults"],
                [
                    [_what(row["reader"]), *(row[name] for name in COUNTS)]
                    for row in _rows("fuzz.csv")
                ],
            ),
            _killed(),
            _table(["command", "kills", "before", "within", "after", "not as unbroken"], _kills()),
            _not_recorded("kills.csv"),
            FULL_DISK,
            _table(["command", "room for, % of what it writes", "not as it must be"], _disks()),
            _not_recorded("full_disk.csv"),
            REST.format(quick=_quick()),
        ]
    )


def n_damaged() -> tuple[int, int]:
    """How many damaged files all readers were given, and how many of them were faults."""
    rows = _rows("fuzz.csv")
    return sum(int(row["mutations"]) for row in rows), sum(int(row["faults"]) for row in rows)


def _killed() -> str:
    from faults.long_commands import LONG_COMMANDS

    kills = _rows("kills.csv")
    n_killed = len({row["command"] for row in kills})
    return KILLS.format(
        n_killed="All" if n_killed == len(LONG_COMMANDS) else n_killed,
        n_long=len(LONG_COMMANDS),
        n_kills=len(kills),
        signals=listed(sorted({f"`{row['signal']}`" for row in kills})),
    )


def _kills() -> list[list[str]]:
    from faults.kills import AS_UNBROKEN

    of_command = _by_command("kills.csv")
    return [
        [
            f"`{command}`",
            str(len(rows)),
            *(str(sum(row["left"] == left for row in rows)) for left in LEFT),
            str(sum(row["outcome"] != AS_UNBROKEN for row in rows)),
        ]
        for command, rows in sorted(of_command.items())
    ]


def _disks() -> list[list[str]]:
    from faults.kills import AS_UNBROKEN

    return [
        [
            f"`{command}`",
            ", ".join(row["room_percent"] for row in rows),
            str(sum(row["outcome"] != AS_UNBROKEN for row in rows)),
        ]
        for command, rows in sorted(_by_command("full_disk.csv").items())
    ]


def _quick() -> str:
    from faults.long_commands import LONG_COMMANDS

    return listed(f"`{name}`" for name, command in LONG_COMMANDS.items() if command.is_quick)


def _not_recorded(results: str) -> str:
    from faults.long_commands import LONG_COMMANDS

    recorded = _by_command(results)
    names = [f"`{name}`" for name in LONG_COMMANDS if name not in recorded]
    return f"Not recorded: {listed(names)}.\n" if names else ""


def _by_command(results: str) -> dict[str, list[dict[str, str]]]:
    of_command = defaultdict(list)
    for row in _rows(results):
        of_command[row["command"]].append(row)
    return of_command


def _what(reader: str) -> str:
    """The first sentence of the reader's own words."""
    words = importlib.import_module(f"faults.readers.{reader}").__doc__ or reader
    return words.partition("\n")[0].rstrip(".")


def _rows(name: str) -> list[dict[str, str]]:
    with (RESULTS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
