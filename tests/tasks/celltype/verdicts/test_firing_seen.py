"""A bundle that looks at firing: its verdicts, its words, and what it does without times."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from raphe.core.bundles.bundle import BUNDLE, BundleError
from raphe.core.files.checkpoint import write_checkpoint
from raphe.core.files.kind import MANIFEST
from raphe.core.protocol import TrainedRun
from raphe.core.recordings.recording import Recording
from raphe.tasks.celltype.ensemble.export import export
from raphe.tasks.celltype.features.firing_inputs import FEWEST_INTERVALS, firing_inputs
from raphe.tasks.celltype.network.firing_net import Firing
from raphe.tasks.celltype.training.data import CellTypeData
from raphe.tasks.celltype.training.known_firing import scale_by_training
from raphe.tasks.celltype.training.module import CellTypeModule
from raphe.tasks.celltype.verdicts.cell_input import CellSpikes, cut_recordings
from raphe.tasks.celltype.verdicts.judge import Judge
from raphe.tasks.celltype.verdicts.weighing import weighed


@pytest.fixture(scope="session")
def firing_bundle(made_once: Callable[..., Path], trained_bundle: Path) -> Path:
    """A network whose firing branches were not trained, but weigh, on simulated cells."""

    def fill(folder: Path) -> None:
        data = CellTypeData(trained_bundle.parent / "store")
        data.setup()
        torch.manual_seed(0)
        module = CellTypeModule(4, firing=Firing(hidden=4))
        scale_by_training(module.net, data, module.known_firing)
        with torch.no_grad():
            module.net.firing.output.mul_(4)
        checkpoint = write_checkpoint(module.eval(), folder / "4.ckpt")
        run = TrainedRun("run4", "model.kernel=4", checkpoint)
        export([run], data, settings="", out=folder / "bundle", members="all", provenance={})

    return made_once("celltype-firing", fill) / "bundle"


@pytest.fixture
def cell(record: Callable[..., np.ndarray], firing_bundle: Path) -> CellSpikes:
    recording = Recording.from_array(record("SER", 0), 40_000.0, "pA", "cell")
    return cut_recordings("cell", (), [recording], Judge(firing_bundle).cut)


def test_a_verdict_looks_at_the_firing_and_says_what_it_did(
    firing_bundle: Path, cell: CellSpikes
) -> None:
    judge = Judge(firing_bundle)
    verdict = judge.judge(cell).verdict
    firing = firing_inputs(cell.trains)
    members = judge.ensemble.predict(cell.waveforms, firing).members
    expected = judge.decision.of_cell(members, [1])
    assert list(verdict.probability.values()) == pytest.approx(expected.tolist())
    alone = judge.decision.of_cell(judge.ensemble.predict(cell.waveforms).members, [1])
    assert np.abs(alone - expected).max() > 0.01
    leading = judge.ensemble.classes.index(verdict.leading)
    (said,) = [remark for remark in verdict.remarks if remark.startswith("its firing")]
    n = sum(len(train) - 1 for train in cell.trains)
    way = "for" if expected[leading] >= alone[leading] else "against"
    assert said.startswith(f"its firing speaks {way} {verdict.leading} ({n} intervals): ")
    for_it, against = weighed(verdict, judge)
    assert f"I{said[1:]}." in (for_it if way == "for" else against)
    assert "How the cell fires was taken to stay" in judge.footnotes[0]


def test_without_times_or_with_too_few_it_says_that_spikes_alone_speak(
    firing_bundle: Path, cell: CellSpikes
) -> None:
    judge = Judge(firing_bundle)
    few = cell.first(FEWEST_INTERVALS)
    verdict = judge.judge(few).verdict
    alone = judge.decision.of_cell(judge.ensemble.predict(few.waveforms).members, [1])
    assert list(verdict.probability.values()) == pytest.approx(alone.tolist())
    words = "its firing was not looked at, its spikes alone were: 9 intervals between spikes"
    assert any(remark.startswith(words) for remark in verdict.remarks)


def test_the_card_says_what_it_looks_at(firing_bundle: Path, trained_bundle: Path) -> None:
    card, published = (
        (bundle / "MODEL_CARD.md").read_text(encoding="utf-8")
        for bundle in (firing_bundle, trained_bundle)
    )
    assert "Beside each spike it looks at how the cell fires: " in card
    assert "`firing` (N × " in card.replace("\n", " ")
    assert "how the cell fires" not in published and "`firing`" not in published


def test_numbers_of_firing_that_are_not_made_here_are_refused(
    firing_bundle: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(firing_bundle, tmp_path / "other")
    manifest = json.loads((other / MANIFEST).read_text(encoding="utf-8"))
    manifest["firing"]["inputs"][0] = "isi_of_old"
    (other / MANIFEST).write_text(BUNDLE.manifest_text(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match="its graph looks at how cells fire in"):
        Judge(other)
