"""Audits of stores in which it is known what gives the class away."""

from dataclasses import replace

import numpy as np
import pytest

from raphe.cli import main
from raphe.core.audit.asked import Way
from raphe.core.audit.figure import draw
from raphe.core.audit.findings import findings
from raphe.core.audit.kept import keep
from raphe.core.audit.report import as_csv, text
from raphe.core.errors import SplitError
from raphe.core.statistics.answers import Answer
from raphe.harness.fit import Fitting
from raphe.tasks.celltype.audit.audit import audit, row_of
from raphe.tasks.celltype.audit.plan import planned
from raphe.tasks.celltype.audit.settings import Settings
from raphe.tasks.celltype.audit.words import NOISE, SHUFFLED, SPIKES
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.stores.spike_set import Cell
from raphe.tasks.celltype.stores.spike_store import SpikeStoreWriter

CLASSES = ("SER", "NSER")
QUICK = Settings(folds=2)
SURE = 6.0  # SD of noise, between the classes' cells as a network sees them


def knows_nothing(cell, trained, rng):
    return 0.0


def knows_class(cell, trained, rng):
    return SURE


def knows_days(cell, trained, rng):
    """The class of the cells that were trained on, on days that were; nothing of a new day."""
    labels = [other.label for other in trained if other.day == cell.day]
    return SURE * (1 - 2 * np.mean(labels)) * (1 - 2 * cell.label) if labels else 0.0


def knows_cells(cell, trained, rng):
    return SURE if cell.cell_id in {other.cell_id for other in trained} else 0.0


def audited(store, fit, masks=None, **settings):
    with planned(store, masks, Settings(**{"folds": 2, **settings})) as plan:
        return audit(plan, fit)


@pytest.fixture
def store_and_masks(make_spikes, make_masks):
    """40 cells on 20 days of both classes, an animal having cells of two days."""
    spikes = make_spikes(n_cells=40, per_cell=8)
    return spikes.path, make_masks(n_cells=40, per_cell=8).path


def test_a_rig_for_each_class_is_told(store_and_masks, planted_fit):
    """Noise tells the class in every split: perfectly, which is the surest yes."""
    result = audited(*store_and_masks[:1], planted_fit(knows_class), store_and_masks[1])
    assert [row.answer for row in result.of(NOISE)] == [Answer.YES] * 4
    first, *_ = findings(result)
    assert first.startswith(
        "Noise alone, without a spike, gives the class away by spike (AUROC 1.00"
    )
    assert "no split that was asked keeps it out" in first


def test_days_of_one_class_and_of_their_own_noise_are_told(
    make_store, make_masks, cells_on_days, planted_fit
):
    cells = cells_on_days(48, 12, of_one_class=True)
    masks = make_masks(n_cells=48, per_cell=8)
    result = audited(make_store(cells), planted_fit(knows_days), masks.path)
    first, second, *_ = findings(result)
    assert first.startswith("Noise alone, without a spike, gives the class away by spike")
    assert "so a score by spike or cell counts it" in first
    assert first.endswith("use data.split=day.")
    assert second.startswith(
        "Each day holds one class: 6 days of SER (24 cells) and 6 days of NSER"
    )
    assert result.of(NOISE, "day")[0].answer is not Answer.YES
    assert "believe data.split=day" in " ".join(findings(result))


def test_a_clean_set_claims_nothing_false(store_and_masks, planted_fit):
    """Networks that know what they are told of spikes, and nothing of noise or of shuffles."""

    class Clean(planted_fit):
        def __call__(self, name, *arguments):
            self.knows = knows_class if f"of {SPIKES}" in name else knows_nothing
            return super().__call__(name, *arguments)

    result = audited(store_and_masks[0], Clean(None), store_and_masks[1])
    said = findings(result)
    assert said[0].startswith("The classes are told apart in new cells (AUROC 1.00")
    assert Answer.YES not in [row.answer for row in result.of(NOISE) + result.of(SHUFFLED)]
    assert not any(("gives" in s and "Noise alone, " in s) or "data.split=day" in s for s in said)


def test_labels_that_mean_nothing_are_told_by_nobody(store_and_masks, planted_fit):
    result = audited(store_and_masks[0], planted_fit(knows_nothing), store_and_masks[1])
    assert Answer.YES not in [row.answer for row in result.rows]


def test_a_network_that_recognises_cells_is_told(make_store, cells_on_days, planted_fit):
    result = audited(make_store(cells_on_days(40, 8)), planted_fit(knows_cells))
    assert result.of(SHUFFLED)[0].answer is Answer.YES
    assert any("recognises single cells" in sentence for sentence in findings(result))
    assert result.of(SPIKES, "cell")[0].answer is not Answer.YES


def test_a_laboratory_for_each_class_is_told_though_it_cannot_be_trained(
    make_store, cells_on_days, planted_fit
):
    cells = [replace(c, source=f"lab {c.label}") for c in cells_on_days(24, 6)]
    result = audited(make_store(cells), planted_fit(knows_class))
    first, *_ = findings(result)
    assert first.startswith("Each source (laboratory or rig) holds one class: 1 source of SER")
    assert any("split by source" in reason for reason in result.left_out)


