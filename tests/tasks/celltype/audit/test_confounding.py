"""Classes that come with a day, an animal or a laboratory, told from the table of cells alone."""

from dataclasses import replace

import numpy as np
import pytest

from raphe.tasks.celltype.audit.audit import confoundings_of
from raphe.tasks.celltype.stores.spike_set import Cell

CLASSES = ("SER", "NSER")


def sentences(cells):
    return [found.sentence for found in confoundings_of(cells, CLASSES, np.random.default_rng(0))]


def test_days_that_hold_both_classes_are_not_spoken_of(cells_on_days):
    assert not sentences(cells_on_days(60, 10))


def test_a_cell_a_day_is_not_spoken_of(cells_on_days):
    assert not sentences(cells_on_days(40, 40, of_one_class=True))


def test_two_cells_on_one_day_among_thirty_are_chance(cells_on_days):
    assert not sentences(cells_on_days(31, 30, of_one_class=True))


@pytest.mark.parametrize("seed", [3, 4, 9, 35, 53])
def test_days_animals_and_laboratories_share_one_error(seed):
    """By chance one of the three has a p of .02 to .05: each by itself, one clean table in ten."""
    labels = np.random.default_rng(seed).integers(0, 2, 80)
    cells = [Cell(f"c{i}", int(label), f"d{i // 8}", f"m{i // 8 % 5}", f"lab {i // 8 % 2}")
             for i, label in enumerate(labels)]  # fmt: skip
    assert not sentences(cells)


def test_days_of_one_class_each_are_counted(cells_on_days):
    (sentence,) = sentences(cells_on_days(60, 10, of_one_class=True))
    assert sentence == (
        "each day holds one class: 5 days of SER (30 cells) and 5 days of NSER (30 cells); what "
        "days differ in can pass for what classes differ in: use data.split=day, which tests on "
        "days that it did not train on"
    )


def test_two_days_of_one_class_each_leave_nothing_to_split(cells_on_days):
    (sentence,) = sentences(cells_on_days(4, 2, of_one_class=True))
    assert sentence.startswith("each day holds one class: 1 day of SER (2 cells) and 1 day of NSER")
    assert "no split of these cells can tell the two apart: record every class in several days" in (
        sentence
    )


def test_an_animal_a_day_is_one_confounding(cells_on_days):
    cells = [replace(c, animal=c.day) for c in cells_on_days(60, 10, of_one_class=True)]
    (sentence,) = sentences(cells)
    assert sentence.startswith("each day or animal holds one class: 5 days of SER")


def test_one_laboratory_a_class_is_told_and_its_days_are_not(cells_on_days):
    cells = cells_on_days(60, 10, of_one_class=True)
    cells = [replace(cell, source=f"lab {'AB'[cell.label]}") for cell in cells]
    (sentence,) = sentences(cells)
    assert sentence.startswith(
        "each source (laboratory or rig) holds one class: 1 source of SER (30 cells) and 1 source "
        "of NSER (30 cells)"
    )
    assert "no split" in sentence


def test_several_laboratories_a_class_can_be_left_out(cells_on_days):
    cells = [replace(c, source=f"lab {c.label}{i // 2 % 3}")
             for i, c in enumerate(cells_on_days(60, 10))]  # fmt: skip
    (sentence,) = sentences(cells)
    assert "use data.split=source" in sentence


def test_days_that_lean_to_a_class_are_told_with_p_and_counts(cells_on_days):
    cells = cells_on_days(80, 10, of_one_class=True)
    cells = [replace(cell, label=1 - cell.label) if i % 14 < 2 else cell
             for i, cell in enumerate(cells)]  # fmt: skip
    (sentence,) = sentences(cells)
    assert sentence.startswith(
        "cells of one day are of one class more often than by chance (p < 0.001): 0 of 10 days "
        "hold one class; 1 of 8 cells in one are SER, 7 of 8 in another; "
    )
    assert "use data.split=day" in sentence


@pytest.mark.parametrize("unknown", [1, 60])
def test_days_that_are_not_known_tell_nothing(cells_on_days, unknown):
    cells = cells_on_days(60, 10, of_one_class=True)
    assert not sentences([replace(cell, day="") for cell in cells[:unknown]] + cells[unknown:])


def test_three_classes_are_counted_each():
    cells = [Cell(f"c{i}", i % 3, animal=f"m{i % 9}") for i in range(45)]
    rng = np.random.default_rng(0)
    (found,) = confoundings_of(cells, ("PV", "SST", "VIP"), rng)
    assert "3 animals of PV (15 cells), 3 animals of SST (15 cells) and 3 animals of VIP" in (
        found.sentence
    )
