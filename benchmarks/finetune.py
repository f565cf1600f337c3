"""Bundles tuned to a few labelled units of another recording, and measured on all the others.

A classifier of one set of real units is tuned to n units of another, as `raphe finetune` does it.
What that reaches on the units that were not tuned on stands beside the classifier as it was, beside
a logistic regression on the n units alone, and beside what the n units, left out in turn, say that
it reaches. The control has shuffled labels.

    python benchmarks/finetune.py [DATA] [--draws 3] [--processes 1]

DATA holds a folder a set, in raphe's layout (see `raphe import units --help`); without it nothing
is measured.
"""

import multiprocessing
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from machine import options_of, write_tables
from units import DATA

from raphe.core.statistics.calibration import Calibration
from raphe.core.statistics.figure_interval import CELL
from raphe.tasks.units.features.unit_inputs import Layout, unit_inputs
from raphe.tasks.units.metrics.verdicts import Groups
from raphe.tasks.units.recordings.unit_folder import read_unit_folder
from raphe.tasks.units.recordings.unit_set import UnitSet
from raphe.tasks.units.training.simple_classifiers import LOGISTIC, fit_simple
from raphe.tasks.units.tuning.learning_curve import learning_curve
from raphe.tasks.units.tuning.left_out import TUNED, UNTOUCHED, left_out
from raphe.tasks.units.tuning.selection import KEPT, Material
from raphe.tasks.units.tuning.teaching import teaching
from raphe.tasks.units.tuning.tuned_graph import log_probability

SIZES = (6, 12, 25, 50, 100)
LEFT_OUT_SIZES = (12,)
N_CASES = 4
FEWEST_OTHERS = 50  # units that a tuned classifier is measured on
FIRST, ADDED = 12, 12  # units labelled at first, and at each of two turns
CURVE, AHEAD = 50, 100  # units that a learning curve is of, and where it leads
SUBTYPES = {"E4": "EXC", "E5": "EXC", "FS4": "PV", "FS5": "PV", "SOM": "SOM"}
INTERVALS = 51  # bins that all sets have
ABOUT = """\
balanced accuracy of the units of a set that were not tuned on, each class weighing alike; means over {draws} draws of the n units, each class drawn at least twice; “as it is” is of all units of the set. The classifier that is tuned is a logistic regression, fitted to all units of the first set (of S1: to half of its units, and tuned to others of the same set, so that there is nothing to gain but more data). Between sets of other rigs, which do not tell their sampling rates, only intervals up to 51 ms are told from; CellExplorer and DANDI 000041 have waveforms of as many samples, differently aligned, and autocorrelograms. Units are left out in turn by themselves, of DANDI with their animal; animals of the other sets are not known. The settings of `raphe finetune` (priors, and how surely another must be better) were chosen on these very sets.
"""  # noqa: E501


@dataclass(frozen=True)
class Case:
    """Units of a set as a classifier of another set sees them."""

    title: str
    material: Material
    classes: tuple[str, ...]
    noun: str


def units_of(folder: Path, names: dict[str, str]) -> UnitSet:
    """Units of these labels, under these names."""
    units = read_unit_folder(folder).units
    units = units.rows(np.array([fact.label in names for fact in units.facts]))
    return replace(units, facts=[replace(f, label=names[f.label]) for f in units.facts])


def intervals_alone(units: UnitSet) -> UnitSet:
    nothing = np.empty((len(units), 0), np.float32)
    return replace(units, waveforms=nothing, acg=nothing, isi=units.isi[:, :INTERVALS])


def case(title: str, source: UnitSet, target: UnitSet) -> Case:
    classes = tuple(sorted({fact.label for fact in source.facts}))
    layout = Layout.of(source)
    label = [
        np.array([classes.index(fact.label) for fact in units.facts]) for units in (source, target)
    ]
    fitted = fit_simple(LOGISTIC, unit_inputs(source, layout), label[0], layout.dims, len(classes))
    inputs = unit_inputs(target, layout)
    animals = [fact.animal for fact in target.facts]
    group = np.unique(animals, return_inverse=True)[1] if all(animals) else np.arange(len(target))
    nothing = np.empty((0, len(classes))), np.empty((0, inputs.shape[1]))
    material = Material(
        log_probability(fitted.probability(inputs)), inputs, label[1], group,
        [n for n in layout.dims if n], *nothing,
    )  # fmt: skip
    return Case(title, material, classes, "animal" if all(animals) else CELL)


