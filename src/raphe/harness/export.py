"""From a tracked sweep to a bundle: find its members, rebuild their data, let the task export them.

The task is reached through `export._target_` of its file in conf/task. It is called with `runs`
(the finished members, a list of TrainedRun), `data` (the datamodule, set up for fit and test),
`settings` (those of the runs, as YAML), `provenance` (JSON facts for the manifest), the folder
`out`, `overwrite`, and whatever else the `export` section holds; it returns an Exported.

A task whose networks may come as files, not as runs, also has `export.checkpoints`, which is called
with `files`, `provenance`, `out`, `overwrite` and whatever else that section holds.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import call
from omegaconf import DictConfig, OmegaConf

from raphe.core.bundles.bundle import BUNDLE, BundleWriter
from raphe.core.command_line import printed_command
from raphe.core.errors import RapheError, SettingError
from raphe.core.files.checkpoint import require_weights
from raphe.core.files.hashed_folder import CONTENT_HASH
from raphe.core.files.locks import locked
from raphe.core.files.scratch import Scratch
from raphe.core.protocol import Exported, TrainedRun
from raphe.core.sentences import counted, printable
from raphe.harness import identity, registry
from raphe.harness.export_data import differing_settings, rebuild, require_same_data
from raphe.harness.process import quieten
from raphe.harness.records.description import conclude, describe_export
from raphe.harness.run_location import overrides_of_call
from raphe.harness.runs import artifacts
from raphe.harness.runs.artifacts import MOST_CHECKPOINT_BYTES
from raphe.harness.runs.champion import check_policy, crown
from raphe.harness.settings.composed import POLICIES, plain
from raphe.harness.settings.recorded import Recorded
from raphe.harness.start.explain import RunFailed
from raphe.harness.sweeps.choice import chosen_for
from raphe.harness.sweeps.finding import find_sweep
from raphe.harness.tracking import (
    CHOSEN_TAG,
    DESCRIPTION_TAG,
    GIT_COMMIT_TAG,
    PARENT_TAG,
    SOURCE_TAG,
    RunFacts,
    Tracker,
)

OWN = (
    "sweep",
    "out",
    "register_as",
    "champion",
    "checkpoints",
)  # of the section; the rest is the task's
NO_EXPORT = "export: the task's file in conf/task names no export._target_ to call"
NOT_OF_A_NAME = re.compile(r"[^\w.+=-]|^\.+")  # of a folder, which a record names in part
CHECKPOINT = "checkpoint/model.ckpt"
NOT_OF_IT = {
    "sweep",
    "out",
    "overwrite",
    "champion",
    "checkpoints",
}  # do not change what an export makes
REGISTERED_TAG = "raphe.registered"  # as which version, once nothing is left to do
BUNDLE_TAG = "raphe.bundle"  # of a run that registered one: its content hash


def export(config: DictConfig) -> None:
    """Export as `stage=export` says. Raises RunFailed, as `run` does."""
    quieten()
    try:
        if names_files(config):
            export_files(config)
            return
        found = find_sweep(
            Path(config.runs_root),
            config.tracking.uri,
            config.export.sweep,
            config.tracking.experiment,
        )
        if "_target_" not in config.export:
            raise SettingError(NO_EXPORT)
        recorded = registry.recorded_with_choices(found.tracker, found.run)
        task = HydraConfig.get().runtime.choices["task"]
        if task != recorded.task:
            raise SettingError(
                f"{recorded.run}: is a run of task {recorded.task}, and these settings are of task "
                f"{task}; use `{printed_command('raphe', 'export', '--sweep', found.run.run_id)}`"
            )
        if found.sentence:
            print(printable(found.sentence))
        export_sweep(found.tracker, found.run, recorded, overrides_of_call())
    except Exception as error:
        raise RunFailed(error) from error


def names_files(config: DictConfig) -> bool:
    """Whether networks in files are to be exported, in place of a sweep."""
    return bool(OmegaConf.select(config, "export.checkpoints.files"))


def export_files(config: DictConfig) -> Exported:
    """Export networks in files as `export.checkpoints` says, and print the summary.

    Nothing of them was tracked, so they are registered only under a name that was asked for.
    Raises RapheError.
    """
    settings = config.export.checkpoints
    registry.check_name(settings.register_as)
    check_policy(config.export.champion)
    if config.export.out is None:
        raise SettingError("export.out: name a folder to make for the bundle, as --out BUNDLE")
    make = _task_export(settings)
    exported = make(
        provenance=_made_now(), out=Path(config.export.out), overwrite=config.export.overwrite
    )
    print(exported.summary)
    if settings.register_as is not None and exported.loader is not None:
        tracker = Tracker.from_settings(config)
        policy = config.export.champion
        title = "export of networks in files"
        _register(tracker, title, {}, exported, exported.loader, settings.register_as, policy)
    return exported


def export_sweep(
    tracker: Tracker,
    sweep: RunFacts,
    recorded: Recorded,
    overrides: Sequence[str] = (),
    config_dir: Path | None = None,
) -> Exported:
    """Export a sweep's finished members, print the summary and register the bundle.

    Args:
        tracker, sweep: see find_sweep.
        recorded: the settings that the sweep ran with.
        overrides: of the person's own command line, which count more.
        config_dir: the person's own settings beside conf/.

    Raises:
        RapheError: see Recorded, and where the bundle cannot be made or registered.
    """
    config = recorded.over_local(overrides, config_dir)
    settings = config.export
    if "_target_" not in settings:
        raise SettingError(NO_EXPORT)
    registry.check_name(settings.register_as)
    policy = check_policy(settings.get("champion", POLICIES[0]))
    _say_where_data_lie(recorded, config)
    finished, left_out = _members(tracker, sweep)
    of_members = [registry.recorded(tracker, run) for run in finished]
    require_same_data(finished, [member.config for member in of_members])
    for member in of_members[1:]:
        if member.code != of_members[0].code:
            replace(member, choices=recorded.choices).over_local(overrides, config_dir)
    of_first = replace(of_members[0], choices=recorded.choices)
    local, own = of_first.local(overrides, config_dir)
    first = of_first.laid_over(local, own)
    out = Path(settings.out or _default_out(config, sweep))
    busy = f"{out}: another export is making or registering this bundle; wait until it is done"
    with locked(_lock_of(out, tracker), busy), Scratch() as scratch:
        make = _task_export(settings)
        provenance = _provenance(tracker, sweep, settings, finished, left_out)
        if settings.register_as is not None and _never_registered(tracker, out, provenance):
            print(
                f"{out}: an earlier call made it but was cut off before it was registered; redone"
            )
            make = partial(make, overwrite=True)
        with BundleWriter(out, make.keywords["overwrite"]):
            pass  # what may not be replaced or written is refused before the data are prepared
        data = rebuild(first, finished, differing_settings(local, first))
        exported = make(
            runs=[_trained(tracker, run, first, scratch) for run in finished],
            data=data,
            settings=OmegaConf.to_yaml(recorded.handed_on()),
            provenance=provenance,
            out=out,
        )
        print(exported.summary)
        if settings.register_as is not None and exported.loader is not None:
            tags = {"raphe.export": sweep.run_id}
            title = f"export of {sweep.name}"
            _register(tracker, title, tags, exported, exported.loader, settings.register_as, policy)
    return exported


def _lock_of(out: Path, tracker: Tracker) -> Path:
    """Held from the first byte of a bundle until it is registered: beside the runs, for the folder
    of a bundle is the user's."""
    folder = tracker.runs_root / "work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"export-{identity.digest({'out': str(out.absolute())})[:16]}.lock"


