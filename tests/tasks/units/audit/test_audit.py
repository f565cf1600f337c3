"""Audits of stores in which it is known what gives the label away."""

import numpy as np
import pytest

from raphe.cli import main
from raphe.core.audit.findings import findings
from raphe.core.audit.kept import keep
from raphe.core.audit.report import as_csv, text
from raphe.core.statistics.answers import Answer
from raphe.harness.fit import Fitting
from raphe.tasks.units.audit.audit import audit
from raphe.tasks.units.audit.plan import planned
from raphe.tasks.units.audit.settings import Settings
from raphe.tasks.units.audit.words import SHUFFLED, TRAITS, UNITS, dealt_to
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.stores.import_units import import_units
from tasks.units.conftest import CLASSES, made_up

N = 40
SURE = 6.0  # SD: surely told


def knows_nothing(data, rng):
    return np.zeros(len(data.label))


def knows_class(data, rng):
    """Of true labels; those that were dealt out mean nothing."""
    return np.full(len(data.label), SURE * (data.label == data.store.label).all())


def knows_animals(data, rng):
    """The label of the units of an animal that was trained on, and of no other."""
    animal = np.array(data.store.names_of("animal"))
    known = np.zeros(len(data.label))
    for row in range(len(known)):
        others = (animal == animal[row]) & (data.fold != data.fold[row])
        if others.any():
            known[row] = SURE * (2 * np.mean(data.label[others] == data.label[row]) - 1)
    return known


def ten_animals():
    """Each of both labels."""
    return [f"A{number // 4}" for number in range(N)]


@pytest.fixture
def make_store(unit_folder, tmp_path):
    """Of the 40 units, with arrays and columns as given."""

    def make(**changed):
        read = read_unit_folder(unit_folder(**changed))
        return import_units(read, "units", tmp_path / "store").store

    return make


def audited(store, fit, **settings):
    return audit(planned(store, Settings(folds=4, **settings)), fit)


def of_one_label_each():
    """Ten animals of four units, each of one label."""
    return {"animal": [f"A{number % 2}{number // 8}" for number in range(N)]}


def test_a_clean_set_claims_nothing_false(make_store, planted_fit):
    class Clean(planted_fit):
        def __call__(self, name, *arguments):
            self.knows = knows_class if f"of {UNITS}" in name else knows_nothing
            return super().__call__(name, *arguments)

    result = audited(make_store(), Clean(None))
    said = findings(result)
    assert said[0].startswith("The classes are told apart in new units (AUROC 1.00")
    assert not result.confoundings and not result.copies
    assert all(row.answer is not Answer.YES for row in result.rows if row.way.trained_on != UNITS)


def test_labels_that_mean_nothing_are_told_by_nobody(make_store, planted_fit):
    result = audited(make_store(), planted_fit(knows_nothing))
    assert Answer.YES not in [row.answer for row in result.rows]
    assert {row.way.trained_on for row in result.rows} == {
        UNITS, TRAITS, SHUFFLED, dealt_to("animal"),
    }  # fmt: skip


def test_animals_of_one_label_each_that_are_recognised_are_told(make_store, planted_fit):
    result = audited(make_store(**of_one_label_each()), planted_fit(knows_animals))
    said = findings(result)
    assert said[0].startswith(
        "What tells of the recording, not of the cell (amplitude, place of the trough, unrest "
        "before the spike, what is missing), gives the class away by unit (AUROC 1.00"
    )
    assert any(
        s.startswith("Each animal holds one class: 5 animals of narrow (20 units) and 5 animals of")
        for s in said
    )
    assert any(
        "the network recognises animals by their units" in s and "use data.split=animal" in s
        for s in said
    )
    assert any("believe data.split=animal" in s for s in said)
    assert result.of(UNITS, "animal")[0].answer is not Answer.YES
    assert result.of(SHUFFLED)[0].answer is not Answer.YES


def test_traits_that_no_split_keeps_out_are_told(make_store, planted_fit):
    store = make_store(animal=ten_animals())
    first, *_ = findings(audited(store, planted_fit(knows_class)))
    assert "no split that was asked keeps it out of the score; the units of the classes were" in (
        first
    )


