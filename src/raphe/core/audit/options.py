"""What every task's `raphe audit` is given, and how it ends."""

from collections.abc import Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raphe.core.command_line import AUDIT_FILES
from raphe.core.errors import SettingError
from raphe.core.parser import Parser

if TYPE_CHECKING:
    from raphe.core.audit.asked import Audit
    from raphe.core.audit.kept import Kept

TEXT, CSV_FILE, PICTURE = AUDIT_FILES
LEAST = {"seed": 0, "shuffles": 0, "folds": 2}  # of all others 1
AS_NEEDED = "as many as the test needs"


def check_least(settings: Any) -> None:
    """Of a dataclass of whole numbers. Raises SettingError."""
    for name, value in vars(settings).items():
        least = LEAST.get(name, 1)
        if value is not None and value < least:
            option = name.replace("_", "-")
            raise SettingError(f"--{option}: expected {least} or more, got {value}")


def add_settings(parser: Parser, settings: type, helps: Mapping[str, str]) -> None:
    """An option for each field of a dataclass of whole numbers; None stands for as needed."""
    of_settings: tuple[Field[Any], ...] = fields(settings)
    for field in of_settings:
        option = "--" + field.name.replace("_", "-")
        default = AS_NEEDED if field.default is None else field.default
        parser.add_argument(
            option,
            type=int,
            default=field.default,
            help=f"{helps[field.name]} (default: {default})",
        )


def finish(folder: Path, audit: "Audit", kept: "Kept") -> None:
    """Write the text and the table, and a picture where anything was trained; print them."""
    from raphe.core.audit.figure import draw
    from raphe.core.audit.report import as_csv, text
    from raphe.core.figure_style import save_figure
    from raphe.core.files.atomic import write_file

    write_file(folder / TEXT, text(audit) + "\n")
    write_file(folder / CSV_FILE, as_csv(audit))
    if audit.rows:
        save_figure(draw(audit), folder / PICTURE)
    kept.finish()
    print(text(audit))
    written = [TEXT, CSV_FILE, *([PICTURE] if audit.rows else [])]
    print(f"wrote {', '.join(str(folder / name) for name in written)}")