def cases(data: Path) -> list[Case]:
    explorer, s1 = data / "cellexplorer", data / "s1_juxtacellular"
    kinds = {"PV": "PV", "SST": "SOM", "Pyramidal": "EXC"}
    sides = {"PV": "INH", "SST": "INH", "VIP": "INH", "Pyramidal": "EXC"}
    of_kinds = intervals_alone(units_of(explorer, kinds))
    all_s1 = units_of(s1, {name: name for name in SUBTYPES})
    half = np.random.default_rng(0).permutation(len(all_s1)) < len(all_s1) // 2
    return [
        case(
            "CellExplorer → DANDI 000041, 2 classes",
            units_of(explorer, sides),
            units_of(data / "dandi_000041", {"Excitatory": "EXC", "Inhibitory": "INH"}),
        ),
        case(
            "CellExplorer → S1, 3 classes, intervals",
            of_kinds,
            intervals_alone(units_of(s1, SUBTYPES)),
        ),
        case(
            "CellExplorer → A1, 3 classes, intervals",
            of_kinds,
            intervals_alone(units_of(data / "a1_optotagged", {n: n for n in kinds.values()})),
        ),
        case("S1 → S1, 5 classes", all_s1.rows(half), all_s1.rows(~half)),
    ]


def drawn(case: Case, n: int, seed: int) -> np.ndarray:
    """n units, two or more of each class."""
    label, rng = case.material.label, np.random.default_rng([n, seed])
    while True:
        rows = np.sort(rng.permutation(len(label))[:n])
        if np.bincount(label[rows], minlength=len(case.classes)).min() >= min(
            2, n // len(case.classes)
        ):
            return rows


def balanced(label: np.ndarray, called: np.ndarray) -> float:
    return float(np.mean([(called[label == c] == c).mean() for c in np.unique(label)]))


def part(material: Material, rows: np.ndarray, label: np.ndarray | None = None) -> Material:
    """Of these units alone, all others without a label."""
    others = np.setdiff1d(np.arange(len(material.label)), rows)
    return replace(
        material,
        log_p=material.log_p[rows],
        inputs=material.inputs[rows],
        label=material.label[rows] if label is None else label,
        group=material.group[rows],
        other_log_p=material.log_p[others],
        other_inputs=material.inputs[others],
    )


def on_others(case: Case, rows: np.ndarray, say: Callable[[np.ndarray], np.ndarray]) -> float:
    others = np.setdiff1d(np.arange(len(case.material.label)), rows)
    return balanced(case.material.label[others], say(others).argmax(axis=1))


def reached(case: Case, rows: np.ndarray) -> tuple[float, float, bool]:
    """By the tuned classifier, by one on these units alone; whether the first was left alone."""
    material = case.material
    freedom, head = part(material, rows).tuned(np.arange(len(rows)))
    alone = fit_simple(
        LOGISTIC, material.inputs[rows], material.label[rows], material.dims, len(case.classes)
    )
    return (
        on_others(case, rows, lambda o: head.probability(material.log_p[o], material.inputs[o])),
        on_others(case, rows, lambda o: alone.probability(material.inputs[o])),
        freedom is KEPT,
    )


def size_rows(case: Case, draws: int) -> list[list[str]]:
    label = case.material.label
    before = balanced(label, case.material.log_p.argmax(axis=1))
    rows = []
    for n in SIZES:
        if len(label) - n < FEWEST_OTHERS or n < 2 * len(case.classes):
            continue
        found = np.array([reached(case, drawn(case, n, seed)) for seed in range(draws)])
        tuned, alone, kept = found.mean(axis=0)
        ends = f"{found[:, 0].min():.2f}–{found[:, 0].max():.2f}"
        row = [case.title, n, f"{before:.3f}", f"{tuned:.3f} ({ends})", f"{alone:.3f}"]
        rows.append([*row, f"{round(kept * draws)} of {draws}"])
    return rows


def honesty_rows(case: Case, draws: int) -> list[list[str]]:
    """What units left out in turn say, beside what all others say."""
    material = case.material
    rows = []
    for shuffled in (False, True):
        for n in LEFT_OUT_SIZES:
            if n < 2 * len(case.classes) or len(material.label) - n < FEWEST_OTHERS:
                continue
            told, true, held, helps, worse = [], [], 0, 0, 0
            for seed in range(draws):
                chosen = drawn(case, n, seed)
                label = material.label[chosen]
                if shuffled:
                    label = np.random.default_rng(seed).permutation(label)
                of_part = part(material, chosen, label)
                group = None if case.noun == CELL else of_part.group
                result = left_out(of_part, case.classes, Groups(case.noun, group), simple=())
                figure = result.balanced(TUNED).estimate
                truth = reached(case, chosen)[0] if not shuffled else np.nan
                told.append(figure.value)
                true.append(truth)
                held += figure.low <= truth <= figure.high
                gain = result.gain()
                helps += gain.low > 0
                worse += gain.high < 0
                assert UNTOUCHED in result.methods
            row = [case.title, n, "yes" if shuffled else "no", f"{np.mean(told):.3f}"]
            others = "–" if shuffled else f"{np.mean(true):.3f}"
            of_intervals = "–" if shuffled else f"{held} of {draws}"
            rows.append([*row, others, of_intervals, f"{helps} of {draws}", f"{worse} of {draws}"])
    return rows


