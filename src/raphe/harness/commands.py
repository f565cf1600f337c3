"""The commands that serve every task."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from raphe.core.command_line import Command, add_overwrite, define, hydra_word
from raphe.core.ending import AGAIN
from raphe.core.errors import RapheError, SettingError, UsageError
from raphe.core.files.outputs import Output
from raphe.core.parser import Parser
from raphe.core.sentences import printable
from raphe.harness.database.address import add_where_tracked

if TYPE_CHECKING:  # takes a while to load
    from omegaconf import DictConfig

COMMANDS = (
    Command(
        "train",
        "train, test and track a network; with -m a sweep over settings",
        "raphe.harness.start.program:train",
        passes_on=True,
    ),
    Command(
        "export",
        "make a bundle of a tracked sweep's members, to predict with",
        "raphe.harness.commands:add_export",
        when_interrupted=AGAIN,
    ),
    Command(
        "draw",
        "draw the figures of tracked runs' tests, which a sweep draws of the chosen member",
        "raphe.harness.commands:add_draw",
        when_interrupted=AGAIN,
    ),
    Command(
        "runs",
        "list tracked runs and what they take up, clean, set the champion",
        "raphe.harness.runs.commands:add_runs",
    ),
    Command(
        "sweep",
        "look after a sweep that was left to a cluster: status, wait, report",
        "raphe.harness.sweeps.commands:add_sweep",
        when_interrupted="the sweep goes on; " + AGAIN,
    ),
    Command(
        "spread",
        "divide a large prediction or synthesis over jobs, here or on SLURM, and join them",
        "raphe.harness.spread.commands:add_spread",
        when_interrupted="what the jobs have made stays; " + AGAIN,
    ),
    Command("ui", "show the tracked runs in the browser", "raphe.harness.commands:add_ui"),
    Command("check", "the hash of every file", "raphe.core.command_line:add_check_hashes"),
)


def add_export(parser: Parser) -> None:
    define(
        parser,
        _export,
        "Its data must be where they were when it ran, unchanged. With --checkpoints a bundle of "
        "networks in files, such as the authors' Keras models, of whose training nothing is known. "
        "Other settings than these: raphe train stage=export.",
    )
    parser.add_argument(
        "--sweep",
        metavar="RUN",
        help="id of the sweep or of a single run, or its beginning as `raphe runs` shows it "
        "(default: the newest sweep over settings or seeds, or bank; without one the only run)",
    )
    parser.add_argument(
        "--checkpoints",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="networks in place of a sweep's, .keras or .ckpt, or folders of them",
    )
    parser.add_argument(
        "--store",
        type=Path,
        help="labelled spikes of cells that none of the checkpoints was trained on, to calibrate "
        "them on (default: not calibrated, nothing promised)",
    )
    parser.add_argument(
        "--out", type=Output.FOLDER, metavar="DIR", help="folder to make for the bundle"
    )
    parser.add_argument(
        "--members",
        metavar="WAY",
        help="which to take, as all, best or top:N; a task may know more ways, see export.members "
        "in its settings (default: as configured, of checkpoints all)",
    )
    add_where_tracked(parser)
    parser.add_argument(
        "--experiment",
        metavar="NAME",
        help="to take the newest sweep or single run of (default: of all)",
    )
    parser.add_argument(
        "--champion",
        metavar="HOW",
        help="whether the new version becomes champion: compare (default: unless it is clearly "
        "worse than the older on cells that neither was made with), move (always) or keep (never)",
    )
    parser.add_argument(
        "--data-root",
        type=Path,
        metavar="DIR",
        help="where the runs' own data lie, as the simulated ones, and bundles are made (default: "
        "as raphe train has it here; a run's record does not decide it)",
    )
    parser.add_argument(
        "--config-dir",
        type=Path,
        metavar="DIR",
        help="your own settings beside raphe's, as raphe train had them: a run's record names a "
        "task, and what the task calls stands in the settings here",
    )
    add_overwrite(parser)
    registering = parser.add_mutually_exclusive_group()
    registering.add_argument(
        "--register",
        metavar="NAME",
        help="name in MLflow's model registry (default: as configured, of checkpoints none)",
    )
    registering.add_argument(
        "--no-register", action="store_true", help="leave MLflow's model registry as it is"
    )


def _export(options: argparse.Namespace) -> int:
    from raphe.harness.database.folder import require_runs

    _require_one_source(options)
    if options.uri is None and not options.checkpoints:
        require_runs(options.runs)  # told before MLflow and torch are loaded, which takes seconds
    from raphe.harness.export import export_files, export_sweep
    from raphe.harness.process import quieten
    from raphe.harness.registry import recorded_with_choices
    from raphe.harness.settings.configuration import composed_settings
    from raphe.harness.start.explain import user_line
    from raphe.harness.sweeps.finding import find_sweep

    quieten()
    try:
        if options.checkpoints:
            config = composed_settings(_overrides(options), options.config_dir)
            _take_files(options, config.export.get("checkpoints"))
            config.runs_root, config.tracking.uri = str(options.runs), options.uri
            export_files(config)
            return 0
        found = find_sweep(options.runs, options.uri, options.sweep, options.experiment)
        recorded = recorded_with_choices(found.tracker, found.run)
        if found.sentence:
            print(printable(found.sentence))
        overrides = [*_overrides(options), *_of_bundle(options)]
        export_sweep(found.tracker, found.run, recorded, overrides, options.config_dir)
    except Exception as error:
        line = user_line(error)
        if line is None:
            raise
        raise RapheError(line) from error
    return 0


def _require_one_source(options: argparse.Namespace) -> None:
    """Raises UsageError where options of a sweep and of checkpoints stand together."""
    if options.store and not options.checkpoints:
        raise UsageError(
            "--store: is for --checkpoints; a sweep's networks are calibrated on the cells that "
            "their own data held out"
        )
    for name in ("sweep", "experiment"):
        if options.checkpoints and getattr(options, name):
            raise UsageError(
                f"--checkpoints, --{name}: expected networks in files or those of a sweep, got "
                "both; name one"
            )
    if options.sweep and options.experiment:
        raise UsageError(
            f"--sweep {options.sweep}, --experiment {options.experiment}: a run that is named is "
            "taken from whichever experiment it is of; leave out --experiment"
        )
    if options.checkpoints and options.out is None:
        raise UsageError("--checkpoints: name a folder to make for the bundle with --out DIR")


def _overrides(options: argparse.Namespace) -> list[str]:
    """What the options set, whatever is exported, as `raphe train` takes it."""
    given = {
        "data_root": options.data_root,
        "export.out": options.out,
        "export.overwrite": options.overwrite or None,
        "export.champion": options.champion,
    }
    return [f"{name}={hydra_word(value)}" for name, value in given.items() if value is not None]


def _of_bundle(options: argparse.Namespace) -> list[str]:
    """Of a bundle's members and name; a task may have no choice of members, and says so then."""
    overrides = []
    if options.members:
        overrides.append(f"++export.members={hydra_word(options.members)}")
    if options.register:
        overrides.append(f"export.register_as={hydra_word(options.register)}")
    return [*overrides, "export.register_as=null"] if options.no_register else overrides