def test_confounding_is_told_where_nothing_can_be_trained(make_store, planted_fit):
    cells = [Cell(f"c{i}", i % 2, f"2026-01-{1 + i % 2:02d}") for i in range(4)]
    result = audited(make_store(cells), planted_fit(knows_class), shuffles=0)
    assert not result.of(SPIKES, "cell")
    assert any(s.startswith("Each day holds one class: 1 day of SER") for s in findings(result))


def test_a_store_of_which_nothing_is_known_is_refused(tmp_path, planted_fit):
    with SpikeStoreWriter(tmp_path / "store", CLASSES, 16) as writer:
        windows = np.random.default_rng(0).normal(size=(2, 1, 16)).astype(np.float32)
        for i in range(2):
            writer.add(Cell(f"c{i}", i), windows[i], np.arange(1))
        store = writer.finish(40_000.0, "pA", {})
    with pytest.raises(SplitError, match=f"{store}: nothing can be audited"):
        audited(store, planted_fit(knows_class), shuffles=0)


def test_four_cells_tell_nothing(make_store, planted_fit):
    store = make_store([Cell(f"c{i}", i % 2) for i in range(8)])
    result = audited(store, planted_fit(knows_class), folds=4)
    (row,) = result.of(SPIKES, "cell")
    assert row.auroc.value == 1 and row.test.smallest == 1 / 16  # each fold: 1 of 2 orders
    assert row.answer is Answer.CANNOT_TELL


def test_a_row_compares_cells_of_one_fold_and_deals_out_days_whole():
    """Two networks, of which one leans far to the other class; each of six days has one class."""
    label, day, fold = np.tile([0, 1], 12), np.arange(24) % 6, np.arange(24) // 12
    first = 0.5 + 0.02 * (1 - 2 * label) + 0.3 * fold
    of_folds = [
        Predictions(*[np.stack([first, 1 - first], axis=1)[fold == f]] * 2, label[fold == f],
                    np.flatnonzero(fold == f))
        for f in (0, 1)
    ]  # fmt: skip
    cells = [Cell(f"c{i}", int(label[i]), f"2026-01-0{1 + day[i]}") for i in range(24)]
    rng = np.random.default_rng(0)
    row = row_of(Way(SPIKES, "cell"), of_folds, cells, CLASSES, rng)
    assert row.auroc.value == 1
    assert row.figures["cells", "balanced_accuracy"].value < 0.8
    assert (row.noun, row.n_groups, row.test.p) == ("day", 6, 1 / 20)


def test_copies_that_were_joined_are_dealt_out_as_one_cell():
    """Three cells a class, four times each: six cells have 20 orders, 24 have millions."""
    label = np.repeat([0, 1], 12)
    first = 1 - 0.8 * label - 0.1
    predictions = Predictions(*[np.stack([first, 1 - first], axis=1)] * 2, label, np.arange(24))
    cells = [Cell(f"c{i}", int(label[i]), group=f"c{i // 4 * 4}") for i in range(24)]
    rng = np.random.default_rng(0)
    row = row_of(Way(SPIKES, "cell"), [predictions], cells, CLASSES, rng)
    assert row.test.p == 1 / 20


def test_copies_are_named_first(tmp_path, planted_fit):
    rng = np.random.default_rng(0)
    with SpikeStoreWriter(tmp_path / "store", CLASSES, 32) as writer:
        for i in range(16):
            spikes = (10 * rng.normal(size=32) + rng.normal(size=(30, 32))).astype(np.float32)
            times = np.cumsum(rng.integers(100, 9000, 30))
            writer.add(Cell(f"c{i:02d}", i % 2), spikes, times)
            if i < 3:
                writer.add(Cell(f"c{i:02d} again", 0), spikes, times)
        store = writer.finish(40_000.0, "pA", {})
    first, *_ = findings(audited(store, planted_fit(knows_nothing)))
    assert first.startswith("Cells c01 (NSER) and c01 again (SER) hold the same spikes")
    assert "(3 such pairs in the store, 1 of them of two classes)" in first


def test_text_table_and_picture_show_every_row(store_and_masks, planted_fit, make_store):
    store, masks = store_and_masks
    result = audited(store, planted_fit(knows_class), masks)
    lines = text(result).splitlines()
    assert len([line for line in lines if line.startswith((SPIKES, NOISE, SHUFFLED))]) == 9
    assert max(map(len, lines)) <= 130
    n_figures = sum(len(row.figures) for row in result.rows)
    assert len(as_csv(result).splitlines()) == 1 + n_figures
    figure = draw(result)
    assert [len(axes.lines) >= 2 * len(result.rows) for axes in figure.axes] == [True] * 3
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert figure.get_suptitle() == ""
    marked = draw(replace(result, note="These are simulated."))
    assert marked.get_suptitle() == "These are simulated."
    assert len(set(labels)) == len(result.rows) and "noise: other days (40 cells)" in labels