def order_row(case: Case, draws: int) -> list[str]:
    """Units labelled in the order that is told, and at random."""
    found: dict[str, list[float]] = {"told": [], "random": []}
    for seed in range(draws):
        for way in found:
            rows, rng = drawn(case, FIRST, seed), np.random.default_rng(seed)
            for _ in range(2):
                others = np.setdiff1d(np.arange(len(case.material.label)), rows)
                if way == "random":
                    added = rng.permutation(len(others))[:ADDED]
                else:
                    material = part(case.material, rows)
                    _, head = material.tuned(np.arange(len(rows)))
                    like = np.zeros(len(others), bool)
                    order = teaching(material, head, [head], Calibration(), like).order
                    added = order[:ADDED]
                rows = np.sort(np.concatenate([rows, others[added]]))
            found[way].append(reached(case, rows)[0])
    told, random = (np.array(found[way]) for way in ("told", "random"))
    better = f"{int((told > random).sum())} of {draws}"
    return [case.title, f"{told.mean():.3f}", f"{random.mean():.3f}", better]


def curve_row(case: Case, draws: int) -> list[str] | None:
    """Where the learning curve of some units leads, and what more units reach."""
    if len(case.material.label) - AHEAD < FEWEST_OTHERS:
        return None
    told, true, held, rises = [], [], 0, 0
    for seed in range(draws):
        more = drawn(case, AHEAD, seed)
        some = np.sort(np.random.default_rng(seed).permutation(more)[:CURVE])
        curve = learning_curve(part(case.material, some))
        assert curve is not None
        at = np.array([float(AHEAD)])
        low, high = curve.band(at)[:, 0]
        truth = reached(case, more)[0]
        told.append(float(curve.law.at(at)[0, 0]))
        true.append(truth)
        held += low <= truth <= high
        rises += curve.rises
    shown = [f"{np.mean(told):.3f}", f"{np.mean(true):.3f}", f"{held} of {draws}"]
    return [case.title, *shown, f"{rises} of {draws}"]


def measured(data: Path, number: int, draws: int) -> tuple[list, list, list, list, float]:
    """The rows of one case in each table, and the seconds of the processor that they took."""
    warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
    begun, case = time.process_time(), cases(data)[number]
    of_curve = curve_row(case, draws)
    rows = (
        size_rows(case, draws),
        honesty_rows(case, draws),
        [order_row(case, draws)],
        [of_curve] if of_curve else [],
    )
    seconds = time.process_time() - begun
    print(f"{case.title}: {seconds:.0f} s of the processor\n{rows}", flush=True)
    return *rows, seconds


def write_results(
    output: Path,
    draws: int,
    of_sizes: list[list],
    of_left_out: list[list],
    of_order: list[list],
    of_curve: list[list],
    seconds: float,
) -> None:
    tables = {
        "Tuned to n units, measured on all others": (
            [
                "units", "n", "as it is", "tuned (least–most)", "logistic regression on the n",
                "left as it is",
            ],
            of_sizes,
        ),
        "What n units say, left out in turn, and what all others say": (
            [
                "units", "n", "labels shuffled", "left out in turn", "all others",
                "95 % interval holds it", "“tuning helps”", "“tuning makes it worse”",
            ],
            of_left_out,
        ),
        f"{FIRST} units drawn, then twice {ADDED} labelled as `to_label.csv` has them, or at "
        "random: all others": (["units", "as told", "at random", "as told better"], of_order),
        f"The learning curve of {CURVE} units, read at {AHEAD}, and what {AHEAD} reach on all "
        "others": (
            ["units", "by the curve", "reached", "95 % band holds it", "said to rise"],
            of_curve,
        ),
    }  # fmt: skip
    about = ABOUT.strip().format(draws=draws) + f" {seconds:.0f} s of one processor."
    write_tables(output, "A bundle tuned to a few labelled units", about, tables)


def main() -> None:
    parser = options_of(__doc__, "finetune")
    parser.add_argument("data", type=Path, nargs="?", default=DATA, help="folder of the four sets")
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"{options.data}: no such folder; the sets are not handed on with raphe")
    of_cases = [(options.data, number, options.draws) for number in range(N_CASES)]
    with multiprocessing.Pool(options.processes) as pool:
        found = pool.starmap(measured, of_cases, chunksize=1)
    rows = ([row for rows in found for row in rows[table]] for table in range(4))
    write_results(options.output, options.draws, *rows, sum(rows[4] for rows in found))


if __name__ == "__main__":
    main()
