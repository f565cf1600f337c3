"""What `raphe demo` shows: whole, judged as it is meant to be, and what `.ci/demo.py` makes."""

import argparse
import importlib.util
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import raphe
from paths import PROJECT
from raphe.core.bundles.bundle import check_bundle
from raphe.core.notes import TRAINED_ON_SIMULATED
from raphe.demo import commands
from raphe.demo.commands import BUNDLE, RECORDINGS, copy_recordings
from waiting import HANG_S

MOST_BUNDLE_BYTES, MOST_BYTES = 1_000_000, 5_000_000  # recordings halve in the wheel
VERDICTS = {
    "1_simulated_SER": ("SER", ()),
    "2_simulated_NSER": ("NSER", ()),
    "3_between_the_classes": ("not sure", ()),
    "4_few_spikes": ("SER", ("3 spikes are not yet enough",)),
    "5_filtered_at_1_kHz": ("unlike training", ("noise at 12 to 14 kHz is",)),
}


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """`.ci/demo.py`, whose folder is no package."""
    spec = importlib.util.spec_from_file_location("demo", PROJECT / ".ci" / "demo.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_the_bundle_is_whole_small_and_says_what_it_is() -> None:
    bundle = check_bundle(BUNDLE)
    note = TRAINED_ON_SIMULATED.format(data="recordings")
    assert bundle.manifest["note"] == note
    assert note in bundle.file("MODEL_CARD.md").read_text(encoding="utf-8")
    assert [member["kernel"] for member in bundle.manifest["members"]] == [4, 10, 20]
    sizes = [file.stat().st_size for file in BUNDLE.iterdir()]
    assert sum(sizes) < MOST_BUNDLE_BYTES
    assert sum(sizes) + sum(file.stat().st_size for file in RECORDINGS.iterdir()) < MOST_BYTES
    assert {file.name for file in BUNDLE.iterdir()} == {*bundle.manifest["files"], "manifest.json"}


def test_it_tells_nothing_of_where_it_was_made() -> None:
    for file in BUNDLE.iterdir():
        assert not any(
            word in file.read_bytes() for word in (b"/tmp", b"/home", b"/root", b"file:")
        )


def test_each_recording_is_judged_as_it_is_meant_to_be() -> None:
    bundle = raphe.load_bundle(BUNDLE, threads=1)
    for name, (verdict, told) in VERDICTS.items():
        judged = bundle.predict(RECORDINGS / f"{name}.abf")
        assert judged.verdict == verdict, name
        sentences = (*judged.unlike, *judged.remarks)
        assert all(any(part in sentence for sentence in sentences) for part in told), sentences
        assert bool(sentences) is bool(told), sentences
    with pytest.raises(raphe.RecordingError, match="the file is cut or its header wrong"):
        bundle.predict(RECORDINGS / "6_copied_in_part.abf")


def test_the_recordings_are_what_the_script_makes(maker: ModuleType, tmp_path: Path) -> None:
    """But for the last bit, which another NumPy or processor may round otherwise."""
    shown = [recording.name for recording in maker.SHOWN]
    assert shown == sorted(file.stem for file in RECORDINGS.glob("*.abf"))
    for recording in maker.SHOWN:
        recording.write(tmp_path)
        made, shipped = (
            (folder / f"{recording.name}.abf").read_bytes() for folder in (tmp_path, RECORDINGS)
        )
        samples, others = (
            np.frombuffer(file[2560:], "<i2").astype(int) for file in (made, shipped)
        )
        assert made[:2560] == shipped[:2560]
        assert np.abs(samples - others).max() <= 1


def test_recordings_are_copied_once(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    copy_recordings(folder)
    assert {file.name for file in folder.iterdir()} == {file.name for file in RECORDINGS.iterdir()}
    (folder / "note.txt").write_text("mine")
    (folder / "1_simulated_SER.abf").unlink()
    copy_recordings(folder)
    assert (folder / "note.txt").read_text() == "mine"
    assert (folder / "1_simulated_SER.abf").exists()


def test_no_simulated_recording_is_put_beside_others(tmp_path: Path) -> None:
    (tmp_path / "mine.abf").write_bytes(b"")
    with pytest.raises(raphe.SettingError, match="expected a new or empty folder"):
        copy_recordings(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.abf"]


@pytest.mark.parametrize(
    ("words", "screen", "opened"),
    [([], True, True), (["--no-browser"], True, False), ([], False, False)],
)
def test_a_browser_is_opened_where_there_is_a_screen(
    words: list[str], screen: bool, opened: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()
    monkeypatch.setattr(commands.webbrowser, "open", lambda address: asked.set())
    monkeypatch.setattr(commands, "_has_screen", lambda: screen)
    monkeypatch.setattr("raphe.serve.server.serve", lambda *_, started, **__: started("http://x/"))
    parser = argparse.ArgumentParser()
    commands.add_demo(parser)
    options = parser.parse_args(["--folder", str(tmp_path / "demo"), *words])
    options.run(options)
    assert asked.wait(HANG_S if opened else 0.05) is opened


@pytest.mark.ci
def test_the_page_has_a_verdict_in_time() -> None:
    raphe_command = Path(sys.executable).with_name("raphe")
    command = [sys.executable, PROJECT / ".ci" / "ask_demo.py", raphe_command]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert "six recordings judged" in answer.stdout


def test_without_a_folder_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = []

    def serve(*_: object, folder: Path, **__: object) -> int:
        watched.append((folder, len(list(folder.glob("*.abf")))))
        return 0

    monkeypatch.setattr("raphe.serve.server.serve", serve)
    parser = argparse.ArgumentParser()
    commands.add_demo(parser)
    options = parser.parse_args([])
    assert options.run(options) == 0
    assert watched[0][1] == 6 and not watched[0][0].exists()
