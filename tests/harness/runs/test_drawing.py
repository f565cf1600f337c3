"""Figures of a sweep's members: of the chosen one at its end, of the others on demand."""

import pickle
from pathlib import Path

import pytest

from raphe.cli import main
from raphe.core.errors import SettingError
from raphe.harness.runs import drawing

TOY = Path(__file__).parents[1] / "toy"
FIGURES = {"test/line.png"}


def figures(runs, degree: int, folder: Path) -> dict[str, bytes]:
    """Those of a member, by name."""
    (run,) = (run for run in runs().children() if run.data.params["model.degree"] == str(degree))
    names = {name for name in runs().artifacts(run.info.run_id) if name.endswith(("png", "pdf"))}
    folder.mkdir()
    fetch = runs().client.download_artifacts
    return {name: Path(fetch(run.info.run_id, name, str(folder))).read_bytes() for name in names}


def test_a_sweep_draws_the_chosen_member_and_draw_the_others_as_they_draw_themselves(
    train, runs, runs_root: Path, coarse_figures, tmp_path: Path, capfd
) -> None:
    sweep = ["model.degree=1,2", "callbacks.keep=last"]
    assert train(*sweep, "model.draw_in_test=true", "draw=all", multirun=True) == 0
    own = {degree: figures(runs, degree, tmp_path / f"own{degree}") for degree in (1, 2)}
    assert own[1].keys() == own[2].keys() == FIGURES
    assert own[1]["test/line.png"] != own[2]["test/line.png"]
    for run in runs().all():
        runs().client.delete_run(run.info.run_id)

    assert train(*sweep, "model.draw_in_test=true", multirun=True) == 0
    (chosen,) = (run for run in runs().children() if "raphe.chosen" in run.data.tags)
    degree = int(chosen.data.params["model.degree"])
    assert figures(runs, degree, tmp_path / "chosen") == own[degree]
    other = 3 - degree
    assert not figures(runs, other, tmp_path / "other")

    (parent,) = runs().parents()
    command = ["--runs", str(runs_root), "--config-dir", str(TOY / "conf")]
    capfd.readouterr()
    with coarse_figures():
        assert main(["draw", parent.info.run_id[:8], *command]) == 0
    printed, said = capfd.readouterr()
    assert printed.startswith("1 member of 2 had their figures before.\n")
    assert f"model.degree={other} " in printed and printed.endswith(": test/line.png\n")
    assert not said
    assert figures(runs, other, tmp_path / "drawn") == own[other]


def test_what_cannot_be_drawn_is_told_and_ends_no_sweep(
    train, runs, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    def draw(*arguments: object) -> None:
        raise SettingError("its data are gone")

    monkeypatch.setattr(drawing, "draw", draw)
    assert train("model.degree=1,2", multirun=True) == 0
    (chosen,) = (run for run in runs().children() if "raphe.chosen" in run.data.tags)
    said = capfd.readouterr().err
    assert ": its figures were not drawn: its data are gone; `raphe draw" in said
    assert f"draw {chosen.info.run_id} --runs" in said


def test_a_sweep_of_one_is_drawn_and_what_is_damaged_or_did_not_finish_is_not(
    train, runs, runs_root: Path, capfd
) -> None:
    assert train("model.degree=1", multirun=True) == 0
    (only,) = runs().children()
    assert runs().artifacts(only.info.run_id) >= FIGURES
    (weights,) = runs_root.glob(f"artifacts/toy/{only.info.run_id}/artifacts/checkpoint/model.ckpt")
    weights.write_bytes(pickle.dumps(["no", "weights"], protocol=2))
    command = ["draw", only.info.run_id, "--runs", str(runs_root)]
    assert main([*command, "--config-dir", str(TOY / "conf")]) == 1
    told = f"{only.info.run_id}: its checkpoint is no file of weights alone"
    assert told in capfd.readouterr().err
    assert train("model.fail_at_epoch=1") == 1
    failed = runs().all()[-1]
    capfd.readouterr()
    assert main(["draw", failed.info.run_id, "--runs", str(runs_root)]) == 1
    assert (
        f"{failed.info.run_id}: is failed, and there is nothing to draw" in capfd.readouterr().err
    )
