"""The authors' public data and models, from Google Drive.

Corradetti et al. 2024 (arXiv 2405.05516, 2407.05701) give the folders' addresses.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from raphe.core.command_line import printed_command
from raphe.core.errors import RapheError, SettingError
from raphe.core.extras import install
from raphe.core.files.atomic import make_folder
from raphe.core.progress import progress

# What → part → id of its Google Drive folder. A part becomes a folder: the spikes' labels.
DRIVE_FOLDERS = {
    "original": {
        "SER": "1OH8HZlfHk17qekf3vjGcXjaARikYGg2E",
        "NSER": "1SzHVo5lmmJy1U2PvwYhHpvdnFpe9lCyP",
    },
    "nonhomogeneous": {
        "SER": "1XyLrbP1sxxOk67H8gqVojcj1wM53QXkn",
        "NSER": "1-4eZgkowcaDTr8z4ylcT5YxMkn3OPStD",
    },
    "synthetic": {
        "SER": "1HumEKutqUtAkbassrVvXY6vZ3ALryLEm",
        "NSER": "1j0hwJ2H_GCJT7xXt05YjgNWIB1JRzPww",
    },
    "models": {".": "1zjwc-_P6zjsmc77BdwgBhxrEhBGw8Igz"},
}
BROWSER = "https://drive.google.com/drive/folders/"  # and a folder's id
OLDEST_GDOWN = (6, 5)  # before 6, at most 50 files of a folder; before 6.5, no time-outs or retries
TIMEOUT_S = 60.0
RETRIES = 3
GIVE_UP_AFTER = 5  # failures in a row: the network is gone, or Google refuses any more for today
ARCHIVES = (".zip", ".7z", ".rar", ".gz", ".tar")
INSTALL = install("fetch")


class FetchError(RapheError):
    """Nothing could be fetched at all."""


@dataclass
class FetchReport:
    """What lies in the folder now, and what is still missing."""

    what: str
    folder: Path
    n_listed: int = 0
    n_new: int = 0
    n_kept: int = 0  # there already
    failed: list[str] = field(default_factory=list)  # one sentence each
    n_untried: int = 0  # after giving up

    @property
    def complete(self) -> bool:
        return not self.failed and not self.n_untried

    def suffixes(self) -> Counter:
        """How many files of each kind the folder holds."""
        files = (file for file in self.folder.rglob("*") if file.is_file())
        return Counter(file.suffix.lower() for file in files if not file.name.endswith(".part"))

    def next_command(self) -> str | None:
        """The command that takes what was fetched further."""
        if any(self.suffixes()[suffix] for suffix in ARCHIVES):
            return f"unpack the archives in {self.folder} where they lie, then: {self._import()}"
        return self._import()

    def _import(self) -> str | None:
        if self.what == "models":
            model = next(iter(sorted(self.folder.rglob("*.keras"))), None)
            name = model or self.folder / "MODEL.keras"
            checkpoint = name.with_suffix(".ckpt").name
            return printed_command("raphe", "import", "keras", name, Path(checkpoint))
        kind = "npy" if any(self.folder.rglob("*Observations*.npy")) else "csv"
        return printed_command("raphe", "import", kind, self.folder, f"data/{self.what}")


def fetch(what: str, folder: Path | str) -> FetchReport:
    """Download one of DRIVE_FOLDERS into `folder`; what is there already is not asked for again.

    Goes on past a file that fails, gives up after GIVE_UP_AFTER in a row, and leaves all that
    came. Raises SettingError without gdown, FetchError when not even a list of files came.
    """
    if what not in DRIVE_FOLDERS:
        raise SettingError(f"fetch: expected {', '.join(DRIVE_FOLDERS)}, got {what!r}")
    gdown = _import_gdown()
    report = FetchReport(what, Path(folder))
    unlisted: dict[str, str] = {}  # address → reason
    network_errors = (gdown.exceptions.DownloadError, OSError)  # requests' errors are OSErrors
    for part, drive_id in DRIVE_FOLDERS[what].items():
        target = report.folder / part
        try:
            files = gdown.download_folder(
                id=drive_id, output=str(target), skip_download=True, quiet=True, timeout=TIMEOUT_S
            )
        except network_errors as error:
            address, reason = BROWSER + drive_id, _reason(error)
            unlisted[address] = reason
            report.failed.append(
                f"{target}: no list of files from Google Drive: {reason}; in a browser: {address}"
            )
            continue
        report.n_listed += len(files)
        _fetch_files(gdown, files, report, f"fetching {what} {part}", network_errors)
    if not report.n_listed:
        raise FetchError(_nothing(what, unlisted))
    return report


def _fetch_files(
    gdown: ModuleType, files: list[Any], report: FetchReport, description: str, errors: tuple
) -> None:
    failures_in_a_row = 0
    for file in progress(files, description, total=len(files)):
        place = Path(file.local_path)
        if place.is_file():  # gdown gives a file its name when it is whole
            report.n_kept += 1
            continue
        if failures_in_a_row == GIVE_UP_AFTER:
            report.n_untried += 1
            continue
        make_folder(place.parent)
        try:
            gdown.download(
                id=file.id,
                output=str(place),
                resume=True,
                quiet=True,
                timeout=TIMEOUT_S,
                retries=RETRIES,
            )
        except errors as error:
            failures_in_a_row += 1
            report.failed.append(f"{place}: {_reason(error)}")
        else:
            failures_in_a_row = 0
            report.n_new += 1


def _nothing(what: str, unlisted: dict[str, str]) -> str:
    reasons = "; ".join(dict.fromkeys(unlisted.values())) or "the folders are empty"
    addresses = unlisted or [BROWSER + drive_id for drive_id in DRIVE_FOLDERS[what].values()]
    return f"nothing fetched: {reasons}; try again later, or in a browser: {' '.join(addresses)}"


def _reason(error: Exception) -> str:
    """Why it failed, in a line: of what gdown says, the rest is advice on its own command line."""
    # By name: requests, which gdown uses, has its own, whose text is urllib3's internals.
    if {"ConnectionError", "Timeout"} & {kind.__name__ for kind in type(error).__mro__}:
        return "no connection to drive.google.com"
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _import_gdown() -> ModuleType:
    try:
        import gdown
    except ImportError:
        raise SettingError(f"fetch needs gdown, which is not installed: {INSTALL}") from None
    version = tuple(int(number) for number in gdown.__version__.split(".")[:2])
    if version < OLDEST_GDOWN:
        oldest = ".".join(map(str, OLDEST_GDOWN))
        raise SettingError(
            f"fetch needs gdown {oldest} or newer, got {gdown.__version__}: {INSTALL}"
        )
    return gdown
