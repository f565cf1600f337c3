"""What `fetch` keeps, resumes and reports. Google Drive itself is replaced by a local folder."""

import inspect
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from raphe.core.errors import SettingError
from raphe.tasks.celltype.published.fetch import DRIVE_FOLDERS, GIVE_UP_AFTER, FetchError, fetch
from raphe.tasks.celltype.stores.import_spikes import import_csv


class DownloadError(Exception):
    """As gdown's: no OSError."""


class Drive(ModuleType):
    """Stands in for the module gdown: the same two calls, served from a local folder."""

    def __init__(self, root: Path):
        super().__init__("gdown")
        self.__version__ = "6.5.1"
        self.exceptions = SimpleNamespace(DownloadError=DownloadError)
        self.root, self.asked, self.broken = root, [], {}

    def put(self, drive_id: str, name: str, text: str = "x") -> None:
        file = self.root / drive_id / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def download_folder(self, *, id, output, skip_download, quiet, timeout):
        assert skip_download
        if id in self.broken:
            raise self.broken[id]
        files = sorted(file for file in (self.root / id).rglob("*") if file.is_file())
        return [
            SimpleNamespace(id=str(file), local_path=str(Path(output, file.relative_to(folder))))
            for folder in [self.root / id]
            for file in files
        ]

    def download(self, *, id, output, resume, quiet, timeout, retries):
        assert resume
        self.asked.append(Path(id).name)
        if Path(id).name in self.broken:
            Path(output + "abc.part").write_text("half")  # as gdown leaves it, for its resume
            raise self.broken[Path(id).name]
        shutil.copy(id, output)
        return output


@pytest.fixture
def drive(tmp_path, monkeypatch) -> Drive:
    drive = Drive(tmp_path / "drive")
    for label, drive_id in DRIVE_FOLDERS["original"].items():
        for number in range(3):
            drive.put(drive_id, f"{label}-c{number}/{label}-c{number}_trigger_7.csv")
    monkeypatch.setitem(sys.modules, "gdown", drive)
    return drive


def test_parts_become_folders_that_are_the_labels(drive, tmp_path):
    report = fetch("original", tmp_path / "data")
    assert (report.n_listed, report.n_new, report.n_kept, report.failed) == (6, 6, 0, [])
    assert (tmp_path / "data" / "SER" / "SER-c0" / "SER-c0_trigger_7.csv").exists()
    assert (tmp_path / "data" / "NSER" / "NSER-c2" / "NSER-c2_trigger_7.csv").exists()
    assert report.complete


def test_what_came_is_kept_and_only_the_rest_is_asked_for_again(drive, tmp_path):
    drive.broken["SER-c1_trigger_7.csv"] = DownloadError("quota\nlong advice")
    drive.broken["NSER-c0_trigger_7.csv"] = ConnectionResetError("reset by peer")
    report = fetch("original", tmp_path / "data")
    assert (report.n_new, len(report.failed), report.complete) == (4, 2, False)
    assert report.failed[0].endswith("SER-c1_trigger_7.csv: quota")
    assert report.failed[1].endswith("NSER-c0_trigger_7.csv: no connection to drive.google.com")
    assert report.suffixes() == {".csv": 4}
    drive.broken.clear()
    drive.asked.clear()
    report = fetch("original", tmp_path / "data")
    assert (report.n_new, report.n_kept, report.complete) == (2, 4, True)
    assert drive.asked == ["SER-c1_trigger_7.csv", "NSER-c0_trigger_7.csv"]


def test_one_part_without_a_list_does_not_lose_the_other(drive, tmp_path):
    drive_id = DRIVE_FOLDERS["original"]["SER"]
    drive.broken[drive_id] = DownloadError("access denied")
    report = fetch("original", tmp_path / "data")
    assert (report.n_new, report.complete) == (3, False)
    assert report.failed == [
        f"{tmp_path / 'data' / 'SER'}: no list of files from Google Drive: access denied; "
        f"in a browser: https://drive.google.com/drive/folders/{drive_id}"
    ]


def test_it_gives_up_when_the_network_is_gone_and_keeps_what_it_has(drive, tmp_path):
    ser = DRIVE_FOLDERS["original"]["SER"]
    for number in range(10, 40):
        drive.put(ser, f"z{number}.csv")
        drive.broken[f"z{number}.csv"] = ConnectionError("down")
    report = fetch("original", tmp_path / "data")
    assert len(report.failed) == GIVE_UP_AFTER
    assert report.n_untried == 30 - GIVE_UP_AFTER
    assert report.n_new == 6  # the other part is tried all the same
    assert len(drive.asked) == 6 + GIVE_UP_AFTER


