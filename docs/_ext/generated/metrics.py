"""Every figure that a run logs, from the tables that label plots and reports."""

from generated.markdown import code, escaped, table
from raphe.core.metric_names import OF_A_RUN, Figure, Names
from raphe.tasks.calcium.metrics import names as calcium
from raphe.tasks.celltype.metrics import names as celltype
from raphe.tasks.glif.metrics import names as glif
from raphe.tasks.units.metrics import names as units

TABLES = {
    "`task=celltype`": celltype.names,
    "`task=calcium`": calcium.names,
    "`task=elephant`": calcium.elephant_names,
    "`task=elephant_embedding`": calcium.embedding_names,
    "`task=glif`": glif.names,
    "`task=lstm_glif`": glif.lstm_study_names,
    "`task=units`": units.names,
}
BETTER = {"higher": "higher", "lower": "lower", None: "–"}


def page() -> str:
    parts = ["## Of every run", _table(OF_A_RUN)]
    for title, names in TABLES.items():
        made: Names = names()
        parts += [f"## {title}", _table(made.figures)]
    return "\n\n".join(parts)


def _table(figures: tuple[Figure, ...]) -> str:
    rows = [
        (
            code(figure.name),
            ", ".join(figure.levels) or "–",
            escaped(figure.unit) or "–",
            BETTER[figure.better],
            escaped(figure.meaning),
        )
        for figure in figures
    ]
    return table(("figure", "of each of", "unit", "better", "meaning"), rows)
