"""The commands as a user types them: output, exit codes, one-line errors."""

import numpy as np
import pytest

from paths import OWN_DATA
from raphe.cli import main
from raphe.core.abf.writer import write_abf
from raphe.tasks.celltype.stores.open_spikes import open_spikes

NAMES = (
    "extract", "import csv", "import npy", "import windows", "import keras", "masks", "synthesize",
    "fetch", "check", "simulate", "features", "audit", "reproduce", "watch",
)  # fmt: skip


@pytest.fixture
def recordings(tmp_path):
    """One cell a class: inward spikes of -100 at 1000 and 5000, outward ones of 70 pA at 9000."""
    for label, number in (("SER", 1), ("NSER", 2)):
        samples = np.random.default_rng(number).normal(0, 2, 20_000).astype(np.float32)
        samples[[1000, 5000]] = -100
        samples[9000] = 70
        (tmp_path / "rec" / label).mkdir(parents=True)
        file = tmp_path / "rec" / label / f"A260105#00{number}.abf"
        write_abf(file, samples, 40_000.0, "pA")
    return tmp_path / "rec"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_extract_then_check(recordings, tmp_path, capsys):
    assert run("extract", recordings, tmp_path / "store") == 0
    out, err = capsys.readouterr()
    assert "warning" not in err
    assert "window: 160 samples, 4 ms at 40 kHz\n" in out
    assert (
        "4 crossings of the threshold, 4 kept; dropped: 0 dead time, 0 edge, 0 suspect samples"
        in out
    )
    assert "4 spikes of 2 cells" in out
    assert "SER: 2 spikes of 1 cell" in out
    assert run("check", tmp_path / "store") == 0
    out = capsys.readouterr().out
    assert "every hash is right" in out
    assert open_spikes(tmp_path / "store").content_hash in out


def test_extract_lists_bad_files_and_exits_1(recordings, tmp_path, capsys):
    (recordings / "SER" / "A260105#009.abf").write_bytes(b"not a recording")
    assert run("extract", recordings, tmp_path / "store") == 1
    captured = capsys.readouterr()
    assert "4 spikes of 2 cells" in captured.out
    assert "left out (1):" in captured.err
    assert "A260105#009.abf" in captured.err
    assert captured.err.endswith("warning: store written, 1 recording left out (exit code 1)\n")
    assert run("check", tmp_path / "store") == 0


@pytest.mark.parametrize(
    ("options", "triggers"),
    [
        (["--polarity", "up"], [9000]),
        (["--polarity", "both"], [1000, 5000, 9000]),
        (["--threshold-pa", "-120"], None),
        (["--mad", "20", "--polarity", "both"], [1000, 5000, 9000]),
        (["--channel", "0", "--dead-time-ms", "200"], [1000]),
    ],
)
def test_options_reach_the_cut(recordings, tmp_path, options, triggers, capsys):
    code = run("extract", recordings, tmp_path / "store", *options)
    if triggers is None:
        assert code == 1
        assert "no spike in 2 recordings read" in capsys.readouterr().err
    else:
        assert code == 0
        assert open_spikes(tmp_path / "store").trigger.tolist() == triggers * 2


def test_another_window_and_other_classes(recordings, tmp_path):
    window = ("--pre-ms", "2", "--post-ms", "6", "--rate-hz", "20000")
    assert run("extract", recordings, tmp_path / "store", "--classes", "NSER,SER", *window) == 0
    spikes = open_spikes(tmp_path / "store")
    assert (spikes.n_samples, spikes.rate_hz) == (160, 20_000.0)
    assert spikes.classes == ("NSER", "SER")


def test_errors_are_one_line_with_a_remedy(recordings, tmp_path, capsys):
    assert run("extract", recordings, tmp_path / "store") == 0
    capsys.readouterr()
    for arguments, remedy in (
        (("extract", recordings, tmp_path / "store"), "--overwrite"),
        (("check", tmp_path / "nowhere"), "no store here"),
        (("extract", recordings, tmp_path / "s", "--accept-unit", "mV"), "--accept-unit"),
        (("extract", recordings, tmp_path / "s", "--polarity", "up", "--threshold-pa", "-5"),
         "above 0"),
        (("import", "csv", recordings, tmp_path / "s"), "no .csv file"),
        (("import", "npy", recordings, tmp_path / "s"), "Observations"),
        (("import", "keras", tmp_path / "nothing.keras", tmp_path / "x.ckpt"), "nothing.keras"),
    ):  # fmt: skip
        assert run(*arguments) == (2 if "--threshold-pa" in arguments else 1)  # 2: wrong usage
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert remedy in error
        assert error.count("\n") == 1


