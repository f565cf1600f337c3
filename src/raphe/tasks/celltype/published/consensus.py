"""The consensus of networks of several kernels, as the text has it and as the code has it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from raphe.core.claims import Claim, note_claim
from raphe.core.errors import SettingError
from raphe.core.files.csv_text import csv_text
from raphe.tasks.celltype.metrics.predictions import Predictions
from raphe.tasks.celltype.metrics.set_result import SetResult
from raphe.tasks.celltype.published.paper_numbers import CODE_KERNELS, TEXT_KERNELS
from raphe.tasks.celltype.published.run_claims import (
    cell_claims,
    contents,
    require_two_classes,
    test_sets,
)
from raphe.tasks.celltype.published.run_folder import RunResults


@dataclass(frozen=True)
class Consensus:
    """The mean of networks with these kernels, on each test set; none where a kernel is missing."""

    where: str  # "text" or "code", which has these kernels
    kernels: range
    missing: tuple[int, ...]
    results: Mapping[str, SetResult]  # by test set

    @property
    def name(self) -> str:
        return f"k{self.kernels[0]}-{self.kernels[-1]}"


def consensuses(name: str, members: Mapping[int, RunResults]) -> list[Consensus]:
    """That of the text and that of the code.

    Args:
        name: of the sweep.
        members: networks by kernel size.

    Raises:
        SettingError: for other than two classes, or members tested on different spikes.
    """
    of_each = []
    for where, kernels in (("text", TEXT_KERNELS), ("code", CODE_KERNELS)):
        missing = tuple(kernel for kernel in kernels if kernel not in members)
        results = {}
        for set_name in () if missing else test_sets(members[kernels[0]]):
            results[set_name] = mean_of([members[kernel].sets[set_name] for kernel in kernels])
            require_two_classes(name, results[set_name])
        of_each.append(Consensus(where, kernels, missing, results))
    return of_each


def consensus_claims(name: str, of_each: Sequence[Consensus], note: str) -> list[Claim]:
    """Both definitions on each test set, and what the two differ in."""
    claims = note_claim(name, note)
    by_set: dict[str, list[SetResult]] = defaultdict(list)
    for consensus in of_each:
        kernels = consensus.kernels
        source = f"{name}, ensemble of the {consensus.where}, k = {kernels[0]}…{kernels[-1]}"
        if consensus.missing:
            claims.append(_missing(source, consensus.missing))
        for set_name, result in consensus.results.items():
            claims += cell_claims(f"{source}, {contents(result)}", result)
            by_set[set_name].append(result)
    for both in by_set.values():
        if len(both) == 2:
            claims.append(_difference(f"{name}, {contents(both[0])}", *both))
    return claims


def mean_of(members: Sequence[SetResult]) -> SetResult:
    """The mean of members' predictions to the same spikes. Raises SettingError for others."""
    first = members[0].spikes
    for other in (member.spikes for member in members[1:]):
        same = np.array_equal(other.label, first.label) and np.array_equal(other.cell, first.cell)
        if not same or other.cell_ids != first.cell_ids:
            raise SettingError(
                "the members of this sweep were tested on different spikes; reproduce a sweep "
                "whose members share their data and seed"
            )
    mean = Predictions(
        np.mean([member.spikes.probability for member in members], axis=0),
        np.mean([member.spikes.sigmoid for member in members], axis=0),
        first.label,
        first.cell,
        first.cell_ids,
    )
    return replace(members[0], spikes=mean)


def consensus_csv(result: SetResult) -> str:
    """One row a cell: its class, the class called as published, the mean of both outputs."""
    cells, classes = result.cells, result.classes
    called_first = cells.sigmoid[:, 0] > cells.sigmoid[:, 1]
    rows = []
    for i, (index, label) in enumerate(zip(cells.cell, cells.label, strict=True)):
        day = result.known_cells[index].day if result.known_cells else ""
        n_spikes = int(((result.spikes.cell == index) & (result.spikes.label == label)).sum())
        called = classes[0 if called_first[i] else 1]
        outputs = [f"{output:.6f}" for output in cells.sigmoid[i]]
        rows.append([result.cell_name(index), day, classes[label], called, n_spikes, *outputs])
    header = ["cell", "day", "true_class", "called_class", "n_spikes"]
    return csv_text([*header, *(f"mean_output_{name}" for name in classes)], rows)


def _difference(source: str, text: SetResult, code: SetResult) -> Claim:
    n = int((text.cells.predicted != code.cells.predicted).sum())
    return Claim(
        source,
        "cells that the two ensembles call differently",
        "one ensemble",
        f"{n} of {len(text.cells.label)}",
        f"The code has one more member, k = {CODE_KERNELS[-1]}.",
    )


def _missing(source: str, missing: Sequence[int]) -> Claim:
    kernels = ", ".join(map(str, missing))
    return Claim(
        source,
        "members of the ensemble",
        "all of these kernels",
        f"none with k = {kernels}",
        "Train them, as raphe train experiment=k_sweep does.",
    )
