"""Units of several sessions, each read by itself, as one set in which no two have one name.

N units, T samples a waveform.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError, SettingError
from raphe.core.recordings.rates import same_rate
from raphe.core.sentences import counted, listed
from raphe.tasks.units.recordings.unit_set import WORDS, ReadUnits, UnitFacts, UnitSet
from raphe.tasks.units.recordings.window import Window, brought

ENDINGS = (".cell_metrics.cellinfo.mat", ".nwb", ".zarr")  # no part of a session's name


def joined(
    sources: Sequence[Path], reads: Sequence[ReadUnits], animals: Sequence[str] = ()
) -> ReadUnits:
    """All units, in the order of the sources; of one source they are as they were read.

    A unit is called after its source and its number there, "day1/12", and so is its session where
    the source names none.

    Args:
        sources: a file or folder each.
        reads: what was read of each.
        animals: of each source; none: as the sources tell.

    Raises:
        SettingError: a source that is given twice, animals that are not as many, or other than
            a source tells.
        RecordingError: rates or lengths that differ between sources.
    """
    _require_different(sources)
    if animals and len(animals) != len(sources):
        raise SettingError(
            f"--animals {','.join(animals)}: expected one for each of the "
            f"{counted('INPUT', len(sources))}, got {len(animals)}; repeat the name of an animal "
            "that was recorded again"
        )
    if animals:
        reads = [
            replace(read, units=replace(read.units, facts=_of_animal(source, read.units, animal)))
            for source, read, animal in zip(sources, reads, animals, strict=True)
        ]
    if len(sources) == 1:
        return reads[0]
    names = source_names(sources)
    facts: list[UnitFacts] = []
    for name, read in zip(names, reads, strict=True):
        facts += [
            replace(fact, unit_id=f"{name}/{fact.unit_id}", session=fact.session or name)
            for fact in read.units.facts
        ]
    arrays = {branch: _stacked(branch, sources, reads) for branch in WORDS}
    rate_hz = _one_rate(sources, reads)
    sizes = [len(read.units) for read in reads]
    arrays["waveform"], moved = _laid_alike(arrays["waveform"], sizes, names)
    units = UnitSet(facts, arrays["waveform"], arrays["isi"], arrays["acg"], rate_hz)
    return ReadUnits(
        units,
        [f"{name}: {told}" for name, read in zip(names, reads, strict=True)
         for told in read.left_out],
        [*(f"{name}: {told}" for name, read in zip(names, reads, strict=True)
           for told in read.remarks), *moved],
    )  # fmt: skip


def _laid_alike(
    waveforms: np.ndarray, sizes: Sequence[int], names: Sequence[str]
) -> tuple[np.ndarray, list[str]]:
    """Waveforms (N, T) of sources, so many of each, that lie in their windows as those of the first
    that tells how; and a sentence on each source that was changed."""
    parts = np.split(waveforms, np.cumsum(sizes)[:-1])
    windows = [Window.of(part) for part in parts]
    wanted = {
        fact: next(
            (value for window in windows if (value := getattr(window, fact)) is not None), None
        )
        for fact in ("place", "level", "up")
    }
    laid, told = [], []
    for name, part in zip(names, parts, strict=True):
        alike, changes = brought(part, Window(**wanted))
        laid.append(alike.astype(np.float32))
        told += [f"{name}: waveforms were {change}, to lie as the others" for change in changes]
    return np.concatenate(laid), told


def source_names(sources: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths that tell all of them apart.

    >>> source_names([Path("/rat7/day1/phy"), Path("/rat7/day2/phy")])
    ['day1/phy', 'day2/phy']
    """
    paths = [source.resolve() for source in sources]
    names: list[str] = []
    for length in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-length:]) for path in paths]
        names = [next((n.removesuffix(e) for e in ENDINGS if n.endswith(e)), n) for n in names]
        if len(set(names)) == len(names):
            break
    return names


def _require_different(sources: Sequence[Path]) -> None:
    times = Counter(source.resolve() for source in sources)
    source, n = times.most_common(1)[0]
    if n > 1:
        raise SettingError(f"{source}: is given {n} times; give each session once")


def _of_animal(source: Path, units: UnitSet, animal: str) -> list[UnitFacts]:
    told = {fact.animal for fact in units.facts} - {"", animal}
    if told:
        raise SettingError(
            f"--animals: expected the animal of {source} to be {listed(sorted(told))}, as it tells "
            f"itself, got {animal}; correct one of them"
        )
    return [replace(fact, animal=animal) for fact in units.facts]


def _stacked(branch: str, sources: Sequence[Path], reads: Sequence[ReadUnits]) -> np.ndarray:
    """float32 (N, columns); rows of NaN of a source without this."""
    arrays = [read.units.arrays[branch] for read in reads]
    lengths = {array.shape[1]: source for array, source in zip(arrays, sources, strict=True)}
    known = sorted(filter(None, lengths))
    if len(known) > 1:
        first, second = known[:2]
        raise RecordingError(
            f"{lengths[second]}: expected as many columns of {WORDS[branch]} as of the other "
            f"sources, {first} of {lengths[first]}, got {second}; cut them alike, or import them "
            "into stores of their own"
        )
    n_columns = known[0] if known else 0
    return np.concatenate(
        [
            array if array.shape[1] else np.full((len(array), n_columns), np.nan, np.float32)
            for array in arrays
        ]
    )


def _one_rate(sources: Sequence[Path], reads: Sequence[ReadUnits]) -> float | None:
    """Of the waveforms; None where no source that has any tells it."""
    stated = [
        (source, read.units.rate_hz)
        for source, read in zip(sources, reads, strict=True)
        if read.units.waveforms.shape[1]
    ]
    rates = {rate_hz for _, rate_hz in stated}
    for source, rate_hz in stated:
        first_source, first_hz = stated[0]
        differ = (rate_hz is None) != (first_hz is None) or (
            rate_hz is not None and first_hz is not None and not same_rate(rate_hz, first_hz)
        )
        if differ:
            words = [f"{rate:g} Hz" if rate else "an unknown one" for rate in (first_hz, rate_hz)]
            raise RecordingError(
                f"{source}: expected waveforms at the rate of {first_source}, {words[0]}, got "
                f"{words[1]}; say it with --rate-hz where it is not known, or import them into "
                "stores of their own"
            )
    return next(iter(rates), None)
