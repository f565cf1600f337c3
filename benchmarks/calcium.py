"""Spike rates on the field's ground truth: each data set left out in turn, beside other methods.

    python benchmarks/calcium.py                        each set left out
    python benchmarks/calcium.py --by laboratory        each laboratory; or --by indicator
    python benchmarks/calcium.py --minutes 55           stop then; the same command goes on
    python benchmarks/calcium.py --bundle BUNDLE        no training: a bundle on all of the sets
    … --bundle BUNDLE --scaled                          its rates multiplied, each set's by what the
                                                        others ask for that their means be right

A fold is trained and exported by `raphe train` and `raphe export`, with the settings that the
project has for both and what --both, --synthetic and --fold add; the networks begin from one
training on synthetic traces alone. What is finished is kept below --folder, and the table is
written anew after each fold. The recordings are not the project's to hand on: where they are absent
the benchmark says so and ends.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from calcium_folds import Clock, Folds, OutOfTimeError, Recipe
from calcium_scores import (
    EVERY,
    NONE,
    NONE_SCORED,
    SLOWER_ALONE,
    Scored,
    scale_by_others,
    score_sets,
)
from calcium_sets import DATA, GROUPS, PEERS, dataset_files, read_peers
from calcium_tables import Scores, tables
from machine import REPOSITORY, RESULTS, options_of, write_tables

from raphe.core.bundles.bundle import open_bundle
from raphe.core.sentences import listed
from raphe.tasks.calcium.ensemble.bundle import CONFIG, KIND
from raphe.tasks.calcium.metrics.left_out import Folds as FoldsMade
from raphe.tasks.calcium.metrics.left_out import left_out_csv, making_digest
from raphe.tasks.calcium.metrics.rate_scale import UNSCALED, RateScale
from raphe.tasks.calcium.stores.trace_store import open_traces

FOLDER = REPOSITORY / "data" / "calcium_benchmark"


def groups_of(files: Mapping[str, Path], by: str) -> dict[str, list[str]]:
    """What is left out at once, by a name that a folder may have."""
    groups: dict[str, list[str]] = {}
    for dataset in files:
        name = GROUPS[by](dataset).replace(", ", "_").replace("–", "-")
        groups.setdefault(name, []).append(dataset)
    return groups


def options() -> argparse.Namespace:
    parser = options_of(__doc__, "calcium")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of DS….npz and peers.csv")
    parser.add_argument("--by", choices=GROUPS, default="set", help="what a fold leaves out")
    parser.add_argument("--only", nargs="+", metavar="FOLD", help="as DS04; default: all")
    parser.add_argument("--sets", nargs="+", metavar="SET", help="use these alone, as DS04 DS05")
    parser.add_argument("--bundle", type=Path, help="score this one, and train nothing")
    parser.add_argument("--scaled", action="store_true", help="with --bundle: see above")
    parser.add_argument("--minutes", type=float, default=55, help="to train for, in this call")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="what was trained is kept here")
    parser.add_argument("--as-recorded", action="store_true", help="no other frame rates or noise")
    parser.add_argument("--threads", type=int, default=1, help="of inference")
    recipe = parser.add_argument_group("settings of raphe train, as model.members=1")
    recipe.add_argument("--recipe", default="default", help="name of these settings' folder")
    for name in ("both", "synthetic", "fold"):
        recipe.add_argument(f"--{name}", nargs="+", default=[], metavar="SETTING=VALUE")
    return parser.parse_args()


def scored(chosen: argparse.Namespace, files: Mapping[str, Path]) -> tuple[Scored, list[str]]:
    """Scores of all folds that are finished, and the names of those that are not."""
    conditions = NONE if chosen.as_recorded else EVERY
    if chosen.bundle:
        content = open_bundle(chosen.bundle, KIND).content_hash
        home = chosen.folder / "bundles" / content
        home.mkdir(parents=True, exist_ok=True)
        plain = "-plain" if chosen.as_recorded else ""
        scales: dict[str, RateScale] = {}
        if chosen.scaled:
            scales, plain = scales_by_others(chosen, files, home), f"{plain}-scaled"
        found = NONE_SCORED
        for name, file in files.items():
            out, scale = home / f"{name}{plain}.csv", scales.get(name, UNSCALED)
            found += score_sets(chosen.bundle, [file], out, conditions, chosen.threads, scale)
            write(chosen, found, [])
        found.write(home / f"scores{plain}.csv")
        return found, []
    settings = (tuple(getattr(chosen, name)) for name in ("both", "synthetic", "fold"))
    folds = Folds(Recipe(chosen.recipe, *settings), chosen.folder, Clock(chosen.minutes))
    folds.begin(files)
    groups = groups_of(files, chosen.by)
    waiting = [name for name in groups if chosen.only is None or name in chosen.only]
    found = NONE_SCORED
    for name in list(waiting):
        try:
            bundle = folds.bundle(name, groups[name])
        except OutOfTimeError:
            break
        out = bundle.parent / f"scores{'-plain' if chosen.as_recorded else ''}.csv"
        tested = [files[dataset] for dataset in groups[name]]
        found += score_sets(bundle, tested, out, conditions, chosen.threads)
        waiting.remove(name)
        write(chosen, found, waiting)
    return found, waiting


def scales_by_others(
    chosen: argparse.Namespace, files: Mapping[str, Path], home: Path
) -> dict[str, RateScale]:
    """Of each set what the others ask for, by scores as recorded and slower, kept in `home`."""
    unscaled = NONE_SCORED
    for name, file in files.items():
        out = home / f"{name}-unscaled.csv"
        unscaled += score_sets(chosen.bundle, [file], out, SLOWER_ALONE, chosen.threads)
    return {name: scale_by_others(unscaled, name) for name in files}


def write(chosen: argparse.Namespace, found: Scored, waiting: list[str]) -> None:
    what = f"each {chosen.by} left out of training in turn"
    if chosen.bundle:
        what = f"bundle {chosen.bundle.name}, whatever it was trained on, on all sets"
        what += ", scaled by what the others ask for" if chosen.scaled else ""
    output = chosen.output
    if output == RESULTS / "calcium.md" and (chosen.by != "set" or chosen.bundle):
        output = RESULTS / f"calcium_by_{'bundle' if chosen.bundle else chosen.by}.md"
    added = " ".join((*chosen.both, *chosen.synthetic, *chosen.fold))
    about = [
        f"`python benchmarks/calcium.py --by {chosen.by}`, {what}",
        *([f"recipe {chosen.recipe}: {added}"] if added else []),
        *([f"of these {listed(chosen.only)} alone"] if chosen.only else []),
        "ground truth of Rupprecht et al. 2021 and 2025; a neuron's recordings are scored as one",
        *([f"**not finished: {', '.join(waiting)}**"] if waiting else []),
    ]
    scores = Scores(found.rows, read_peers(chosen.data))
    if not chosen.bundle:
        home = chosen.folder / chosen.recipe
        made = folds_made(home, chosen.by, scores.datasets)
        (home / f"left_out_by_{chosen.by}.csv").write_text(
            left_out_csv(scores.by_dataset, made, found.seconds)
        )
    title = "Spike rates from calcium on the field's ground truth"
    write_tables(output, title, "; ".join(about), tables(scores, found.seconds))


def folds_made(home: Path, by: str, tested: Sequence[str]) -> FoldsMade:
    """What the folds in a recipe's folder leave out, of which store and with which settings."""
    store = open_traces(home / "traces")
    n_folds, n_all = (len({*map(GROUPS[by], sets)}) for sets in (tested, store.datasets))
    bundles = sorted((home / "folds").glob("*/bundle"))
    settings = (bundles[0] / CONFIG).read_text(encoding="utf-8")
    return FoldsMade(by, n_folds, n_all, store.content_hash, making_digest(settings))


def main() -> None:
    chosen = options()
    files = dataset_files(chosen.data)
    if chosen.sets:
        files = {name: file for name, file in files.items() if name.split("-")[0] in chosen.sets}
    if not files or not (chosen.data / PEERS).exists():
        print(f"skipped: {chosen.data}: expected DS….npz and {PEERS}, found none; pass --data")
        return
    _, waiting = scored(chosen, files)
    if waiting:
        sys.exit(f"not finished: {', '.join(waiting)}; give the same command again to go on")


if __name__ == "__main__":
    main()