def test_units_that_share_a_waveform_are_named_first(make_store, planted_fit):
    waveforms = made_up()["waveforms"]
    waveforms[[10, 11]] = 3 * waveforms[4]  # a narrow one, again as narrow and as wide
    store = make_store(waveforms=waveforms)
    first, *_ = findings(audited(store, planted_fit(knows_nothing)))
    assert first.startswith(
        "Units u4 (narrow) and u11 (wide) have the same mean waveform (2 such pairs in the store, "
        "1 of them of two classes): if they are one cell, what is tested on is trained on"
    )


def test_few_animals_are_left_out_with_a_reason(make_store, planted_fit):
    two = [f"A{number // 20}" for number in range(N)]
    result = audited(make_store(animal=two), planted_fit(knows_nothing))
    assert (
        "labels dealt to animals, split by unit: expected 4 animals or more, 2 for each of 2"
        in ("; ".join(result.left_out))
    )


def test_sessions_that_are_the_animals_are_asked_once(make_store, planted_fit):
    animals = of_one_label_each()["animal"]
    result = audited(make_store(animal=animals, session=animals), planted_fit(knows_nothing))
    assert any("the same as by session, as sessions and animals are" in s for s in result.left_out)
    assert not result.of(dealt_to("session"))


def test_three_classes_have_a_macro_auroc(make_store, planted_fit):
    label = [("PV", "SST", "VIP")[number % 3] for number in range(N)]
    result = audited(make_store(label=label, animal=ten_animals()), planted_fit(knows_class))
    assert result.of(UNITS, "unit")[0].answer is Answer.YES
    assert "macro AUROC of units" in text(result)


def test_text_and_table_show_every_row_and_no_spikes(make_store, planted_fit):
    result = audited(make_store(), planted_fit(knows_nothing))
    lines = text(result).splitlines()
    head = next(line for line in lines if line.startswith("trained on"))
    assert head.split()[4:6] == ["units", "balanced"]
    kinds = (f"{UNITS} ", TRAITS, SHUFFLED, "labels dealt")
    assert len([line for line in lines if line.startswith(kinds)]) == len(result.rows) == 6
    assert len(as_csv(result).splitlines()) == 1 + sum(len(row.figures) for row in result.rows)


def test_an_audit_that_was_killed_goes_on(make_store, planted_fit, tmp_path):
    plan = planned(make_store(), Settings(folds=4))

    def kept():
        return keep(tmp_path / "out", {"units": plan.store.content_hash}, "cpu", {})

    killed, second = planted_fit(knows_class, interrupted_in=3), planted_fit(knows_class)
    with pytest.raises(KeyboardInterrupt):
        audit(plan, killed, kept())
    audit(plan, second, kept())
    assert second.names == [f"audit of {t.way}, {t.number}" for t in plan.trainings[2:]]


def test_the_command_finds_the_task_by_the_store(
    make_store, tmp_path, capsys, monkeypatch, planted_fit
):
    monkeypatch.setattr(Fitting, "__call__", planted_fit(knows_animals).__call__)
    store, out = make_store(**of_one_label_each()), tmp_path / "out"
    assert main(["audit", str(store), "--folds", "2", "--shuffles", "2", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "8 trainings of 10 epochs: units by unit (1) and by animal (1); traits of the recording by "
        "unit (1) and by animal (1); labels shuffled over units by unit (2); labels dealt to "
        "animals by unit (2)\n"
    )
    assert f"next: raphe train task=units data.split=animal data.store={store}" in said
    files = {"audit.txt", "audit.csv", "audit.json", "trainings"}
    drawn = {"audit.png", "audit.pdf", "audit.caption.txt"}
    assert {file.name for file in out.iterdir()} == files | drawn
    caption = " ".join((out / "audit.caption.txt").read_text().split())
    assert caption.startswith("The same 5 networks for each fold, trained and tested in different")


@pytest.mark.ci
def test_real_networks_know_what_they_see(make_store, tmp_path):
    """The classes differ in their spikes, and not in what tells of the recording."""
    arrays = made_up()
    arrays["waveforms"] /= np.abs(arrays["waveforms"]).max(axis=1, keepdims=True)
    with Fitting(tmp_path / "runs") as fit:
        result = audited(make_store(**arrays), fit, members=1, max_epochs=4, shuffles=2)
    assert result.of(UNITS, "unit")[0].answer is Answer.YES
    assert result.of(SHUFFLED)[0].answer is not Answer.YES
    assert set(result.classes) == set(CLASSES)
