"""A sweep that was left to a cluster, seen by a process that did not launch it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from hydra.utils import call, instantiate
from omegaconf import DictConfig

from raphe.core.command_line import printed_command
from raphe.core.errors import SettingError
from raphe.core.files.scratch import Scratch
from raphe.core.sentences import counted, listed, printable
from raphe.harness import registry
from raphe.harness.runs.artifacts import fetch
from raphe.harness.settings.configuration import keep_own_folder
from raphe.harness.slurm.queue import JobArray, Queued, SlurmError, jobs_of, queued
from raphe.harness.slurm.waiting import MISSED, wait
from raphe.harness.sweeps import section
from raphe.harness.sweeps.bar import SweepProgress
from raphe.harness.sweeps.finding import FoundSweep
from raphe.harness.sweeps.kinds import KIND_TAG, Kind
from raphe.harness.sweeps.parent import FOLDER_TAG, JOBS_TAG, SweepParent
from raphe.harness.sweeps.plan import PLAN_FILE, SweepPlan
from raphe.harness.sweeps.states import (
    MemberState,
    labelled,
    member_states,
    write_finished,
    write_state,
)
from raphe.harness.sweeps.swept import settings_told_by_data
from raphe.harness.tracking import DATA_TAG, PARENT_TAG, PLANNED_TAG, SWEEP_TAG, RunFacts, Tracker

POLL_S = 10.0
SHOWN = 10  # members that failed, named one by one
WORDS = {
    "FINISHED": "finished",
    "SKIPPED": "finished",
    "FAILED": "failed",
    "KILLED": "interrupted",
    "RUNNING": "at work",
}
GONE = "whose job is gone"  # though it was at work when it last said anything


def status(found: FoundSweep) -> str:
    """How far a sweep is, in lines."""
    tracker, run = found.tracker, found.run
    if SWEEP_TAG not in run.tags:
        raise SettingError(f"{run.name} {run.run_id}: is a single run, {run.status.lower()}")
    arrays = JobArray.read(run.tags.get(JOBS_TAG, ""))
    queue, of_queue = _queue(arrays)  # before the states: what has ended since is in it still
    if arrays:
        with Scratch() as scratch:
            plan = _plan(tracker, run, scratch)
            states = _states(tracker, run)
        n_members = plan.n_members or len(states)
        lost = _lost(states, plan, arrays, queue)
    else:
        states, lost = _tracked(tracker, run), []
        n_members = int(run.tags.get(PLANNED_TAG, len(states)))
    counts = Counter(GONE if state in lost else WORDS[state.status] for state in states)
    told = [f"{n} {word}" for word, n in counts.items()]
    rest = n_members - len(states)
    told += [f"{rest} not begun"] if rest else []
    whole, how = counted("member", n_members), listed(told or ["none begun"])
    lines = [f"{run.name} ({run.run_id}), {run.status.lower()}: {whole}, {how}"]
    running = [state for state in states if state not in lost]
    if at_work := SweepProgress(running, n_members, 0.0).at_work:
        lines.append(at_work)
    lines += [*of_queue, *_failed(states)]
    if arrays and run.status == "RUNNING":
        words = ("raphe", "sweep", "wait", run.run_id, *tracker.options)
        lines.append(f"next: {printed_command(*words)}")
    return "\n".join(map(printable, lines))


def come_back(found: FoundSweep, config_dir: Path | None, waits: bool) -> int:
    """Report over a sweep whose members have ended, or wait for them; the exit code.

    Raises SettingError for a sweep that was not left to a cluster, or while its launcher waits, or
    where members are at work that are not to be waited for.
    """
    tracker, run = found.tracker, found.run
    arrays = JobArray.read(run.tags.get(JOBS_TAG, ""))
    if not arrays:
        raise SettingError(
            f"{run.name} {run.run_id}: was not left to a cluster; run its own command again to go "
            "on with it and to report"
        )
    config = registry.recorded_with_choices(tracker, run).over_local(config_dir=config_dir)
    config.resume, config.runs_root = True, str(tracker.runs_root)
    if config_dir is not None:
        keep_own_folder(config, config_dir)
    with Scratch() as scratch:
        plan = _plan(tracker, run, scratch)
        parent = _reopened(tracker, run, config, plan, scratch)
        try:
            if waits:
                parent.show_progress()
            look = partial(_mirror, tracker, run, plan, scratch)
            is_here = parent.folder != scratch.absolute()
            left = wait(
                parent,
                arrays,
                poll_s=POLL_S if waits else 1.0,
                most=None if waits else MISSED,
                look=(lambda: None) if is_here else look,
            )
        except BaseException:
            parent.leave_as_it_is()
            raise
        if left:
            parent.leave_as_it_is()
            words = ("raphe", "sweep", "wait", run.run_id, *tracker.options)
            raise SettingError(
                f"{run.name}: {counted('member', len(left))} of {sum(a.n for a in arrays)} have "
                f"not ended; `{printed_command(*words)}` waits for them"
            )
        return 0 if parent.finish() else 1


def _reopened(
    tracker: Tracker, run: RunFacts, config: DictConfig, plan: SweepPlan, scratch: Path
) -> SweepParent:
    kind = Kind.of_tag(run.tags.get(KIND_TAG))
    if kind is None:
        raise SettingError(f"{run.name} {run.run_id}: is a sweep of an unknown kind; update raphe")
    summarise = None
    if settings_told_by_data(config):
        data = instantiate(config.data, **call(config.prepare))
        summarise = section.summary_of(config, tracker, data)
    folder = Path(run.tags[FOLDER_TAG])
    parent = SweepParent(
        tracker,
        config,
        kind,
        {name: run.tags[name] for name in (SWEEP_TAG, DATA_TAG)},
        folder if folder.is_dir() else scratch,
        plan.parameters,
        n_workers=plan.n_workers,
        fixed=plan.fixed,
        summarise=summarise,
    )
    parent.plan = plan
    return parent


def _plan(tracker: Tracker, run: RunFacts, scratch: Path) -> SweepPlan:
    fetch(tracker, run.run_id, PLAN_FILE, scratch)
    return SweepPlan.read(scratch)


def _states(tracker: Tracker, run: RunFacts) -> list[MemberState]:
    """As the members have written them, where their folder is on this machine too."""
    folder = Path(run.tags[FOLDER_TAG])
    return member_states(folder) if folder.is_dir() else _tracked(tracker, run)


def _tracked(tracker: Tracker, run: RunFacts) -> list[MemberState]:
    """As their runs have them."""
    children = tracker.find({PARENT_TAG: run.run_id})[::-1]
    newest = {child.name: child for child in children}  # of a label's several the last
    return [
        MemberState(
            label, child.status, run_id=child.run_id, error=f"see error.txt of run {child.run_id}"
        )
        for label, child in newest.items()
    ]


def _mirror(tracker: Tracker, run: RunFacts, plan: SweepPlan, folder: Path) -> None:
    """Write what the runs tell of the members into a folder of this machine."""
    numbers = {label: number for number, label in enumerate(plan.launched)}
    before = []
    for state in _tracked(tracker, run):
        of_run = state.run_id if state.status == "FINISHED" else None
        if state.label in numbers and state.status != "KILLED":  # put back into the queue
            write_state(folder, numbers[state.label], replace(state, run_id=of_run))
        elif of_run is not None:
            before.append(replace(state, status="SKIPPED"))
    write_finished(folder, before)


def _lost(
    states: list[MemberState],
    plan: SweepPlan,
    arrays: tuple[JobArray, ...],
    queue: Mapping[str, Queued] | None,
) -> list[MemberState]:
    """Those at work, as they last said, of whose jobs SLURM knows nothing more."""
    if queue is None:
        return []
    gone = {plan.launched[number] for number, job in jobs_of(arrays).items() if job not in queue}
    return [state for state in states if state.status == "RUNNING" and state.label in gone]


def _queue(arrays: tuple[JobArray, ...]) -> tuple[dict[str, Queued] | None, list[str]]:
    """The jobs that SLURM has not done with, None where it gives no answer; a line about them."""
    if not arrays:
        return None, []
    names = " ".join(array.job for array in arrays)
    try:
        queue = queued(arrays)
    except SlurmError as error:
        return None, [f"SLURM (job {names}): {error}"]
    if not queue:
        return queue, [f"SLURM (job {names}): none of its jobs is left"]
    states = Counter(entry.state.lower() for entry in queue.values())
    told = listed([f"{n} {state}" for state, n in states.items()])
    return queue, [f"SLURM (job {names}): {told}"]


def _failed(states: list[MemberState]) -> list[str]:
    failed = [state for state in states if state.status == "FAILED"]
    lines = [labelled(state.label, state.error or "") for state in failed[:SHOWN]]
    rest = len(failed) - SHOWN
    return [*lines, *([f"and {rest} more failed"] if rest > 0 else [])]