class RequestsConnectionError(OSError):
    """As that of requests: named ConnectionError, and no child of Python's."""


RequestsConnectionError.__name__ = "ConnectionError"
URLLIB3 = "HTTPSConnectionPool(host='drive.google.com', port=443): Max retries exceeded with url: /"


@pytest.mark.parametrize("kind", [ConnectionError, RequestsConnectionError])
def test_without_a_connection_one_sentence_gives_the_addresses(drive, tmp_path, kind):
    ids = list(DRIVE_FOLDERS["original"].values())
    for drive_id in ids:
        drive.broken[drive_id] = kind(URLLIB3)
    with pytest.raises(FetchError) as error:
        fetch("original", tmp_path / "data")
    assert str(error.value) == (
        "nothing fetched: no connection to drive.google.com; try again later, or in a browser: "
        + " ".join(f"https://drive.google.com/drive/folders/{drive_id}" for drive_id in ids)
    )


def test_nothing_at_all_is_an_error(drive, tmp_path):
    for drive_id in DRIVE_FOLDERS["original"].values():
        drive.broken[drive_id] = DownloadError("access denied")
    with pytest.raises(FetchError, match="nothing fetched: access denied; try again"):
        fetch("original", tmp_path / "data")


def test_the_next_command_follows_from_what_came(drive, tmp_path):
    assert fetch("original", tmp_path / "a").next_command() == (
        f"raphe import csv {tmp_path / 'a'} data/original"
    )
    for drive_id in DRIVE_FOLDERS["synthetic"].values():
        drive.put(drive_id, "synObservations.npy")
    assert fetch("synthetic", tmp_path / "b").next_command().startswith("raphe import npy ")
    (model_id,) = DRIVE_FOLDERS["models"].values()
    drive.put(model_id, "deep/ModConvBinNormN20.keras")
    assert fetch("models", tmp_path / "c").next_command() == (
        f"raphe import keras {tmp_path / 'c' / 'deep' / 'ModConvBinNormN20.keras'} "
        "ModConvBinNormN20.ckpt"
    )
    for drive_id in DRIVE_FOLDERS["nonhomogeneous"].values():
        drive.put(drive_id, "spikes.zip")
    assert fetch("nonhomogeneous", tmp_path / "d").next_command().startswith("unpack the archives")


def test_fetched_spikes_can_be_imported(drive, tmp_path):
    period = iter(range(7, 13))  # no two cells hold the same
    for label, drive_id in DRIVE_FOLDERS["original"].items():
        for number in range(3):
            n = next(period)
            rows = "".join(f"{row / 40_000:.6f},{-row % n}\n" for row in range(160))
            text = f"t,i\n{rows}"
            drive.put(drive_id, f"{label}-c{number}/{label}-c{number}_trigger_7.csv", text)
    fetch("original", tmp_path / "data")
    report = import_csv(tmp_path / "data", tmp_path / "store")
    assert report.per_class == {"SER": (3, 3), "NSER": (3, 3)}


def test_without_gdown_or_with_an_old_one_the_command_to_install_is_told(
    drive, tmp_path, monkeypatch
):
    drive.__version__ = "5.2.0"
    with pytest.raises(SettingError, match=r"gdown 6\.5 or newer, got 5\.2\.0: pip install"):
        fetch("original", tmp_path / "data")
    monkeypatch.setitem(sys.modules, "gdown", None)
    with pytest.raises(SettingError, match=r"pip install .*fetch"):
        fetch("original", tmp_path / "data")
    with pytest.raises(SettingError, match="expected original, nonhomogeneous"):
        fetch("everything", tmp_path / "data")


def test_the_stand_in_takes_nothing_that_gdown_does_not():
    gdown = pytest.importorskip("gdown", reason="gdown, an extra, is not installed")
    for name in ("download", "download_folder"):
        ours = inspect.signature(getattr(Drive, name)).parameters
        assert set(ours) - {"self"} <= set(inspect.signature(getattr(gdown, name)).parameters)
    assert issubclass(gdown.exceptions.DownloadError, Exception)