def test_published_networks_become_a_bundle_that_judges_recordings(
    recordings, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)  # where nothing was tracked
    monkeypatch.setenv("RAPHE_SETTINGS", "threads=1")
    bundle = ("--checkpoints", OWN_DATA / "keras", "--out", "bundle")
    assert run("export", *bundle) == 0
    told = capsys.readouterr().out
    assert "3 networks, kernels 5, 20 (2 networks)" in told
    assert f"next: raphe predict RECORDINGS --bundle {tmp_path / 'bundle'}" in told
    assert not (tmp_path / "mlruns").exists()
    assert run("predict", recordings / "SER", "--bundle", "bundle", "--out", "verdicts") == 0
    err = capsys.readouterr().err
    not_judged = "whether it is like the cells of training was not judged"
    assert not_judged in err
    (page,) = (tmp_path / "verdicts" / "cells").iterdir()
    text = page.read_text()
    assert (
        not_judged.capitalize() in text
        and "not calibrated, because no cell was held out; nothing is" in text
    )
    assert "Their probabilities are not calibrated" in err


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--store", "s"), 2, "--store: is for --checkpoints"),
        (("--checkpoints", "a", "--sweep", "1", "--out", "b"), 2, "got both; name one"),
        (("--checkpoints", "a", "--experiment", "e", "--out", "b"), 2, "got both; name one"),
        (("--checkpoints", "a"), 2, "name a folder to make for the bundle with --out DIR"),
        (
            ("--checkpoints", "a", "--out", "b"),
            1,
            "a: there is no such file or folder; `raphe fetch",
        ),
        (
            ("--sweep", "1", "--experiment", "e"),
            2,
            "--sweep 1, --experiment e: a run that is named",
        ),
        (("--sweep", "1", "--runs", "nowhere"), 1, "there are no tracked runs here; train first"),
    ],
)
def test_what_cannot_be_exported_is_one_line(options, code, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("export", *options) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and told in line
    assert not list(tmp_path.iterdir())


def test_a_class_without_spikes_is_warned_of(recordings, tmp_path, capsys):
    (recordings / "SER" / "A260105#001.abf").unlink()
    assert run("extract", recordings, tmp_path / "store") == 0
    needed = "warning: no spikes of SER: training needs both classes; look at "
    assert capsys.readouterr().err.endswith(f"{needed}threshold and polarity\n")

    spike = tmp_path / "csv" / "NSER" / "A260105#002_trigger_7.csv"
    spike.parent.mkdir(parents=True)
    spike.write_text("t,i\n" + "".join(f"{row / 40_000:.6f},{-row % 7}\n" for row in range(160)))
    assert run("import", "csv", tmp_path / "csv", tmp_path / "csv.store") == 0
    assert capsys.readouterr().err.endswith(f"{needed}the names of the folders\n")
    (spike.parent / "broken.csv").write_text("t,i\n" + "0.1,nonsense\n" * 160)
    assert run("import", "csv", tmp_path / "csv", tmp_path / "csv.store", "--overwrite") == 1
    left_out = "warning: store written, 1 file left out (exit code 1)\n"
    assert capsys.readouterr().err.endswith(f"the names of the folders\n{left_out}")

    windows = np.zeros((3, 160, 2, 1))
    windows[:, :, 0, 0] = np.arange(160) / 40_000
    windows[:, 40, 1, 0] = -50
    (tmp_path / "npy").mkdir()
    for role, array in (
        ("Observations", windows),
        ("Labels", np.ones((3, 1))),
        ("Cellulars", np.array([["a_trigger_1"], ["a_trigger_2"], ["a_trigger_3"]])),
    ):
        np.save(tmp_path / "npy" / f"{role}.npy", array)
    assert run("import", "npy", tmp_path / "npy", tmp_path / "npy.store") == 0
    assert capsys.readouterr().err.endswith(f"{needed}the labels\n")


def test_help_states_what_a_script_and_a_file_need(capsys):
    for name, stated in (
        ("extract", "Exit code: 0 when all was taken; 1 when"),
        ("extract", "only recordings in this unit are then taken"),
        ("import csv", "Exit code: 0 when all was taken; 1 when"),
        ("import npy", "Labels: (N, 1), 0 (SER) or 1 (NSER)"),
    ):
        with pytest.raises(SystemExit):
            run(*name.split(), "--help")
        assert stated in " ".join(capsys.readouterr().out.split())


def test_check_names_the_file_that_differs(recordings, tmp_path, capsys):
    run("extract", recordings, tmp_path / "store")
    file = tmp_path / "store" / "spikes.npy"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert run("check", tmp_path / "store") == 1
    assert "spikes.npy: altered or damaged" in capsys.readouterr().err


def test_simulate_then_extract(tmp_path, capsys):
    options = ("--n-ser", "2", "--n-nser", "2", "--days", "1", "--duration-s", "3")
    figure = tmp_path / "sim.png"
    assert run("simulate", tmp_path / "sim", *options, "--figure", figure) == 0
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert "say nothing about biology" in capsys.readouterr().out
    assert run("extract", tmp_path / "sim", tmp_path / "store") == 0
    assert len(open_spikes(tmp_path / "store").cells) >= 3


@pytest.fixture
def simulated(tmp_path, capsys):
    """A store of ten simulated cells, and masks from their recordings."""
    options = ("--n-ser", "5", "--n-nser", "5", "--days", "5", "--duration-s", "3")
    assert run("simulate", tmp_path / "sim", *options) == 0
    assert run("extract", tmp_path / "sim", tmp_path / "store") == 0
    assert run("masks", tmp_path / "sim", tmp_path / "masks", "--masks", "100") == 0
    out = capsys.readouterr().out
    assert "100 masks of 5 ms from 10 recordings with quiet stretches" in out
    assert out.count(": 20\n") == 5  # a line a day
    return tmp_path / "store", tmp_path / "masks"


def test_masks_then_synthesize_then_check(simulated, tmp_path, capsys):
    command = ("synthesize", *simulated, tmp_path / "out", "--per-class", "50", "--workers", "1")
    command += ("--shard-size", "40", "--gain", "recording", "--smoothing", "savgol", "--width", 5)
    assert run(*command) == 0
    out = capsys.readouterr().out
    assert "100 synthetic spikes in 3 shards (3 made, 0 there and whole)" in out
    assert "train" in out
    assert "leak" not in out
    assert run(*command) == 0
    assert "(0 made, 3 there and whole)" in capsys.readouterr().out
    assert run("check", tmp_path / "out") == 0
    assert "100 spikes of 10 cells" in capsys.readouterr().out
    assert open_spikes(tmp_path / "out").facts["recipe"] == {
        "smoothing": "savgol", "width": 5, "gain": "recording", "seed": 42,
    }  # fmt: skip
    assert "say nothing about biology" in open_spikes(tmp_path / "out").note


def test_a_split_by_spike_says_that_noise_leaks(simulated, tmp_path, capsys):
    command = ("synthesize", *simulated, tmp_path / "out", "--per-class", "50", "--workers", "1")
    assert run(*command, "--split", "spike", "--fractions", "0.6,0.2,0.2", "--seed", "7") == 0
    assert "every mask serves every part" in capsys.readouterr().out
    assert open_spikes(tmp_path / "out").facts["split"]["fractions"] == [0.6, 0.2, 0.2]


def test_errors_of_synthesis_are_one_line_with_a_remedy(simulated, tmp_path, capsys):
    store, masks = simulated
    assert run("synthesize", store, masks, tmp_path / "out", "--per-class", 9, "--workers", 1) == 0
    (tmp_path / "out" / "shard-00000" / "spikes.npy").unlink()
    capsys.readouterr()
    again = "run the same raphe synthesize command again"
    for arguments, remedy in (
        (("check", tmp_path / "out"), again),
        (("synthesize", store, store, tmp_path / "x", "--per-class", 9), "raphe masks"),
        (("synthesize", masks, masks, tmp_path / "x", "--per-class", 9), "celltype/spikes"),
        (("synthesize", store, masks, tmp_path / "x", "--per-class", 9, "--width", 4), "odd"),
        (("synthesize", store, masks, tmp_path / "x", "--per-class", 10**15), "--per-class"),
        (("synthesize", store, masks, tmp_path / "x", "--per-class", 10**10), "GB free"),
        (("synthesize", store, masks, tmp_path / "sim", "--per-class", 9), "another place"),
        (("masks", tmp_path / "sim", tmp_path / "m", "--mask-ms", 9000), "--mask-ms"),
        (("masks", tmp_path / "sim", masks), "--overwrite"),
    ):
        assert run(*arguments) == 1, arguments
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert remedy in error
        assert error.count("\n") == 1
    wrong = run("masks", tmp_path / "sim", tmp_path / "m", "--threshold-pa", "-2")
    assert wrong == 1
    assert "has room for a mask" in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stop:
        run(*name.split(), "--help")
    assert stop.value.code == 0
    assert "usage: raphe" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["extract", "masks"])
def test_a_rate_in_khz_is_asked_back_as_wrong_usage(recordings, tmp_path, command, capsys):
    assert run(command, recordings, tmp_path / "out", "--rate-hz", "40") == 2
    assert "(--rate-hz): expected a number from 10000" in (told := capsys.readouterr().err)
    assert told.endswith("if that is in kHz, give 40000\n")


def test_masks_close_with_what_was_left_out(recordings, tmp_path, capsys):
    (recordings / "SER" / "A260105#009.abf").write_bytes(b"not a recording")
    assert run("masks", recordings, tmp_path / "masks", "--per-day", "1") == 1
    told = capsys.readouterr().err
    assert told.endswith("warning: masks written, 1 recording left out (exit code 1)\n")
