"""Every sentence that an audit can say, fed with 1.00, 0.00, NaN and four cells."""

from dataclasses import replace
from pathlib import Path

import pytest

from raphe.core.audit.asked import Audit, AuditRow, Way
from raphe.core.audit.findings import findings
from raphe.core.statistics.answers import Answer
from raphe.core.statistics.figure_interval import Headline
from raphe.core.statistics.permutation import NOT_TESTED, PermutationTest
from raphe.tasks.celltype.audit.words import NOISE, SHUFFLED, SPIKES, WORDS

NAN = float("nan")
SURE, UNSURE = PermutationTest(0.0001, 0.0001, False), PermutationTest(0.4, 0.0001, False)
FEW = PermutationTest(1 / 6, 1 / 6, True)
# value, low, high, p of an AUROC
PERFECT, NONE_RIGHT = (1.0, 0.93, 1.0, SURE), (0.0, 0.0, 0.07, PermutationTest(1, 0.0001, False))
GOOD, CHANCE, OPEN = (0.9, 0.8, 0.97, SURE), (0.5, 0.43, 0.58, UNSURE), (0.6, 0.4, 0.8, UNSURE)
UNDEFINED = (NAN, NAN, NAN, NOT_TESTED)
FOUR_CELLS = (1.0, 0.55, 1.0, FEW)


def row(trained_on, split, outcome, n_cells=60):
    value, low, high, test = outcome
    n_cells = 4 if test is FEW else n_cells
    headline = Headline(
        level="cells", name="auroc", value=value, low=low, high=high, interval="10 days"
    )
    return AuditRow(
        Way(trained_on, split), 5, 600, n_cells, "day", n_cells // 6 + 1, 2,
        {("cells", "auroc"): headline}, {"cells": 0.5, "spikes": 0.6}, test,
    )  # fmt: skip


def say(*rows, copies=(), confoundings=()):
    audit = Audit(
        Path("store"), "", ("SER", "NSER"), "a network", WORDS, copies, confoundings, rows, []
    )
    return findings(audit)


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        (PERFECT, Answer.YES),
        (GOOD, Answer.YES),
        (NONE_RIGHT, Answer.NO),
        (CHANCE, Answer.NO),
        (OPEN, Answer.CANNOT_TELL),
        (UNDEFINED, Answer.CANNOT_TELL),
        (FOUR_CELLS, Answer.CANNOT_TELL),
        ((1.0, NAN, NAN, SURE), Answer.CANNOT_TELL),
        ((0.9, 0.8, 0.97, UNSURE), Answer.CANNOT_TELL),  # interval and p must agree
        ((0.55, 0.49, 0.59, SURE), Answer.CANNOT_TELL),
    ],
)
def test_an_answer_needs_interval_and_p(outcome, answer):
    assert row(SPIKES, "cell", outcome).answer is answer


NOISE_GIVES = "Noise alone, without a spike, gives the class away by cell"
NOISE_DOES_NOT = "Noise alone does not give the class away by cell"
NOISE_OPEN = "Whether noise alone gives the class away by cell"
NEW_TOLD = "The classes are told apart in new cells ("
NEW_UNTOLD = "The classes are not told apart in new cells ("
NEW_OPEN = "Whether the classes can be told apart in new cells ("
RECOGNISES = "Labels shuffled over cells are still learnt when spikes are split"
DOES_NOT_RECOGNISE = "Labels shuffled over cells are not learnt when spikes are split"
RECOGNISES_OPEN = "Whether the network recognises single cells when spikes are split cannot be told"


@pytest.mark.parametrize(
    ("trained_on", "split", "yes", "no", "open_"),
    [
        (NOISE, "cell", NOISE_GIVES, NOISE_DOES_NOT, NOISE_OPEN),
        (SPIKES, "cell", NEW_TOLD, NEW_UNTOLD, NEW_OPEN),
        (SHUFFLED, "spike", RECOGNISES, DOES_NOT_RECOGNISE, RECOGNISES_OPEN),
    ],
)
def test_every_sentence_has_three_answers(trained_on, split, yes, no, open_):
    def said(outcome):
        (sentence,) = say(row(trained_on, split, outcome))
        assert "nan" not in sentence
        return sentence

    for outcome in (PERFECT, GOOD):
        assert said(outcome).startswith(yes) and " not " not in said(outcome)
    for outcome in (NONE_RIGHT, CHANCE):
        assert said(outcome).startswith(no) and " not " in said(outcome)
    for outcome, why in ((OPEN, "60 cells of 11 days"), (UNDEFINED, "each fold holds one class"),
                         (FOUR_CELLS, "4 cells of 1 day, whose p is 0.17 at best")):  # fmt: skip
        assert said(outcome).startswith(open_)
        assert "cannot be told" in said(outcome) and why in said(outcome)


