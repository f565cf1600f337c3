"""What a test of Elephant's network leaves: figures and tables, and where training was focused."""

from matplotlib.figure import Figure

from raphe.tasks.calcium.elephant.data import ElephantData
from raphe.tasks.calcium.elephant.embedding_figure import spaces_figure
from raphe.tasks.calcium.elephant.module import ElephantModule
from raphe.tasks.calcium.metrics.cell_report import cell_report


def evaluate(model: ElephantModule, data: ElephantData) -> dict[str, Figure | str]:
    """Draw and tabulate each test set of a tested model, by file name; see `cell_report`.

    Where training was focused, also `spaces.png`: the new recordings among the datasets.
    """
    files: dict[str, Figure | str] = {}
    for name, cells in model.inferred.items():
        files |= cell_report(name, cells, data.test_store(name))
    if data.focus:
        embedding = data.focus.embedding_without(data.only_tested)
        placed = {"new": embedding.place(data.focus.statistics)}
        files["spaces.png"] = spaces_figure(embedding, placed)
    return files
