import json
from pathlib import Path

import numpy as np
import pytest

from paths import PROJECT


@pytest.fixture
def cell():
    from shifts import NewCell, Simulation

    return NewCell.draw(1, Simulation(n_ser=1, n_nser=1, days=1, duration_s=1.0, seed=3))


def recorded(cell, name: str):
    from shifts import SHIFTS

    (shift,) = [shift for shift in SHIFTS if shift.name == name]
    return shift.record(cell)


def test_a_shift_alters_what_its_name_says_and_nothing_else(cell):
    plain = np.array(recorded(cell, "none").sweeps[0].read())
    assert recorded(cell, "20 kHz").rate_hz == 20_000
    wrong = recorded(cell, "20 kHz said to be 40")
    assert wrong.rate_hz == 40_000 and wrong.sweeps[0].n_samples == len(plain) // 2
    assert np.array_equal(recorded(cell, "flipped").sweeps[0].read(), -plain)
    assert np.array_equal(recorded(cell, "time reversed").sweeps[0].read(), plain[::-1])
    twice = recorded(cell, "gain × 2").sweeps[0].read()
    np.testing.assert_allclose(twice, 2 * plain, atol=0.05)
    hum = recorded(cell, "hum of 10 pA").sweeps[0].read() - plain
    spectrum = np.abs(np.fft.rfft(hum)) / (len(hum) / 2)
    assert spectrum.argmax() == 50 and spectrum.max() == pytest.approx(10, rel=0.01)


def test_artefacts_come_at_the_mains_phase(cell):
    from shifts import artefacts

    trace = artefacts(cell, 100.0)
    peaks = np.flatnonzero(trace < 0.9 * trace.min())
    starts = peaks[np.insert(np.diff(peaks) > 100, 0, True)]
    phase = np.diff(starts) % 400  # of a cycle of 400 samples
    assert len(starts) > 50 and np.minimum(phase, 400 - phase).max() < 4


def test_there_are_enough_shifts_each_with_a_name_of_its_own():
    from shifts import KINDS, SHIFTS

    assert len({shift.name for shift in SHIFTS}) == len(SHIFTS) >= 30
    assert {shift.kind for shift in SHIFTS} == set(KINDS)


def test_what_was_judged_is_not_judged_again(tmp_path: Path, monkeypatch):
    import shift
    from shifts import SHIFTS, Simulation

    asked = []

    def outcome(one, cell, day, judge):
        asked.append(one.name)
        return shift.Outcome(day, False, False, one.name == "flipped", False)

    monkeypatch.setattr(shift, "outcome", outcome)
    monkeypatch.setattr(shift, "_judge", lambda bundle: None)
    simulation = Simulation(n_ser=1, n_nser=1, days=1, seed=3)
    shift.run(["none"], simulation, tmp_path, tmp_path / "kept")
    outcomes = shift.run(["none", "flipped"], simulation, tmp_path, tmp_path / "kept")
    assert asked == ["none", "none", "flipped", "flipped"]
    assert [cell.marked for cell in outcomes["flipped"]] == [True, True]
    assert set(json.loads((tmp_path / "kept" / "0.json").read_text())) == {"none", "flipped"}
    (flipped,) = [one for one in SHIFTS if one.name == "flipped"]
    assert shift.table_row(flipped, outcomes["flipped"])[2:5] == ("0.000", "0.000–0.842", "1.000")


def test_an_interval_is_wider_where_days_differ():
    import shift

    def half(days_wrong):
        return [shift.Outcome(d, d in days_wrong, False, False, False) for d in range(10)] * 10

    mixed = [shift.Outcome(i % 10, i < 50, False, False, False) for i in range(100)]
    (p, low, high), (q, *narrow) = (
        shift.share(cells, lambda cell: cell.wrong) for cells in (half(range(5)), mixed)
    )
    assert p == q == 0.5 and high - low > 2 * (narrow[1] - narrow[0])


def test_the_rule_before_looks_at_one_range_at_a_time():
    import shift

    domain = {"quantiles": {name: [1.0, 1.5, 2.0] for name in shift.OF_RULE_BEFORE}}
    inside = dict.fromkeys(shift.OF_RULE_BEFORE, 2.4)
    assert not shift.beyond_single_ranges(inside, domain)
    assert not shift.beyond_single_ranges(inside | {"asymmetry": float("nan")}, domain)
    assert shift.beyond_single_ranges(inside | {"asymmetry": 2.6}, domain)


def test_who_asks_whether_to_trust_it_reads_the_worst_that_was_measured():
    results = (PROJECT / "benchmarks" / "results" / "shift.md").read_text(encoding="utf-8")
    lines = [line.strip("| ").split(" | ") for line in results.splitlines() if line[:2] == "| "]
    rows = [row for row in lines if row[0] not in ("shift", "---")]
    of_rig = [row for row in rows if row[1] in ("rig", "file")]
    worst, worst_of_rig = (max(of, key=lambda row: float(row[2])) for of in (rows, of_rig))
    assert (worst[0], worst_of_rig[0]) == ("spikes × 1.5 as long", "40 kHz said to be 50")
    assert sum(float(row[2]) > 0.05 for row in of_rig) == 1
    wrong, marked = (round(100 * float(text.split()[0])) for text in (worst[2], worst[4]))
    asked = (PROJECT / "docs" / "explained" / "can_i_trust_this.md").read_text(encoding="utf-8")
    assert f"half as long again, {wrong} % of cells are called wrong and unmarked" in asked
    assert f"and {marked} % marked" in asked
    assert f"labelled 50 kHz, {100 * float(worst_of_rig[2]):.0f} %" in asked
    n_marked = sum(float(row[4].split()[0]) >= 0.9 for row in of_rig)
    assert f"of {len(of_rig)} simulated changes of rig or file, {n_marked} are marked" in asked
