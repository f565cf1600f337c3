"""How often the intervals of a test's figures hold the truth, where cells of one day are alike.

    python benchmarks/interval_coverage.py

Scores are drawn, no network is asked. A cell is called right with a chance whose logit has a normal
effect of its day. The truth is that of endless new days. Beside the intervals stand those that were
before: Wilson's of cells for shares, else the percentile bootstrap over days, or over cells where
there were fewer than 8 days.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from machine import options_of, write_table
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import binomtest

from raphe.core.statistics.clusters import Clusters
from raphe.core.statistics.figure_interval import CELL, Levels, difference_of, interval_of
from raphe.core.statistics.linear_figures import linear_figures, matthews
from raphe.tasks.celltype.metrics.predictions import Predictions

TWO = ("first", "second")
FIGURES = ("accuracy", "sensitivity", "specificity", "ppv", "npv", "balanced_accuracy", "mcc",
           "auroc")  # fmt: skip
SHARES = FIGURES[:5]
BOTH, OWN = "both classes each day", "each class on days of its own"
LAYOUTS = ((10, 20), (20, 10), (5, 20), (7, 10))
SPREADS = (0.0, 0.5, 1.0)  # SD of the days' effect on the logit
MEAN, HIGH = 0.79, 0.97  # accuracy
NOMINAL, BAR = 0.95, 0.92
FEWEST_DAYS = 8  # before
N_DRAWS = 400  # of the bootstrap before
SEED = 14
SHARE_ONLY = 0.01  # of sets whose interval is of these days alone, from which on it is told
COLUMNS = ("cells", "effects, SD", "rule", *(name.replace("_", " ") for name in FIGURES))

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_LOGISTIC = logit((np.arange(2000) + 0.5) / 2000)


@dataclass(frozen=True)
class Setting:
    """Cells of days, of animals where there are several days of each."""

    n_days: int
    n_cells: int  # a day
    spread: float  # SD of the days' effect
    design: str = BOTH
    mean: float = MEAN
    days_an_animal: int = 1
    animal_spread: float = 0.0
    n_spikes: int = 1  # a cell, each with its own score
    cell_spread: float = 0.0
    by: str = "day"

    @property
    def day(self) -> np.ndarray:
        """Of each spike, (n,)."""
        return np.repeat(np.arange(self.n_days), self.n_cells * self.n_spikes)

    @property
    def cell(self) -> np.ndarray:
        return np.repeat(np.arange(self.n_days * self.n_cells), self.n_spikes)

    @property
    def total_spread(self) -> float:
        return float(np.hypot(np.hypot(self.spread, self.animal_spread), self.cell_spread))

    @property
    def centre(self) -> float:
        """Logit of a cell without effects, so that the mean accuracy is as wanted."""
        spread = self.total_spread * _NODES
        return brentq(lambda at: (expit(at + spread) * _WEIGHTS).sum() - self.mean, -9, 15)

    @property
    def seed(self) -> list[int]:
        numbers = (self.n_days, self.n_cells, 100 * self.total_spread, 100 * self.mean)
        return [SEED, *(round(number) for number in numbers), self.design == OWN, self.n_spikes]

    def labels(self, rng: np.random.Generator) -> np.ndarray:
        if self.design == OWN:
            return self.day % 2
        return rng.integers(0, 2, self.n_days * self.n_cells)[self.cell]

    def effects(self, rng: np.random.Generator) -> np.ndarray:
        of_day = self.spread * rng.normal(size=self.n_days)
        animal = np.arange(self.n_days) // self.days_an_animal
        of_day += self.animal_spread * rng.normal(size=self.n_days)[animal]
        of_cell = self.cell_spread * rng.normal(size=self.n_days * self.n_cells)
        return of_day[self.day] + of_cell[self.cell]

    def score(self, label: np.ndarray, effect: np.ndarray, rng: np.random.Generator) -> Predictions:
        margin = self.centre + effect + rng.logistic(size=len(label))
        first = expit(np.where(label == 0, margin, -margin))
        probability = np.stack([first, 1 - first], axis=1)
        return Predictions(probability, probability, label, self.cell)

    def draw(self, rng: np.random.Generator) -> Predictions:
        label = self.labels(rng)
        return self.score(label, self.effects(rng), rng)

    def levels(self, predictions: Predictions) -> Levels:
        cells = {CELL: Clusters.of(predictions.cell, predictions.label)}
        group = self.day // (self.days_an_animal if self.by == "animal" else 1)
        days = {self.by: Clusters.of(group, predictions.label)}
        return cells | days if self.n_spikes > 1 else days

    def truth(self) -> dict[str, float]:
        """Of endless new days (and animals and cells)."""
        share = np.mean(np.arange(self.n_days) % 2 == 0) if self.design == OWN else 0.5
        right, wrong = self.mean, 1 - self.mean
        confusion = np.array([[share * right, share * wrong],
                              [(1 - share) * wrong, (1 - share) * right]])  # fmt: skip
        precision = np.diagonal(confusion) / confusion.sum(axis=0)
        # Two cells of two days are ranked right where their margins sum to more than 0.
        sums = 2 * self.centre + np.sqrt(2) * self.total_spread * _NODES
        area = (expit(sums[:, None] + _LOGISTIC).mean(axis=1) * _WEIGHTS).sum()
        figures = dict.fromkeys(FIGURES, right) | {"mcc": float(matthews(confusion[None])[0])}
        return figures | {"ppv": precision[0], "npv": precision[1], "auroc": float(area)}


@dataclass(frozen=True)
class Coverage:
    """Over many sets."""

    inside: Sequence[bool]
    width: Sequence[float]
    n_only: int  # intervals of these days alone, not counted
    n: int

    def __str__(self) -> str:
        if self.n_only > self.n / 2:
            return "these days only"
        share = f"{self.share:.3f}" if self.share >= BAR else f"**{self.share:.3f}**"
        text = f"{share} ({self.median:.2f})"
        if self.n_only > SHARE_ONLY * self.n:
            text += f"; {self.n_only / self.n:.0%} only"
        return text

    @property
    def share(self) -> float:
        """That hold the truth; NaN where most intervals are of these days only."""
        return float("nan") if self.n_only > self.n / 2 else float(np.mean(self.inside))

    @property
    def median(self) -> float:
        return float(np.median(self.width))


def coverage(setting: Setting, repeats: int, before: bool = True) -> dict[str, dict[str, Coverage]]:
    """By rule ("now", "before") and figure."""
    rng, truth = np.random.default_rng(setting.seed), setting.truth()
    rules = ("now", "before") if before else ("now",)
    inside = {rule: {name: [] for name in FIGURES} for rule in rules}
    width = {rule: {name: [] for name in FIGURES} for rule in rules}
    n_only = dict.fromkeys(FIGURES, 0)
    for _ in range(repeats):
        predictions = setting.draw(rng)
        levels = setting.levels(predictions)
        ends = {"now": {}}
        for figure in linear_figures(predictions, TWO):
            interval = interval_of(figure, levels)
            if interval.n_levels == len(levels):
                ends["now"][figure.name] = (interval.low, interval.high)
            elif not np.isnan(figure.value):
                n_only[figure.name] += 1
        if before:
            ends["before"] = _before(predictions, setting.day, rng)
        for rule, of_rule in ends.items():
            for name, (low, high) in of_rule.items():
                inside[rule][name].append(bool(low <= truth[name] <= high))
                width[rule][name].append(high - low)
    return {
        rule: {
            name: Coverage(
                inside[rule][name], width[rule][name], n_only[name] * (rule == "now"), repeats
            )
            for name in FIGURES
        }
        for rule in rules
    }


def share_of_small_p(setting: Setting, repeats: int) -> dict[str, dict[str, float]]:
    """By rule and figure, how often p is below 0.05 for two classifiers that are equally good on
    new days: each has effects of its own, beside one that both have."""
    rng = np.random.default_rng([*setting.seed, 1])
    shared, own = (replace(setting, spread=setting.spread / np.sqrt(2)) for _ in range(2))
    small = {rule: {name: [] for name in FIGURES} for rule in ("now", "before")}
    for _ in range(repeats):
        label, of_both = setting.labels(rng), shared.effects(rng)
        first, second = (setting.score(label, of_both + own.effects(rng), rng) for _ in range(2))
        levels = {CELL: Clusters.of(first.cell, label), **setting.levels(first)}
        for one, other in zip(linear_figures(first, TWO), linear_figures(second, TWO), strict=True):
            small["now"][one.name].append(difference_of(one, other, levels).p < 0.05)
        draws = _draws(label, setting.day, rng)
        values = [_figures(*_counts(of, setting.day, draws.shape[1]), draws)
                  for of in (first, second)]  # fmt: skip
        for name in FIGURES:
            difference = values[0][name] - values[1][name]
            sides = (difference <= 0).sum(), (difference >= 0).sum()
            small["before"][name].append(2 * (min(sides) + 1) / (len(difference) + 1) < 0.05)
    return {
        rule: {name: float(np.mean(of)) for name, of in figures.items()}
        for rule, figures in small.items()
    }


def _before(
    predictions: Predictions, day: np.ndarray, rng: np.random.Generator
) -> dict[str, tuple[float, float]]:
    draws = _draws(predictions.label, day, rng)
    drawn = _figures(*_counts(predictions, day, draws.shape[1]), draws)
    ends = {}
    confusion = predictions.confusion()
    right, true, called = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    parts, wholes = (right.sum(), *right, *right), (true.sum(), *true, *called)
    counts = dict(zip(SHARES, zip(parts, wholes, strict=True), strict=True))
    for name in FIGURES:
        if name in SHARES and len(predictions.label) == len(np.unique(predictions.cell)):
            low, high = binomtest(*counts[name]).proportion_ci(NOMINAL, method="wilson")
        else:
            low, high = np.nanquantile(drawn[name], [(1 - NOMINAL) / 2, (1 + NOMINAL) / 2])
        ends[name] = float(low), float(high)
    return ends


def _draws(label: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How often each day counts, or each item where there are few days: (R, G)."""
    n_days = int(day.max()) + 1
    of_one_class = all(len(np.unique(label[day == d])) == 1 for d in range(n_days))
    if n_days < FEWEST_DAYS:
        stratum = label
    else:
        stratum = np.array([label[day == d][0] for d in range(n_days)]) * of_one_class
    draws = np.empty((N_DRAWS, len(stratum)))
    for value in np.unique(stratum):
        members = np.flatnonzero(stratum == value)
        share = np.full(len(members), 1 / len(members))
        draws[:, members] = rng.multinomial(len(members), share, size=N_DRAWS)
    return draws


