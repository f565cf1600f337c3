"""What a multirun adds: a parent run, its resume, the report over its members, an exit code."""

import contextlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock, Timeout
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from hydra.utils import call, instantiate
from omegaconf import DictConfig, OmegaConf

from raphe.core.errors import SettingError
from raphe.harness import identity, report, settings
from raphe.harness.cores import available_cores
from raphe.harness.explain import user_line
from raphe.harness.quiet import quieten
from raphe.harness.sweep_bar import SweepBar
from raphe.harness.sweep_member import MemberState, SweepPlan, member_states
from raphe.harness.tracking import (
    DATA_TAG,
    GIT_COMMIT_TAG,
    NOTE_TAG,
    PARENT_TAG,
    TrackedRun,
    Tracker,
    TrackingError,
)

SWEEP_TAG = "raphe.sweep"
DATA_DECIDING = {"data", "prepare", "data_root", "seed", "task", "experiment", "debug"}


class SweepCallback(Callback):
    """Hydra's callback in the process that starts a multirun; workers carry an empty copy."""

    exit_code: ClassVar[int] = 0
    _running: ClassVar["_Sweep | None"] = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        # Hydra turns an exception here into a warning and goes on; an exit it lets pass.
        quieten()
        try:
            settings.check(config)
            SweepCallback._running = _Sweep(config)
            SweepCallback._running.start()
        except Exception as error:
            SweepCallback.end_running("FAILED")
            sys.exit(_told(error))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        # Here, too, Hydra would turn an exception into a warning, and the exit code into 0.
        try:
            complete = SweepCallback._running is not None and SweepCallback._running.finish()
            SweepCallback.exit_code = 0 if complete else 1
            SweepCallback._running = None
        except Exception as error:
            SweepCallback.exit_code = 1
            print(_told(error), file=sys.stderr)
            SweepCallback.end_running("FAILED")

    @classmethod
    def end_running(cls, status: str) -> None:
        """End a sweep that cannot go on, as KILLED or FAILED."""
        sweep, cls._running = cls._running, None
        if sweep is not None:
            with contextlib.suppress(TrackingError):  # it may be why the sweep cannot go on
                sweep.abandon(status)


def _told(error: Exception) -> str:
    line = user_line(error)
    if line is None:
        traceback.print_exception(error)
    return f"error: {line or 'the sweep could not go on, see above'}"


class _Sweep:
    def __init__(self, config: DictConfig) -> None:
        self._config = config
        self._folder = Path(config.hydra.sweep.dir)
        parameters = _swept(config)
        self._tracker = Tracker.from_settings(config)
        tags = _parent_tags(config, parameters)
        self._lock = FileLock(self._tracker.runs_root / f".sweep-{tags[SWEEP_TAG][:16]}.lock")
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise SettingError(
                "another process is running this very sweep (same settings, same data); wait for it"
            ) from None
        self._parent = self._begin_or_resume(tags, parameters)
        self._plan = SweepPlan(self._parent.run_id, parameters, _n_workers(config), os.getpid())
        self._bar = SweepBar(self._folder, self._plan.n_members)
        self._open = contextlib.ExitStack()

    def start(self) -> None:
        self._plan.write(self._folder)
        every_s = self._config.tracking.system_metrics_every_s
        self._open.enter_context(self._parent.system_metrics(every_s))
        self._open.enter_context(self._bar.shown())

    def _begin_or_resume(
        self, tags: dict[str, str], parameters: dict[str, list[str]]
    ) -> TrackedRun:
        earlier = self._tracker.find(tags) if self._config.resume else []
        if earlier:
            return self._tracker.resume(earlier[0].run_id)
        name = "sweep " + " ".join(
            f"{key}={values[0]}…{values[-1]}" for key, values in parameters.items()
        )
        parent = self._tracker.begin(name, {**tags, GIT_COMMIT_TAG: identity.code_version()})
        parent.log_params({f"sweep.{key}": ",".join(values) for key, values in parameters.items()})
        task = OmegaConf.masked_copy(self._config, [key for key in self._config if key != "hydra"])
        parent.log_settings(task)
        return parent

    def finish(self) -> bool:
        """Report over all members and end the parent; True if every one of them finished."""
        self._open.close()
        states = member_states(self._folder)
        runs = [self._tracker.get(state.run_id) for state in states if state.run_id is not None]
        failed = [state for state in states if state.status == "FAILED"]
        n_lost = self._plan.n_members - len(runs) - len(failed)
        parameters = list(self._plan.parameters)
        artifacts = report.sweep_artifacts(
            runs, [state.label for state in failed], parameters, self._config.report
        )
        if runs:
            report.stamp(artifacts, runs[0].tags.get(NOTE_TAG, ""))
        self._parent.log_artifacts(artifacts)
        self._parent.set_tags({"raphe.finished": str(len(runs)), "raphe.failed": str(len(failed))})
        complete = not failed and n_lost == 0
        if not complete:
            self._parent.log_text(_failures(failed, n_lost), "failed.txt")
        self._end("FINISHED" if complete else "FAILED")
        report.print_sweep(runs, parameters, self._config.report, self._tracker)
        if not complete:
            print(_failures(failed, n_lost), file=sys.stderr)
        return complete

    def abandon(self, status: str) -> None:
        self._open.close()
        children = self._tracker.find({PARENT_TAG: self._parent.run_id})
        for child in children:
            if child.status == "RUNNING":
                self._tracker.resume(child.run_id).end(status)
        self._end(status)
        if not children:
            self._tracker.delete(self._parent.run_id)

    def _end(self, status: str) -> None:
        self._parent.end(status)
        self._lock.release()


def _swept(config: DictConfig) -> dict[str, list[str]]:
    """The swept settings, each with its values as on the command line."""
    params = OmegaConf.select(config, "hydra.sweeper.params") or {}
    texts = [f"{key}={value}" for key, value in params.items()] + list(config.hydra.overrides.task)
    overrides = OverridesParser.create().parse_overrides(texts)
    return {
        override.key_or_group: list(override.sweep_string_iterator())
        for override in overrides
        if override.is_sweep_override()
    }


def _parent_tags(config: DictConfig, parameters: dict[str, list[str]]) -> dict[str, str]:
    """What a repetition of the same sweep finds its parent by.

    Data that all members share is prepared here once, with its progress bars, and told apart by
    content; data that is itself swept is prepared by the members.
    """
    hashes: dict[str, str] = {}
    if not {key.partition(".")[0] for key in parameters} & DATA_DECIDING:
        data = instantiate(config.data, **call(config.prepare))
        hashes = data.hashes
    key = identity.digest({"run": identity.run_key(config, hashes), "sweep": parameters})
    return {SWEEP_TAG: key, DATA_TAG: identity.digest(hashes)}


def _n_workers(config: DictConfig) -> int:
    n_jobs = OmegaConf.select(config, "hydra.launcher.n_jobs") or 1
    return n_jobs if n_jobs > 0 else available_cores()  # joblib: -1 is every core


def _failures(failed: list[MemberState], n_lost: int) -> str:
    lines = [f"{len(failed)} failed"]
    lines += [f"{state.label}: {state.error}" for state in failed]
    if n_lost:
        lines.append(f"{n_lost} ended without a word: their process was killed; run again")
    return "\n".join(lines)
