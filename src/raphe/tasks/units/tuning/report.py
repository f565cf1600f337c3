"""What a tuning comes to, in sentences and tables."""

import math
from collections import Counter

import numpy as np

from raphe.core.files.csv_text import csv_text
from raphe.core.sentences import counted, listed, number
from raphe.core.statistics.answers import Answer, above
from raphe.tasks.units.metrics.verdicts import Scored
from raphe.tasks.units.stores.doubts import doubts
from raphe.tasks.units.tuning.left_out import SIMPLE, TUNED, UNTOUCHED
from raphe.tasks.units.tuning.selection import FEWEST_UNITS
from raphe.tasks.units.tuning.tune import Tuned

MATTERS = 0.05  # of a balanced accuracy: a smaller gain is none


def sentences(tuned: Tuned) -> list[str]:
    """All that a user must read, the result first."""
    told = (_figures(tuned), _gain(tuned), _kept(tuned), _alone(tuned), _curve(tuned))
    return [*filter(None, told), *warnings(tuned)]


def warnings(tuned: Tuned) -> list[str]:
    """What must be known before a figure is believed."""
    store, of_left_out = tuned.store, tuned.left_out
    told = doubts(store.units)
    absent = [name for name in tuned.bundle.classes if name not in of_left_out.classes]
    if absent:
        told.append(
            f"no unit is labelled {listed(absent, 'or')}: the figures are of telling "
            f"{listed(of_left_out.classes)} apart, and nothing is learnt of the others"
        )
    noun = of_left_out.groups.noun
    if all(store.names_of("animal")) and noun != "animal":
        told.append(
            f"what is left out is a {noun}, others of the same animal are tuned on: no figure "
            "tells what holds in a new animal"
        )
    # Of a rate that is not known `doubts` says what holds for a training.
    told = [sentence for sentence in told if "sampling rate" not in sentence]
    return [*told, *tuned.changed]


def _figures(tuned: Tuned) -> str:
    of_left_out = tuned.left_out
    best = of_left_out.best_simple
    counts = Counter(fact.label for fact in tuned.store.units.facts)
    of_classes = listed(f"{counts[name]} {name}" for name in of_left_out.classes)
    return (
        f"{counted('unit', sum(counts.values()))} ({of_classes}), left out {of_left_out.how}: "
        f"balanced accuracy of the bundle as it is {shown(of_left_out.balanced(UNTOUCHED))}, tuned "
        f"{shown(of_left_out.balanced(TUNED))}, of the best simple classifier on these units "
        f"alone, {best}, {shown(of_left_out.balanced(best))}; chance "
        f"{1 / len(of_left_out.classes):.2f}."
    )


def shown(figure: Scored) -> str:
    estimate = figure.estimate
    return f"{estimate.value:.2f} ({estimate.low:.2f}–{estimate.high:.2f})"


def _gain(tuned: Tuned) -> str:
    gain, n = tuned.left_out.gain(), len(tuned.material.label)
    ends = f"{_signed(gain.value)}, 95 % interval {_signed(gain.low)} to {_signed(gain.high)}"
    if n < FEWEST_UNITS:
        return (
            f"Whether tuning helps cannot be told from {counted('unit', n)}, and nothing was "
            f"tuned: {FEWEST_UNITS} are needed to begin with."
        )
    if gain.high < 0:
        return f"Tuning makes it worse ({ends})."
    answer = above(gain, 0.0, MATTERS)
    if answer is Answer.YES:
        return f"Tuning helps ({ends})."
    if answer is Answer.NO:
        return f"Tuning gains less than {MATTERS} ({ends})."
    return f"Whether tuning helps cannot be told from {counted('unit', n)} ({ends})."


def _alone(tuned: Tuned) -> str:
    """Where a simple classifier of these units alone reaches more."""
    of_left_out = tuned.left_out
    best = of_left_out.best_simple
    more = of_left_out.balanced(best).estimate.value - of_left_out.balanced(TUNED).estimate.value
    if not more > MATTERS:
        return ""
    return (
        f"{best[:1].upper()}{best[1:]} on these units alone reaches {more:.2f} more than the tuned "
        f"bundle; it is the best of {len(SIMPLE)}, and so flattered. `raphe train task=units` on "
        "this store trains and exports such a one."
    )


def _kept(tuned: Tuned) -> str:
    if tuned.is_kept:
        return (
            "The new bundle is the old one, as it is: nothing that was tried was surely better "
            "within these units."
        )
    return f"The new bundle is the old one, {tuned.freedom.name}."


