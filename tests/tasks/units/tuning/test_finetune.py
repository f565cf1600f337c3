import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from raphe.cli import main
from raphe.core.errors import SettingError, StoreError
from raphe.tasks.units.ensemble.bundle import UnitBundle
from raphe.tasks.units.features.training_domain import unlike_training
from raphe.tasks.units.features.unit_inputs import unit_inputs
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.stores.import_units import import_units
from raphe.tasks.units.stores.unit_store import UnitStore, open_units
from raphe.tasks.units.tuning.report import sentences
from raphe.tasks.units.tuning.selection import ANEW, MOVED
from raphe.tasks.units.tuning.tune import Tuned, tune
from raphe.tasks.units.tuning.tuned_folder import fill_tuned, tuned_folder
from tasks.units.tuning.conftest import hurry


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_bundle_comes_out_that_predict_opens_and_that_says_where_it_comes_from(
    finetuned, unit_folder: Callable[..., Path], tmp_path: Path
) -> None:
    before, after = UnitBundle.open(finetuned.bundle), UnitBundle.open(finetuned.out / "bundle")
    made = after.manifest["tuned"]
    assert made["from"]["content_hash"] == before.bundle.content_hash
    assert len(made["units"]) == 24 and made["units"][0] == "u16"
    card = (finetuned.out / "bundle" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "tuned to 24 units of one laboratory" in card and "config.yaml" not in card
    command = ["predict", str(unit_folder()), "--bundle", str(finetuned.out / "bundle")]
    assert main([*command, "--out", str(tmp_path / "labels")]) == 0
    called = [row["class"] for row in rows_of(tmp_path / "labels" / "labels.csv")]
    assert np.mean([name == ("narrow", "wide")[n % 2] for n, name in enumerate(called)]) > 0.9


def test_units_to_label_are_all_those_without_a_label(finetuned) -> None:
    rows = rows_of(finetuned.out / "to_label.csv")
    assert {row["unit"] for row in rows} == {f"u{n}" for n in range(16)}
    assert [row["order"] for row in rows] == [str(n + 1) for n in range(16)]
    worth = [float(row["worth"]) for row in rows if not row["remarks"]]
    assert worth == sorted(worth, reverse=True)
    methods = [row["method"] for row in rows_of(finetuned.out / "methods.csv")]
    assert methods[:3] == ["bundle as it is", "tuned", "logistic regression"]
    assert len(rows_of(finetuned.out / "left_out.csv")) == 24
    assert (finetuned.out / "tuning.pdf").is_file()


def test_what_stands_there_is_replaced_only_when_asked_and_said_before_any_work(
    finetuned, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("raphe.tasks.units.tuning.tune.tune", None)
    command = ["finetune", str(finetuned.bundle), str(finetuned.store)]
    assert main([*command, "--out", str(finetuned.store)]) == 1
    assert main([*command, "--out", str(finetuned.out)]) == 1
    assert "pass --overwrite to replace it" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*command, "--target", "80"])
    assert "expected a share between 0 and 1" in capsys.readouterr().err


@pytest.fixture
def own(
    unit_bundle: Callable[..., Path],
    unit_folder: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[UnitBundle, UnitStore]]:
    """A bundle and a store of 40 units of these labels and animals; nothing slow is computed."""
    hurry(monkeypatch)

    def make(label: list[str], **columns: object) -> tuple[UnitBundle, UnitStore]:
        read = read_unit_folder(unit_folder(label=label, **columns))
        return UnitBundle.open(unit_bundle()), open_units(
            import_units(read, "own", tmp_path / "store").store
        )

    return make


def test_a_label_that_the_bundle_does_not_know_is_refused(own) -> None:
    bundle, store = own(["narrow", "wide", "odd", ""] * 10)
    with pytest.raises(
        StoreError, match=r"labelled narrow or wide .* got odd; leave it out on .* or rename it"
    ):
        tune(bundle, store)


def test_animals_that_hold_a_class_each_are_told_and_cannot_be_left_out(own) -> None:
    bundle, store = own([*["narrow"] * 3, *["wide"] * 3, *[""] * 34], animal=["A"] * 3 + ["B"] * 37)
    told = " ".join(sentences(tune(bundle, store)))
    assert "class narrow has 3 units: its figures will say next to nothing" in told
    assert (
        "each animal holds one class: 1 animal of narrow (3 units) and 1 animal of wide (3 units)"
        in told
    )
    assert "no figure tells what holds in a new animal" in told
    assert "How many more units it takes cannot be told from 6 units" in told
    with pytest.raises(SettingError, match="two or more of each class"):
        tune(bundle, store, "animal")


def test_from_five_units_nothing_is_told(own) -> None:
    bundle, store = own([*["narrow"] * 3, *["wide"] * 2, *[""] * 35])
    tuned = tune(bundle, store, "unit", target=0.9)
    assert tuned.is_kept
    told = " ".join(sentences(tuned))
    assert "Whether tuning helps cannot be told from 5 units" in told
    assert "the old one, as it is" in told


def written(tuned: Tuned, out: Path) -> Path:
    with tuned_folder(out) as builder:
        return fill_tuned(builder, tuned)


def moved(tuned: Tuned, freedom) -> Tuned:
    head = tuned.material.fit(freedom, np.arange(len(tuned.material.label)))
    return replace(tuned, freedom=freedom, head=head)


def test_the_graph_says_what_the_head_says_also_where_a_branch_is_missing(
    own, tmp_path: Path
) -> None:
    bundle, store = own([("narrow", "wide")[n % 2] if n < 24 else "" for n in range(40)])
    tuned = tune(bundle, store, "unit")
    units = store.units.rows(np.arange(6))
    units.waveforms[:3] = np.nan
    inputs_log_p = np.log(np.maximum(bundle.call(units).probability, 1e-4))
    for name, freedom in {"moved": MOVED, "anew": ANEW}.items():
        of_freedom = moved(tuned, freedom)
        again = UnitBundle.open(written(of_freedom, tmp_path / name) / "bundle")
        said = of_freedom.head.probability(inputs_log_p, unit_inputs(units, bundle.layout))
        expected = of_freedom.decision.calibration(said)
        np.testing.assert_allclose(again.call(units).probability, expected, atol=2e-3)
    twice = written(moved(tune(again, store, "unit"), MOVED), tmp_path / "twice")
    made = json.loads((twice / "bundle" / "manifest.json").read_text())["tuned"]["from"]
    assert made["content_hash"] == again.bundle.content_hash
    assert UnitBundle.open(twice / "bundle").call(units).probability.shape == (6, 2)


def test_a_unit_like_those_tuned_to_is_like_training(own) -> None:
    bundle, store = own(["narrow", "wide"] * 20)
    tuned = tune(bundle, store, "unit")
    assert tuned.domain["before"] and tuned.teaching is None
    inputs = tuned.material.inputs
    told = unlike_training(inputs, bundle.layout, tuned.domain)
    assert np.mean(list(map(bool, told))) < 0.1
    assert unlike_training(40 * inputs[:1], bundle.layout, tuned.domain)[0]
    # Of those before alone it would be unlike, of these it is not.
    narrow = {**tuned.domain["before"], "limits": dict.fromkeys(tuned.domain["limits"], -1.0)}
    assert unlike_training(inputs[:1], bundle.layout, narrow)[0]
    assert not unlike_training(inputs[:1], bundle.layout, {**tuned.domain, "before": narrow})[0]
