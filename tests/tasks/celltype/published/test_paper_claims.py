"""What the papers print, recomputed: the figures of the literature and the notebooks' own table."""

import csv

import numpy as np
import pytest

from raphe.core.claims import Claim, claims_csv, claims_text
from raphe.core.errors import StoreError
from raphe.core.metric_names import Estimate
from raphe.tasks.celltype.published.paper_claims import published_claims, sweep_claims
from raphe.tasks.celltype.published.paper_numbers import SWEEP_COLUMNS, read_sweeps


def by_quantity(claims) -> dict[str, Claim]:
    return {claim.quantity: claim for claim in claims}


def test_rates_of_the_non_homogeneous_cells():
    claims = by_quantity(published_claims())
    positive = claims["true positive rate, non-homogeneous cells"]
    assert positive.theirs == "96.2 %" and positive.theirs_value == pytest.approx(0.962)
    assert positive.ours == "sensitivity 94.4 % (84.9 to 98.1), 51/54 cells"
    assert "51/53" in positive.why and "Of all 1485 tables" in positive.why
    negative = claims["true negative rate, non-homogeneous cells"]
    assert negative.ours == "specificity 92.3 % (75.9 to 97.9), 24/26 cells"
    assert "24/27" in negative.why
    assert "25/26 and 48/54 (accuracy 0.9125)" in claims["accuracy, non-homogeneous cells"].why
    assert "0.9256" in claims["AUC, non-homogeneous cells"].why


def test_members_and_split():
    claims = by_quantity(published_claims())
    members = claims["members of the ensemble"]
    assert (members.theirs, members.ours) == ("k = 20…30, 11 networks", "k = 20…31, 12 networks")
    leak = claims["test set of the synthetic model"]
    assert "154 of each original by the README's number, 293 by the notebook's" in leak.ours
    assert "10^-80 by the one number, 10^-153 by the other" in leak.why


def made_up(n: int, wrong: dict[int, tuple[int, int, int]]) -> list[dict]:
    """Rows for kernels: spikes called wrong, with both outputs above and both below a half."""
    rows = []
    for kernel, (exchanged, both, neither) in wrong.items():
        false_positives, false_negatives = exchanged + both, exchanged + neither
        hits = n - false_negatives
        precision = hits / (hits + false_positives)
        row = ["made up", kernel, 0.1, 1 - exchanged / n, precision, hits / n]
        row += [false_positives, false_negatives, 0.999]
        rows.append(dict(zip(SWEEP_COLUMNS, row, strict=True)))
    return rows


def write(path, rows):
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, SWEEP_COLUMNS)
        table.writeheader()
        table.writerows(rows)
    return path


def test_a_sweep_of_pooled_columns_is_recognised(tmp_path):
    path = write(tmp_path / "sweep.csv", made_up(400, {1: (40, 2, 1), 2: (20, 0, 3), 3: (8, 1, 1)}))
    (sweep,) = read_sweeps(path)
    assert sweep.n_spikes == 400 and sweep.largest_misfit < 1e-12
    claims = by_quantity(sweep_claims([sweep]))
    assert claims["best test accuracy, spikes"].ours.startswith("392/400")
    assert "0.0075" in claims["precision and recall"].why  # 3 of 400 at k = 2
    other = made_up(400, {1: (40, 2, 1), 2: (20, 0, 3)})
    other[0]["precision"] = 0.8  # of one class alone
    (sweep,) = read_sweeps(write(tmp_path / "other.csv", other))
    assert sweep.largest_misfit > 0.05


def test_the_notebooks_figures_are_pooled(real_data):
    original, balanced = read_sweeps(real_data("figures", "published_sweep.csv"))
    for sweep, n_spikes in ((original, 6500), (balanced, 4067)):
        assert sweep.n_spikes == n_spikes
        assert sweep.kernel.tolist() == list(range(1, 32))
        assert sweep.largest_misfit < 1e-6
        counts = sweep.accuracy * n_spikes
        np.testing.assert_allclose(counts, np.round(counts), atol=0.01)  # of whole spikes
    claims = by_quantity(sweep_claims([original]))
    assert claims["best test accuracy, spikes"].theirs == "0.9877 at k = 27 (0.9065 at k = 1)"
    assert claims["best test accuracy, spikes"].ours.startswith("6420/6500")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"sweep\.csv: expected a table of published figures .* this one lacks run, kernel"),
        ("run,kernel\na,1\n", "this one lacks test_loss, test_accuracy"),
        (",".join(SWEEP_COLUMNS) + "\n", "this one has no row"),
        (
            ",".join(SWEEP_COLUMNS) + "\na,one,,,,,,,\n",
            r"line 2: expected a number as kernel",
        ),
    ],
)
def test_another_table_is_refused(tmp_path, text, message):
    path = tmp_path / "sweep.csv"
    path.write_text(text)
    with pytest.raises(StoreError, match=message):
        read_sweeps(path)
    with pytest.raises(StoreError, match="there is no such file"):
        read_sweeps(tmp_path / "none.csv")


def test_table_and_text_hold_every_claim():
    claims = [
        Claim(
            "papers", "rate", "96 %", "94 %", "because, " * 30, 0.96, Estimate(0.94, 0.9, np.nan)
        ),
        Claim("run", "split", "by spike", "by cell", "so"),
    ]
    first, second = csv.DictReader(claims_csv(claims).splitlines())
    assert (first["theirs_value"], first["ours_value"], first["low"]) == ("0.96", "0.94", "0.9")
    assert first["high"] == "" and second["theirs_value"] == "" and second["source"] == "run"
    text = claims_text(claims)
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("because") == 30 and text.index("papers\n======") < text.index("run\n===")