def _curve(tuned: Tuned) -> str:
    """How many more units it takes."""
    curve, target, n = tuned.curve, tuned.target, len(tuned.material.label)
    question = "How many more units it takes"
    if curve is None:
        return f"{question} cannot be told from {counted('unit', n)}."
    first, last = (round(size) for size in (curve.sizes[0], curve.sizes[-1]))
    rise, low, high = curve.rise
    ends = f"{_signed(rise)}, 95 % interval {_signed(low)} to {_signed(high)}"
    if target is None:
        return f"From {first} to {last} units the balanced accuracy changes by {ends}."
    if tuned.left_out.balanced(TUNED).estimate.low >= target:
        return f"A balanced accuracy of {target:.2f} is reached with these units."
    if not curve.rises:
        return (
            f"{question} to reach {target:.2f} the learning curve does not say: from {first} to "
            f"{last} units it does not surely rise ({ends})."
        )
    needed, least, most = (value - n for value in curve.needed(target))
    if math.isinf(least):
        return (
            f"The learning curve reaches {target:.2f} with no number of units that it could tell "
            f"of ({curve.farthest} at most)."
        )
    if most <= 0:
        return f"By the learning curve {target:.2f} is reached with these units."
    about = "no number can be given" if math.isinf(needed) else f"about {_more(needed)}"
    upper = "no upper end can be given" if math.isinf(most) else f"at most {_more(most)}"
    return (
        f"{question} to reach {target:.2f}: {about} by the learning curve, which is rough; by 95 % "
        f"of its draws at least {_more(least)}, {upper}."
    )


def _more(n: float) -> str:
    return f"{max(0, math.ceil(n))}"


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else '−'}{abs(value):.2f}"


def methods_csv(tuned: Tuned) -> str:
    """One row a method: its balanced accuracy, and how far above the bundle as it is."""
    rows = []
    for name in (UNTOUCHED, TUNED, *SIMPLE):
        figure = tuned.left_out.balanced(name)
        ends = (figure.estimate.value, figure.estimate.low, figure.estimate.high)
        row = [name, *map(_cell, ends), figure.over]
        gain = tuned.left_out.gain(name)
        beside = (gain.value, gain.low, gain.high)
        rows.append(row + (["", "", ""] if name == UNTOUCHED else [*map(_cell, beside)]))
    header = (
        "method", "balanced_accuracy", "low", "high", "interval", "gain", "gain_low", "gain_high",
    )  # fmt: skip
    return csv_text(header, rows)


def left_out_csv(tuned: Tuned) -> str:
    """One row a unit with a label: what each method called it that had not seen it."""
    classes = tuned.left_out.classes
    header = ["unit", "true_class", *(f"called_by_{name.replace(' ', '_')}" for name in
              tuned.left_out.methods)]  # fmt: skip
    rows = []
    for row, fact in enumerate(tuned.store.units.facts):
        called = [classes[of.predicted[row]] for of in tuned.left_out.methods.values()]
        rows.append([fact.unit_id, fact.label, *called])
    return csv_text(header, rows)


def curve_csv(tuned: Tuned) -> str:
    """One row a number of units that was tuned on."""
    rows = []
    if tuned.curve is not None:
        ends = np.quantile(tuned.curve.draws, (0.025, 0.975), axis=0)
        for size, value, low, high in zip(tuned.curve.sizes, tuned.curve.value, *ends, strict=True):
            rows.append([f"{size:.1f}", *map(_cell, (value, low, high))])
    return csv_text(("units", "balanced_accuracy", "low", "high"), rows)


def to_label_csv(tuned: Tuned) -> str:
    """One row a unit without a label, the one that teaches most first."""
    classes = tuned.bundle.classes
    header = [
        "order", "unit", "animal", "session", "called", "probability", "worth", "entropy",
        "disagreement", "novelty", "remarks",
    ]  # fmt: skip
    rows = []
    if (order := tuned.teaching) is not None:
        for place, row in enumerate(order.order.tolist()):
            fact, said = tuned.store.unlabelled.facts[row], order.probability[place]
            values = (order.worth, order.entropy, order.disagreement, order.novelty)
            rows.append(
                [
                    place + 1,
                    fact.unit_id,
                    fact.animal,
                    fact.session,
                    classes[said.argmax()],
                    _cell(said.max()),
                    *(_cell(of_units[place]) for of_units in values),
                    "; ".join(tuned.unlike[row]),
                ]
            )
    return csv_text(header, rows)


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}"


def next_units(tuned: Tuned, n: int = 5) -> str:
    """The first of the list, a sentence; "" where all have a label."""
    if tuned.teaching is None:
        return ""
    names = [tuned.store.unlabelled.facts[row].unit_id for row in tuned.teaching.order[:n]]
    share = number(float(tuned.teaching.entropy[:n].mean()), 2)
    return (
        f"Of {counted('unit', len(tuned.store.unlabelled))} without a label these would teach "
        f"most: {listed(names)} (entropy of what is said of them {share} of at most 1)."
    )