def _say_where_data_lie(recorded: Recorded, config: DictConfig) -> None:
    then, now = recorded.settings.get("data_root"), config.data_root
    if isinstance(then, str) and Path(then).absolute() != Path(now).absolute():
        option = printed_command("--data-root", Path(then))
        print(f"data_root is {now} here and was {then} in the run: `{option}` takes the data there")


def _task_export(settings: DictConfig) -> partial:
    """What a section names, with its settings."""
    # A partial first: Hydra would turn arguments that are lists into settings.
    make = call({key: settings[key] for key in settings if key not in OWN}, _partial_=True)
    _require_known(make)
    return make


def _never_registered(tracker: Tracker, out: Path, provenance: Mapping[str, Any]) -> bool:
    """Whether a bundle stands at `out` that an interrupted call made of the same with the same."""
    try:
        manifest = BUNDLE.read_manifest(out)
    except (RapheError, OSError):
        return False
    made = manifest.get("provenance", {})
    if any(made.get(fact) != provenance[fact] for fact in ("sweep", "settings_digest")):
        return False
    registered = tracker.find({BUNDLE_TAG: manifest[CONTENT_HASH]})
    if any(REGISTERED_TAG in run.tags for run in registered):
        return False
    for run in registered:  # that was cut off while it registered
        tracker.resume(run.run_id).end("KILLED")
    return True


