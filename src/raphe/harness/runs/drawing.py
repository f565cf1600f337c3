"""The figures of runs that were tested without being drawn, as a sweep's members are."""

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from omegaconf import DictConfig

from raphe.core.command_line import hydra_word, printed_command
from raphe.core.errors import SettingError
from raphe.core.files.checkpoint import require_weights, write_state
from raphe.core.files.scratch import Scratch
from raphe.core.sentences import counted, listed, printable
from raphe.harness import registry
from raphe.harness.export_data import differing_settings, rebuild
from raphe.harness.process import quieten
from raphe.harness.records.tracked_run import CHECKPOINT_FILE, CHECKPOINT_FOLDER
from raphe.harness.report.csv_tables import figures_of, metrics_and_artifacts
from raphe.harness.report.next_step import places
from raphe.harness.report.note import stamped
from raphe.harness.run import build_model, evaluated, threads
from raphe.harness.runs.artifacts import MOST_CHECKPOINT_BYTES, fetch
from raphe.harness.settings.composed import DRAWS
from raphe.harness.settings.configuration import composed_settings, own_folder
from raphe.harness.start.explain import user_line
from raphe.harness.tracking import DRAWN_TAG, SWEEP_TAG, RunFacts, Tracker
from raphe.harness.trainer import build_trainer

FINISHED = "FINISHED"


def draw(
    tracker: Tracker,
    run: RunFacts,
    data_root: str | None = None,
    config_dir: Path | None = None,
) -> list[str]:
    """Test a finished run's weights once more, on the processor, and track the figures of it.

    Args:
        tracker: of the run's experiment.
        data_root: where its data lie (default: where `raphe train` has them here).
        config_dir: the person's own settings beside conf/.

    Returns:
        The figures' file names among the run's artifacts.

    Raises:
        SettingError: where its record, weights or data are not as they were.
    """
    quieten()  # Lightning may have been loaded since the command began, which wakes its log
    recorded = registry.recorded_with_choices(tracker, run)
    where = [] if data_root is None else [f"data_root={hydra_word(data_root)}"]
    local, own = recorded.local(where, config_dir)
    config = recorded.laid_over(local, own)
    config.trainer = composed_settings(["trainer=cpu"], config_dir).trainer
    torch.set_num_threads(threads(config, n_workers=1))
    data = rebuild(config, [run], differing_settings(local, config))
    with Scratch() as scratch:
        kept = f"{CHECKPOINT_FOLDER}/{CHECKPOINT_FILE}"
        weights = fetch(tracker, run.run_id, kept, scratch, MOST_CHECKPOINT_BYTES)
        require_weights(weights, recorded.run)
        _forget_training(weights)
        trainer = build_trainer(config, scratch, [])
        results = evaluated(config, trainer, build_model(config, data), data, weights)
    figures = figures_of(metrics_and_artifacts(results)[1])
    tracked = tracker.opened(run.run_id)
    tracked.log_artifacts(stamped(figures, data.note))
    tracked.set_tags({DRAWN_TAG: "yes"})
    return list(figures)


def _forget_training(weights: Path) -> None:
    """Leave out of a checkpoint what the callbacks of its training kept, which Lightning misses."""
    content = torch.load(weights, weights_only=True)
    write_state({**content, "callbacks": {}}, weights)


def draw_all(
    tracker: Tracker, run: RunFacts, data_root: Path | None, config_dir: Path | None
) -> None:
    """Draw a run's figures, or, of a sweep, those of each finished member that has none, and print
    what was drawn. Arguments as of `draw`; raises SettingError as it does."""
    is_sweep = SWEEP_TAG in run.tags
    runs = [each for each in registry.members(tracker, run) if each.status == FINISHED]
    if not runs:
        whose = "none of its members has finished" if is_sweep else f"is {run.status.lower()}"
        raise SettingError(
            f"{run.name} {run.run_id}: {whose}, and there is nothing to draw; run its command "
            "again to go on with it"
        )
    drawn = [each for each in runs if is_sweep and DRAWN_TAG in each.tags]
    if drawn:
        print(f"{counted('member', len(drawn))} of {len(runs)} had their figures before.")
    for each in (each for each in runs if each not in drawn):
        names = draw(tracker, each, None if data_root is None else str(data_root), config_dir)
        print(printable(f"{each.name} {each.run_id}: {listed(names)}"), flush=True)


def draw_members(
    tracker: Tracker, config: DictConfig, runs: Sequence[RunFacts], chosen: RunFacts | None
) -> None:
    """Draw what is to be drawn of a sweep's members and is not yet, as the setting `draw` says.

    The chosen one, or the only one; of what cannot be drawn it is said why, and the sweep goes on.
    """
    only = runs[0] if len(runs) == 1 else None
    wanted = runs if config.draw == DRAWS[-1] else [run for run in (chosen or only,) if run]
    for run in wanted:
        if DRAWN_TAG in run.tags:
            continue
        try:
            draw(tracker, run, config.data_root, own_folder(config))
        except Exception as error:
            line = user_line(error) or f"{type(error).__name__}: {error}"
            again = printed_command("raphe", "draw", run.run_id, *tracker.options, *places(config))
            told = f"note: {run.name}: its figures were not drawn: {line}; `{again}` draws them"
            print(printable(told), file=sys.stderr, flush=True)