def _counts(
    predictions: Predictions, day: np.ndarray, n_groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """Confusion matrix of each group (G, 2, 2), and pairs won between two groups (G, G)."""
    group = day if n_groups == int(day.max()) + 1 else np.arange(len(day))
    confusion = np.zeros((n_groups, 2, 2))
    np.add.at(confusion, (group, predictions.label, predictions.predicted), 1)
    first, score = predictions.label == 0, predictions.probability[:, 0]
    member = np.eye(n_groups)[group]
    wins = (score[first][:, None] > score[~first]).astype(float)
    return confusion, member[first].T @ wins @ member[~first]


def _figures(of_group: np.ndarray, wins: np.ndarray, draws: np.ndarray) -> Mapping[str, np.ndarray]:
    """Each figure of each resample, (R,)."""
    confusion = np.tensordot(draws, of_group, 1)
    right = np.diagonal(confusion, axis1=1, axis2=2)
    true, called = confusion.sum(axis=2), confusion.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall, precision = right / true, right / called
        area = ((draws @ wins) * draws).sum(axis=1) / true.prod(axis=1)
    return {
        "accuracy": right.sum(axis=1) / true.sum(axis=1),
        "sensitivity": recall[:, 0],
        "specificity": recall[:, 1],
        "ppv": precision[:, 0],
        "npv": precision[:, 1],
        "balanced_accuracy": recall.mean(axis=1),
        "mcc": matthews(confusion),
        "auroc": area,
    }


def table(repeats: int) -> Iterator[tuple[object, ...]]:
    for design in (BOTH, OWN):
        for days, cells in LAYOUTS:
            for spread in SPREADS:
                setting = Setting(days, cells, spread, design)
                yield from _rows(setting, f"{days} days × {cells}, {design}", repeats)
    for days, cells in ((10, 10), (5, 20)):
        setting = Setting(days, cells, 1.0, mean=HIGH)
        yield from _rows(setting, f"{days} days × {cells}, mean accuracy {HIGH}", repeats)
    spikes = Setting(10, 8, 0.5, n_spikes=20, cell_spread=1.0)
    effects = "days 0.5, cells 1"
    yield from _rows(spikes, "20 spikes of each of 10 days × 8 cells", repeats, effects)
    for by in ("animal", "day"):
        nested = Setting(24, 8, 0.5, days_an_animal=4, animal_spread=0.7, by=by)
        cells = f"6 animals × 4 days × 8, over {by}s, new animals"
        yield from _rows(nested, cells, repeats, "days 0.5, animals 0.7", before=False)
    for days, cells in ((5, 20), (10, 20)):
        shares = share_of_small_p(Setting(days, cells, 1.0), repeats)
        for rule, of_rule in shares.items():
            name = f"{days} days × {cells}: p < 0.05 of no difference"
            yield name, "1", rule, *(f"{of_rule[figure]:.3f}" for figure in FIGURES)


def _rows(
    setting: Setting, cells: str, repeats: int, effects: str = "", before: bool = True
) -> Iterator[tuple[object, ...]]:
    for rule, of_rule in coverage(setting, repeats, before).items():
        yield cells, effects or f"{setting.spread:g}", rule, *(of_rule[name] for name in FIGURES)


def _is_of_days(row: Sequence[object], cell: object) -> bool:
    return isinstance(cell, Coverage) and "animals" not in str(row[0])


def main() -> None:
    parser = options_of(__doc__, "coverage")
    parser.add_argument("--repeats", type=int, default=1000, help="sets a row")
    options = parser.parse_args()
    rows = list(table(options.repeats))
    now = [cell.share for row in rows if row[2] == "now" for cell in row if _is_of_days(row, cell)]
    error = np.sqrt(NOMINAL * (1 - NOMINAL) / options.repeats)
    write_table(
        options.output,
        "How often intervals of 95 % hold the truth of new days",
        f"`python benchmarks/interval_coverage.py --repeats {options.repeats}`, seed {SEED}; the "
        f"share of sets whose interval holds the truth (standard error {error:.3f} at {NOMINAL}), "
        f"in brackets the median width; bold: below {BAR}. Mean accuracy {MEAN} unless told; "
        "days' effects are normal on the logit. Now: one rule for every figure, over days. "
        "Before: Wilson's of cells for shares, else the percentile bootstrap over days, over cells "
        f'where there were fewer than {FEWEST_DAYS} days. "These days only": a class has fewer '
        "than 3 days, and the interval says that it is of these days alone. The last rows: how "
        "often p is below 0.05 for two classifiers that are equally good on new days. **Least "
        f"share now, of the rows with days alone: {np.nanmin(now):.3f}; bar {BAR}.**",
        COLUMNS,
        rows,
    )


if __name__ == "__main__":
    main()