def _require_known(make: partial) -> None:
    """Refuse settings that the task's export does not take, as --members where all are."""
    unknown = set(make.keywords) - set(signature(make.func).parameters)
    if unknown:
        raise SettingError(
            f"export.{min(unknown)}: this task's export takes no such setting; leave it out"
        )


def _members(tracker: Tracker, sweep: RunFacts) -> tuple[list[RunFacts], list[str]]:
    """The members that finished, and a word on each of the others."""
    members = registry.members(tracker, sweep)
    finished = [run for run in members if run.status == "FINISHED"]
    left_out = [f"{run.name} ({run.status.lower()})" for run in members if run not in finished]
    if not finished:
        raise SettingError(
            f"{sweep.name} {sweep.run_id}: of its {counted('run', len(members))} none finished; "
            "run it again"
        )
    if left_out:
        print(
            f"{len(left_out)} of {counted('run', len(members))} did not finish; left out: "
            f"{', '.join(left_out)}"
        )
    return finished, left_out


def _trained(tracker: Tracker, run: RunFacts, config: DictConfig, scratch: Path) -> TrainedRun:
    folder = _folder(scratch, run.run_id)
    checkpoint = artifacts.fetch(tracker, run.run_id, CHECKPOINT, folder, MOST_CHECKPOINT_BYTES)
    varied = printable(run.name) if PARENT_TAG in run.tags else ""
    rule = run.tags.get(CHOSEN_TAG)
    trained = TrainedRun(
        run.run_id, varied, checkpoint, "" if rule is None else chosen_for(rule, config)
    )
    require_weights(checkpoint, str(trained))
    return trained


def _folder(scratch: Path, run_id: str) -> Path:
    folder = scratch / identity.digest({"run": run_id})[:16]  # an id is the server's to choose
    folder.mkdir(exist_ok=True)
    return folder


def _default_out(config: DictConfig, sweep: RunFacts) -> Path:
    """Under data_root, named by experiment, sweep and the way members are chosen."""
    way = str(config.export.get("members", "all")).replace(":", "")
    name = f"{config.tracking.experiment}-{sweep.run_id[:8]}-{way}"
    return Path(config.data_root) / "bundles" / NOT_OF_A_NAME.sub("-", name)


def _provenance(
    tracker: Tracker,
    sweep: RunFacts,
    settings: DictConfig,
    finished: Sequence[RunFacts],
    left_out: Sequence[str],
) -> dict[str, Any]:
    asked = plain(settings, resolve=True)
    decide = {name: value for name, value in asked.items() if name not in NOT_OF_IT}
    return {
        "experiment": tracker.experiment,
        "sweep": sweep.run_id,
        "not_finished": list(left_out),
        "trained_with_commit": sorted({run.tags.get(GIT_COMMIT_TAG, "") for run in finished}),
        "settings_digest": identity.digest(decide)[:16],
        **_made_now(),
    }


def _made_now() -> dict[str, str]:
    return {
        "exported_with_commit": identity.code_version(),
        "exported_utc": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _register(
    tracker: Tracker,
    title: str,
    tags: Mapping[str, str],
    exported: Exported,
    loader: str,
    name: str,
    policy: str,
) -> None:
    content_hash = BUNDLE.read_manifest(exported.bundle)[CONTENT_HASH]
    described = describe_export(title, exported)
    tracked = tracker.begin(
        title,
        {
            **tags,
            BUNDLE_TAG: content_hash,
            DESCRIPTION_TAG: described,
            SOURCE_TAG: "raphe export",
        },
    )
    with tracked.until_done():
        tracked.log_metrics(exported.metrics)
        version = registry.register(tracker, tracked, exported.bundle, loader, name)
        crowned = crown(tracker, name, version, exported, policy)
        # Its status does not tell: MLflow ends a run that it has logged a model to.
        tracked.set_tags({REGISTERED_TAG: f"{name}/{version}"})
        conclude(tracked, crowned.sentence)
    uri = crowned.uri
    print(f"registered as {uri}\n{crowned.sentence}")
    print(f"serve it: {printed_command('raphe', 'serve', exported.bundle)}")
    print(f"or from the registry: {registry.serving_command(tracker, uri)}")
