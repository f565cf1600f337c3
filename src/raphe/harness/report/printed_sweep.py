"""The results of a sweep on the terminal."""

from omegaconf import DictConfig
from rich.console import Console

from raphe.harness.report.means import Means
from raphe.harness.report.means_table import print_means
from raphe.harness.report.next_step import print_note_and_next
from raphe.harness.report.sweep_conclusion import sweep_conclusion
from raphe.harness.report.sweep_results import SweepResults
from raphe.harness.report.sweep_table import sweep_legend, sweep_table
from raphe.harness.tracking import NOTE_TAG, PARENT_TAG, Tracker


def print_sweep(
    results: SweepResults, tracker: Tracker, export_from: DictConfig | None, means: Means | None
) -> None:
    """Print the conclusion, one table, what is meant by it and where to look next.

    The table is of the members; of a sweep that repeats what it compares, of the means.
    """
    if not results.runs:
        return
    console = Console(highlight=False, markup=False)
    for sentence in sweep_conclusion(results):
        console.print(sentence)
    if means is None or not means.compared:
        console.print(sweep_table(results))
        console.print(sweep_legend(results))
    if means is not None:
        print_means(means, each_fold_chooses=False)
    first = results.runs[0]
    note, parent = first.tags.get(NOTE_TAG, ""), first.tags.get(PARENT_TAG, "")
    print_note_and_next(console, note, parent, tracker, export_from)