def _take_files(options: argparse.Namespace, section: "DictConfig | None") -> None:
    """Put options into the settings of an export of networks in files."""
    if section is None:
        raise SettingError(
            "--checkpoints: the task that is set exports no networks in files; leave out task=… of "
            "RAPHE_SETTINGS"
        )
    section.files = [str(path) for path in options.checkpoints]
    section.store = str(options.store) if options.store else None
    if options.members:
        section.members = options.members
    if options.register or options.no_register:
        section.register_as = options.register


def add_draw(parser: Parser) -> None:
    define(
        parser,
        _draw,
        "Tests the run's weights once more and puts the figures among its files; its data must be "
        "where they were, unchanged. Of a sweep all finished members that have no figures.",
    )
    parser.add_argument(
        "tracked", metavar="RUN", help="id of a run, or its beginning as `raphe runs` shows it"
    )
    add_where_tracked(parser)
    parser.add_argument(
        "--data-root",
        type=Path,
        metavar="DIR",
        help="where the run's own data lie, as the simulated ones (default: as raphe train has it "
        "here; a run's record does not decide it)",
    )
    parser.add_argument(
        "--config-dir",
        type=Path,
        metavar="DIR",
        help="your own settings beside raphe's, as raphe train had them",
    )


def _draw(options: argparse.Namespace) -> int:
    from raphe.harness.database.folder import require_runs

    if options.uri is None:
        require_runs(options.runs)  # told before MLflow and torch are loaded, which takes seconds
    from raphe.harness.process import quieten
    from raphe.harness.runs.drawing import draw_all
    from raphe.harness.start.explain import user_line
    from raphe.harness.sweeps.finding import find_sweep

    quieten()
    try:
        found = find_sweep(options.runs, options.uri, options.tracked)
        draw_all(found.tracker, found.run, options.data_root, options.config_dir)
    except Exception as error:
        line = user_line(error)
        if line is None:
            raise
        raise RapheError(line) from error
    return 0


def add_ui(parser: Parser) -> None:
    define(
        parser,
        _ui,
        "Starts MLflow's page, without its telemetry, and prints the link to the runs of the "
        "experiment. Ctrl-C ends it.",
    )
    parser.add_argument("--port", type=int, default=5000, help="(default: %(default)s)")
    parser.add_argument(
        "--runs", type=Path, default=Path("mlruns"), help="folder of tracked runs (default: mlruns)"
    )
    parser.add_argument(
        "--experiment", metavar="NAME", help="to open (default: that of the newest run)"
    )


def _ui(options: argparse.Namespace) -> int:
    from raphe.harness.ui import show

    return show(options.runs, options.port, options.experiment)
