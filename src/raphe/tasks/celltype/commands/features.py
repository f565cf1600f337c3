"""The command that measures the cells of a store: `raphe features`."""

import argparse
import sys
from pathlib import Path

from raphe.core.command_line import add_overwrite, define
from raphe.core.errors import SettingError
from raphe.core.files.outputs import FIGURE, OutputFile
from raphe.core.parser import Parser
from raphe.core.sentences import counted

BEGINNING = b"cell_id,label,day,animal,n_spikes,"


def _is_table_of_features(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(len(BEGINNING)) == BEGINNING


TABLE = OutputFile("table of features", _is_table_of_features)


def add_features(parser: Parser) -> None:
    define(
        parser,
        _features,
        "One row per cell, measured on its mean spike. A feature that cannot be measured is blank, "
        "and the last column says why.",
    )
    parser.add_argument(
        "store", type=Path, nargs="?", help="a store, or a folder of the authors' arrays"
    )
    parser.add_argument("table", type=TABLE, nargs="?", help="CSV file to write")
    parser.add_argument(
        "--figure", type=FIGURE, metavar="PNG", help="also draw the features of each class"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say what each feature is and what SpikeInterface, CellExplorer and IPFX call it",
    )
    add_overwrite(parser)


def _features(options: argparse.Namespace) -> int:
    from raphe.tasks.celltype.features.feature_table import explain

    if options.explain:
        print(explain(), end="")
        return 0
    if options.table is None:
        raise SettingError(
            "raphe features: expected a store and a table to write; pass both, or --explain"
        )
    from raphe.core.files.atomic import make_folder, write_file
    from raphe.tasks.celltype.features.cell_features import cell_features, features_csv
    from raphe.tasks.celltype.stores.open_spikes import open_spikes

    if options.figure is not None:
        from raphe.core.figure_style import check_figure_name

        check_figure_name(options.figure)
    spikes = open_spikes(options.store)
    features = cell_features(spikes)
    make_folder(options.table.parent)
    write_file(options.table, features_csv(features))
    n_features = counted("feature", len(features.columns))
    print(f"{options.table}: {counted('cell', len(features.cells))}, {n_features}")
    if options.figure is not None:
        from raphe.core.figure_style import save_figure
        from raphe.tasks.celltype.evaluation.features_figure import features_figure

        save_figure(features_figure(features, spikes.note), options.figure)
        print(f"drew {options.figure}")
    first = next((i for i, reason in enumerate(features.missing) if reason), None)
    if first is not None:
        n_cells = counted("cell", sum(map(bool, features.missing)))
        print(
            f"warning: {n_cells} without every feature, see the column missing (the first is "
            f"{features.cells[first].cell_id}, {features.missing[first]})",
            file=sys.stderr,
        )
    return 0