def test_each_figure_is_drawn_beside_its_own_chance(make_store, planted_fit):
    """Of three SER a NSER: an accuracy of .75 is what the larger class alone gives."""
    cells = [Cell(f"c{i:02d}", int(i % 4 == 0)) for i in range(24)]
    result = audited(make_store(cells), planted_fit(knows_nothing))
    rows = [line.split(",") for line in as_csv(result).splitlines()]
    column = {name: index for index, name in enumerate(rows[0])}
    of_cell = {
        (row[column["level"]], row[column["figure"]]): float(row[column["chance"]])
        for row in rows[1:]
        if row[column["split"]] == "cell" and row[column["chance"]]
    }
    assert of_cell[SPIKES, "accuracy"] == 0.75
    assert of_cell["cells", "balanced_accuracy"] == of_cell["cells", "auroc"] == 0.5
    panels = draw(result).axes
    dashes = [
        {line.get_xdata()[0] for line in panel.lines if line.get_linestyle() == "--"}
        for panel in panels
    ]
    assert 0.75 in dashes[0] and dashes[1:] == [{0.5}, {0.5}]
    assert {panel.get_xlim() for panel in panels} == {(-0.03, 1.03)}


def test_a_note_stands_before_everything(make_store, cells_on_days, planted_fit):
    store = make_store(cells_on_days(24, 6), note="Simulated cells.")
    result = audited(store, planted_fit(knows_class))
    assert text(result).splitlines()[0] == "Note: Simulated cells."


def test_an_audit_that_was_killed_goes_on(make_store, cells_on_days, planted_fit, tmp_path):
    store = make_store(cells_on_days(24, 6))
    whole = text(audited(store, planted_fit(knows_class)))
    with planned(store, settings=QUICK) as plan:
        n = len(plan.trainings)
        killed = planted_fit(knows_class, interrupted_in=5)
        with pytest.raises(KeyboardInterrupt):
            audit(plan, killed, keep(tmp_path / "out", plan.hashes, "cpu", vars(plan.settings)))
    with planned(store, settings=QUICK) as plan:
        kept = keep(tmp_path / "out", plan.hashes, "cpu", vars(plan.settings))
        names = [training.name for training in plan.trainings]
        assert kept.progress(names) == ", 4 of them there already"
        second = planted_fit(knows_class)
        again = audit(plan, second, kept)
        assert len(second.names) == n - 4
        assert second.names[0] == killed.names[4]
        third = planted_fit(knows_class)
        assert text(audit(plan, third, kept)) == text(again) and not third.names
    assert whole.splitlines()[-1] == text(again).splitlines()[-1]


@pytest.fixture
def marked_cells(tmp_path):
    """Cells without any trait of their class, each with a trait of its own."""
    rng = np.random.default_rng(5)
    with SpikeStoreWriter(tmp_path / "marked", CLASSES, 32) as writer:
        for i in range(24):
            mark = 8 * rng.normal(size=32)
            spikes = (mark + rng.normal(size=(40, 32))).astype(np.float32)
            writer.add(Cell(f"c{i:02d}", i % 2), spikes, np.arange(40))
        return writer.finish(40_000.0, "pA", {"note": "made up"})


@pytest.mark.ci
def test_a_real_network_that_recognises_cells_is_told(marked_cells, tmp_path, capsys):
    """The cells have nothing of their class in common."""
    with Fitting(tmp_path / "runs") as fit:
        result = audited(marked_cells, fit, kernel=3, max_epochs=12, shuffles=1)
    said = " ".join(findings(result))
    assert "the network recognises single cells" in said
    assert "classes are told apart" not in said
    assert result.of(SPIKES, "spike")[0].answer is Answer.YES


def test_the_command_tells_keeps_and_goes_on(
    marked_cells, tmp_path, capsys, monkeypatch, planted_fit
):
    monkeypatch.setattr(Fitting, "__call__", planted_fit(knows_cells).__call__)
    out = tmp_path / "out"
    options = ["--kernel", "8", "--max-epochs", "12", "--shuffles", "1", "--folds", "2"]
    command = ["audit", str(marked_cells), *options, "--out", str(out)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "4 trainings of at most 12 epochs: spikes by spike (1) and by cell (2); shuffled labels by "
        "spike (1)\n"
    )
    assert "the network recognises single cells" in " ".join(said.split())
    drawn = {"audit.png", "audit.pdf", "audit.caption.txt"}
    files = {"audit.txt", "audit.csv", "audit.json", "trainings"} | drawn
    assert {file.name for file in out.iterdir()} == files
    monkeypatch.setattr(Fitting, "__call__", lambda *_: pytest.fail("trained again"))
    assert main(command) == 0
    assert "4 of them there already\n" in capsys.readouterr().out


def test_a_place_for_the_files_is_asked_for_before_training(
    marked_cells, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(Fitting, "__call__", lambda *_: pytest.fail("trained"))
    (tmp_path / "out").write_text("a file")
    command = ["audit", str(marked_cells), "--kernel", "8", "--out", str(tmp_path / "out")]
    assert main(command) == 1
    assert "out: expected a place for a folder, got a file" in capsys.readouterr().err
