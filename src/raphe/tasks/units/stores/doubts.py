"""What must be known of labels before a figure of theirs is believed.

Classes of a few units, animals that are not known, and labels that come with an animal or a
session, as the table of units tells.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from raphe.core.audit.confounding import Confounding, confoundings, numbered
from raphe.core.sentences import counted
from raphe.tasks.units.recordings.unit_set import UnitSet

FEW_UNITS = 10  # of a class: fewer, and a figure of it says next to nothing
GROUPS = ("animal", "session")  # coarsest first
FEWEST = 2  # groups of a class: one to train on, one to test on
SEED = 0  # of permutations that are too many to count


def confoundings_of(units: UnitSet, classes: Sequence[str]) -> list[Confounding]:
    """Where class and animal or session come together; all units have a label of `classes`."""
    label = np.array([classes.index(fact.label) for fact in units.facts])
    groups_by = {noun: numbered([getattr(fact, noun) for fact in units.facts]) for noun in GROUPS}
    rng = np.random.default_rng(SEED)
    return list(confoundings(label, groups_by, classes, FEWEST, rng, "unit"))


def few_units(counts: Mapping[str, int]) -> list[str]:
    """A sentence on each class of so few."""
    return [
        f"class {name} has {counted('unit', n)}: its figures will say next to nothing"
        for name, n in counts.items()
        if n < FEW_UNITS
    ]


def doubts(units: UnitSet, advise: bool = False) -> list[str]:
    """Of labelled units, a sentence each; `advise`: also how to split them for training."""
    counts = Counter(fact.label for fact in units.facts)
    sentences = few_units(counts)
    if not all(fact.animal for fact in units.facts):
        sentences.append(
            "the animals are not known of all units: units of one animal may be trained and tested "
            "on, and no figure will tell what holds in a new animal"
        )
    found = confoundings_of(units, sorted(counts))
    sentences += [told.sentence if advise else told.statement for told in found]
    if units.rate_hz is None and units.waveforms.shape[1]:
        sentences.append(
            "the sampling rate of the waveforms is not known: times are in samples, and a new unit "
            "is compared sample by sample (say it with --rate-hz)"
        )
    return sentences


def beside_figures(found: Confounding, split: str) -> str:
    """The sentence that stands beside figures of units that were split so."""
    kind, fact = found.kinds[0], f"{found.fact[:1].upper()}{found.fact[1:]}"
    if split in (*found.kinds, "animal"):
        return (
            f"{fact}: what the {kind}s of one class have in common beside it (line, rig, day) is "
            "scored as if it told cells apart."
        )
    remedy = (
        f"data.split={kind} tests on {kind}s that were not trained on"
        if found.can_be_split
        else "no split of these units can tell the two apart"
    )
    return f"{fact}: whatever tells {kind}s apart is scored as if it told cells apart ({remedy})."
