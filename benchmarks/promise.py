"""Whether no more cells are called wrong than a bundle promises, where some days are bad.

    python benchmarks/promise.py

Confidences are drawn, no network is asked. A cell is called wrong with a chance that hangs on its
day: 2 % on good days, 40 % on bad ones, however sure the network says it is. The "not sure" band is
chosen on the held-out cells, as `raphe export` does, and the share of new cells that are called and
wrong is worked out from the confidences' distributions, not drawn. "By cell" takes held-out cells
as exchangeable with new ones, which cells of new days are not, and those of the same days are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from machine import options_of, write_table
from scipy.stats import beta

from raphe.core.statistics.abstention import HeldOut, choose_not_sure

GOOD, BAD = 0.02, 0.40  # chance that a cell's most probable class is not its own
RIGHT, WRONG = beta(4, 1.2), beta(1.5, 1.5)  # of 2 · confidence - 1, of such cells
SHAPES = ((2, 15), (5, 10), (10, 3), (10, 10), (20, 5), (40, 5))
BAD_SHARES = (0.0, 0.1, 0.3)
WANTED = (0.05, 0.10)
N_CELLS = (30, 60, 200)
PREVALENCES = (0.5, 0.2, 0.05)  # of class 0, of which half the held-out cells are
SEED = 14
COLUMNS = (
    "held out", "bad days", "wanted", "as it was: wrong", "called", "now promised", "wrong",
    "called", "by cell, new cells of the same days: wrong",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What one rule came to, over many held-out sets. Shares of new cells, (R,)."""

    promised: float
    wrong: np.ndarray
    called: np.ndarray

    @property
    def standard_error(self) -> float:
        return float(self.wrong.std(ddof=1) / np.sqrt(len(self.wrong)))

    @property
    def kept(self) -> bool:
        return bool(self.wrong.mean() <= self.promised + 2 * self.standard_error)

    def __str__(self) -> str:
        text = f"{self.wrong.mean():.4f} ± {2 * self.standard_error:.4f}"
        return text if self.kept else f"**{text}**"


def over_days(
    n_days: int, per_day: int, bad_share: float, wanted: float, repeats: int
) -> dict[tuple[str, str], Outcome]:
    """By whose cells are new and which rule: "new days" "by cell", and so on."""
    rng = np.random.default_rng([SEED, n_days, per_day, round(100 * bad_share)])
    day = np.repeat(np.arange(n_days), per_day)
    by_day = HeldOut(unit="day", unit_of_item=day)
    of_new_days = bad_share * BAD + (1 - bad_share) * GOOD
    rows: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for _ in range(repeats):
        of_day = np.where(rng.random(n_days) < bad_share, BAD, GOOD)
        right = rng.random(len(day)) >= of_day[day]
        confidence = _confidences(right, rng)
        for rule, held_out in (("by cell", None), ("by day", by_day)):
            chosen = choose_not_sure(confidence, right, wanted, held_out)
            new = {"new days": of_new_days, "the same days": of_day.mean()}
            for whose, chance in new.items():
                row = (chosen.promised_error, *_called(chosen.threshold, chance))
                rows.setdefault((whose, rule), []).append(row)
    return {key: _outcome(of_key) for key, of_key in rows.items()}


def over_classes(n: int, prevalence: float, wanted: float, repeats: int) -> dict[str, Outcome]:
    """With and without weights: half of n held-out cells are of class 0, which is easier."""
    rng = np.random.default_rng([SEED, n, round(1000 * prevalence)])
    chances = np.array([0.02, 0.20])
    label = np.arange(n) % 2
    mix = np.array([prevalence, 1 - prevalence])
    rows: dict[str, list[tuple[float, float, float]]] = {"unweighted": [], "weighted": []}
    for _ in range(repeats):
        right = rng.random(n) >= chances[label]
        confidence = _confidences(right, rng)
        for rule, weight in (("unweighted", None), ("weighted", mix[label] / 0.5)):
            chosen = choose_not_sure(confidence, right, wanted, weight=weight)
            rows[rule].append((chosen.promised_error, *_called(chosen.threshold, mix @ chances)))
    return {rule: _outcome(of_rule) for rule, of_rule in rows.items()}


def _confidences(right: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    n = len(right)
    return (1 + np.where(right, rng.beta(*RIGHT.args, n), rng.beta(*WRONG.args, n))) / 2


def _called(threshold: float, chance: float) -> tuple[float, float]:
    """The share of new cells that are called and wrong, and the share called."""
    place = np.clip(2 * threshold - 1, 0, 1)
    wrong = chance * WRONG.sf(place)
    return wrong, wrong + (1 - chance) * RIGHT.sf(place)


def _outcome(rows: list[tuple[float, float, float]]) -> Outcome:
    promised, wrong, called = np.array(rows).T
    return Outcome(promised[0], wrong, called)


def table(repeats: int) -> Iterator[tuple[object, ...]]:
    for n_days, per_day in SHAPES:
        for bad_share in BAD_SHARES:
            for wanted in WANTED:
                outcomes = over_days(n_days, per_day, bad_share, wanted, repeats)
                case = f"{n_days} days × {per_day} cells", f"{bad_share:g}", f"{wanted:g}"
                rules = outcomes["new days", "by cell"], outcomes["new days", "by day"]
                yield *case, *_side_by_side(*rules), outcomes["the same days", "by cell"]
    for n in N_CELLS:
        for prevalence in PREVALENCES:
            outcomes = over_classes(n, prevalence, 0.05, repeats)
            case = f"{n} cells; new ones with {prevalence:.0%} of class 0", "–", "0.05"
            yield *case, *_side_by_side(outcomes["unweighted"], outcomes["weighted"]), "–"


def _side_by_side(before: Outcome, now: Outcome) -> tuple[object, ...]:
    called = f"{before.called.mean():.2f}", f"{now.called.mean():.2f}"
    return before, called[0], f"{now.promised:.3f}", now, called[1]


def main() -> None:
    parser = options_of(__doc__, "promise")
    parser.add_argument("--repeats", type=int, default=4000, help="held-out sets a row")
    options = parser.parse_args()
    rows = list(table(options.repeats))
    write_table(
        options.output,
        "At most so many new cells are called wrong: promised and kept",
        f"`python benchmarks/promise.py --repeats {options.repeats}`, seed {SEED}, each row the "
        "mean ± 2 standard errors; bold: more than promised. Confidences are drawn, no network is "
        f"asked: of cells of good days {GOOD:.0%} are wrong, of bad ones {BAD:.0%}. As it was: "
        "held-out cells taken as exchangeable, and as wanted is as promised. Now: days held out "
        "are counted as days, and with fewer than 19 of them (9 for 0.10) less is promised; of "
        "another mix of classes, weights.",
        COLUMNS,
        rows,
    )


if __name__ == "__main__":
    main()