@pytest.mark.parametrize(
    ("by_day", "end"),
    [
        (CHANCE, "by day (AUROC 0.50 (0.43–0.58), p = 0.40) it does not: use data.split=day."),
        (OPEN, "by day (AUROC 0.60 (0.40–0.80), p = 0.40) whether it does cannot be told from 60 "
               "cells of 11 days: use data.split=day."),
        (UNDEFINED, "whether it does cannot be told from 60 cells of 11 days, as each fold holds "
                    "one class: use data.split=day."),
    ],
)  # fmt: skip
def test_the_first_sentence_names_the_leak_and_the_split_that_avoids_it(by_day, end):
    first, *_ = say(
        row(SPIKES, "cell", GOOD), row(SPIKES, "day", OPEN), row(SHUFFLED, "spike", GOOD),
        row(NOISE, "spike", PERFECT), row(NOISE, "cell", GOOD), row(NOISE, "day", by_day),
    )  # fmt: skip
    assert first.startswith(
        "Noise alone, without a spike, gives the class away by spike (AUROC 1.00 (0.93–1.00), "
        "p < 0.001) and by cell (AUROC 0.90 (0.80–0.97), p < 0.001), so a score by spike or cell "
        "counts it; "
    )
    assert first.endswith(end)


def test_a_leak_through_the_coarsest_split_leaves_none_to_advise():
    first, *_ = say(row(NOISE, "cell", CHANCE), row(NOISE, "day", PERFECT))
    assert "gives the class away by day" in first and "no split that was asked" in first
    assert "data.split" not in first


def test_a_leak_when_split_by_spike_alone_may_be_recognition_of_cells():
    (first,) = say(row(NOISE, "spike", PERFECT))
    assert first.startswith("Noise alone, without a spike, gives the class away by spike (AUROC 1")
    assert "the network may recognise single cells; whether" in first and "rig" not in first


def test_a_split_known_to_be_clean_is_advised_before_one_that_is_not():
    first, *_ = say(row(NOISE, "cell", GOOD), row(NOISE, "day", OPEN), row(NOISE, "animal", CHANCE))
    assert first.endswith("use data.split=animal.")


def test_what_holds_by_cell_and_not_by_day_is_no_trait_of_cells():
    (sentence,) = say(row(SPIKES, "cell", GOOD), row(SPIKES, "day", OPEN))
    assert sentence.startswith(
        "The classes are told apart in new cells (AUROC 0.90 (0.80–0.97), p < 0.001); "
    )
    assert sentence.endswith(
        "what cells of one day have in common may be what is learnt by cell: believe "
        "data.split=day."
    )
    (sentence,) = say(row(SPIKES, "cell", GOOD), row(SPIKES, "day", GOOD))
    assert "believe" not in sentence


def test_spikes_that_tell_no_more_than_noise_does_are_doubted():
    *_, last = say(row(NOISE, "cell", GOOD), row(SPIKES, "cell", GOOD), row(SPIKES, "day", GOOD))
    assert last.endswith("p < 0.001), which by cell noise alone may explain.")
    little = (0.65, 0.61, 0.7, SURE)
    *_, last = say(row(NOISE, "cell", little), row(SPIKES, "cell", GOOD))
    assert last.endswith("p < 0.001), of which by cell noise alone may explain a part.")


def test_an_interval_for_these_days_only_says_so():
    of_two_days = row(SPIKES, "cell", GOOD)
    auroc = replace(of_two_days.auroc, interval="40 cells, these 2 days only")
    of_two_days = replace(of_two_days, figures={("cells", "auroc"): auroc})
    assert "(AUROC 0.90 (0.80–0.97), p < 0.001, these 2 days only)" in say(of_two_days)[0]


def test_noise_that_says_nothing_comes_last():
    *_, last = say(row(SPIKES, "cell", GOOD), row(NOISE, "cell", CHANCE))
    assert (
        last
        == "Noise alone does not give the class away by cell (AUROC 0.50 (0.43–0.58), p = 0.40)."
    )


def test_copies_come_first():
    first, *_ = say(row(NOISE, "cell", PERFECT), copies=["cells a and b hold the same spikes"])
    assert first == "Cells a and b hold the same spikes."


def test_an_audit_without_rows_says_what_it_knows():
    assert say() == []
