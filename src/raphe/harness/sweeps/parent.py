"""The parent run of several members: begun, resumed, and ended with the report over them."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import Timeout
from omegaconf import DictConfig
from rich.console import Console

from raphe.core.command_line import printed_command
from raphe.core.errors import SettingError
from raphe.core.files.locks import lock_file
from raphe.core.metric_names import kept
from raphe.core.sentences import counted
from raphe.harness import identity
from raphe.harness.records.description import describe_sweep
from raphe.harness.records.parameters import parameters as parameters_of
from raphe.harness.records.parameters import values_text
from raphe.harness.records.tracked_run import TrackedRun
from raphe.harness.report.collect import collect
from raphe.harness.report.csv_tables import metrics_and_artifacts
from raphe.harness.report.means import means_of
from raphe.harness.report.means_table import means_told, print_means
from raphe.harness.report.next_step import print_note_and_next
from raphe.harness.report.note import stamped
from raphe.harness.report.printed_sweep import print_sweep
from raphe.harness.report.sweep_artifacts import SWEEP_FIGURE, sweep_artifacts
from raphe.harness.run_location import fault_of
from raphe.harness.runs.drawing import draw_members
from raphe.harness.settings.composed import without_hydra
from raphe.harness.slurm.queue import JobArray
from raphe.harness.sweeps.bar import SweepBar
from raphe.harness.sweeps.comparison import track_comparison
from raphe.harness.sweeps.finding import FAILED_TAG, FINISHED_TAG
from raphe.harness.sweeps.kinds import KIND_TAG, Kind, kind_of
from raphe.harness.sweeps.plan import PLAN_FILE, SweepPlan, label_of
from raphe.harness.sweeps.states import (
    MemberState,
    States,
    labelled,
    lose,
    member_states,
    write_finished,
)
from raphe.harness.sweeps.swept import settings_told_by_data
from raphe.harness.tracking import (
    CONTENTS_TAG,
    DESCRIPTION_TAG,
    GIT_COMMIT_TAG,
    NOTE_TAG,
    PARENT_TAG,
    PLANNED_TAG,
    SWEEP_TAG,
    RunFacts,
    Tracker,
)

JOBS_TAG = "raphe.jobs"  # of a sweep on a cluster: its members, see raphe.harness.slurm.queue
FOLDER_TAG = "raphe.folder"  # where its members leave their states
SUMMARY = "summary.txt"  # of the artifacts that `summarise` gives: printed
Settings = Mapping[str, str]  # what is swept, of one member
Summarise = Callable[[Sequence[tuple[Settings, RunFacts]], Sequence[Settings]], dict[str, Any]]


class SweepParent:
    """A parent run while its members are at work.

    Args:
        tracker: of its experiment.
        config: the composed settings, which the parent tracks.
        kind: of sweep; its title stands before what is varied.
        tags: SWEEP_TAG and DATA_TAG, which tell it from other sweeps; a repetition of the same one
            finds its parent by them.
        folder: where members leave their states, each in one of its own.
        parameters: each varied setting with its values as texts.
        n_workers: members that are at work at once in one process or on one node.
        fixed: of an open sweep, see SweepPlan.
        summarise: gives artifacts and metrics over all members: over those that finished, each
            with its settings, and the settings of the others. See raphe.harness.sweeps.section.

    Raises:
        SettingError: while another process runs the very same.
    """

    def __init__(
        self,
        tracker: Tracker,
        config: DictConfig,
        kind: Kind,
        tags: Mapping[str, str],
        folder: Path,
        parameters: dict[str, list[str]],
        *,
        n_workers: int,
        fixed: list[str] | None = None,
        summarise: Summarise | None = None,
    ) -> None:
        self._summarise = summarise
        self._config = config
        self._kind = kind
        self.folder = folder.absolute()
        self._tracker = tracker
        key = tags[SWEEP_TAG][:16]
        self._lock = lock_file(self._tracker.runs_root / f".sweep-{key}.lock")
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise SettingError(
                f"another process is running this very {kind.title} (same settings, same data); "
                "wait for it"
            ) from None
        self._run = self._begin_or_resume(
            kind.title, {**tags, KIND_TAG: kind.tag}, parameters, is_open=fixed is not None
        )
        self.plan = SweepPlan(self._run.run_id, parameters, n_workers, fixed)
        self._bar = SweepBar(self.folder, self.plan.n_members, kind.title)
        self._states = States(self.folder)
        self._arrays: list[JobArray] = []
        self._open = contextlib.ExitStack()
        self._conclusions: list[str] = []

    def start(self) -> None:
        if self.plan.n_members is not None:
            self._run.set_tags({PLANNED_TAG: str(self.plan.n_members)})
        self.plan.write(self.folder)

    def to_launch(self, members: Sequence[Sequence[str]]) -> list[Sequence[str]]:
        """Of members, given by their overrides, those that have not finished, each once."""
        by_label = {label_of(self.plan.settings_of(overrides)): overrides for overrides in members}
        # Of a sweep over data a member alone can tell whether its data are still the same.
        known = self._finished_before() if self._kind is not Kind.DATA else {}
        done = {label: known[label] for label in by_label if label in known}
        write_finished(self.folder, list(done.values()))
        return [overrides for label, overrides in by_label.items() if label not in done]

    def _finished_before(self) -> dict[str, MemberState]:
        """The members that an earlier call has finished, and whose files are as they were left."""
        metric = self._config.monitor.metric
        return {
            run.name: MemberState(
                run.name,
                "SKIPPED",
                metric=metric,
                value=run.metrics.get(kept(metric)),
                run_id=run.run_id,
            )
            for run in self._tracker.find({PARENT_TAG: self._run.run_id})
            if run.status == "FINISHED" and not fault_of(run)
        }

    def submitted(self, arrays: Sequence[JobArray], members: Sequence[Sequence[str]]) -> None:
        """Keep what `raphe sweep` needs to come back to members that are jobs of a cluster's.

        Args:
            arrays: of this launch, which may be one of several.
            members: the overrides of each.
        """
        self._arrays += arrays
        self.plan = self.plan.with_launched(members)
        jobs = " ".join(map(str, self._arrays))
        self._run.log_text(self.plan.text, PLAN_FILE)
        self._run.set_tags({JOBS_TAG: jobs, FOLDER_TAG: str(self.folder)})

    def show_progress(self) -> None:
        self._open.enter_context(self._bar.shown())

    @property
    def ended(self) -> set[int]:
        """The numbers of the members that have come to their end, well or not."""
        states = self._states.by_number()
        return {number for number, state in states.items() if state.status != "RUNNING"}

    @property
    def values(self) -> dict[int, float]:
        """What the members that finished came to, by number: the monitored metric."""
        states = self._states.by_number()
        return {n: state.value for n, state in states.items() if state.value is not None}

    def lose(self, number: int, why: str) -> None:
        """Take a member whose job is gone for one that failed."""
        lose(self.folder, number, self.plan.launched[number], why)

    def leave(self) -> bool:
        """Leave members that are jobs of a cluster's to themselves."""
        self.leave_as_it_is()
        words = ("raphe", "sweep", "wait", self._run.run_id, *self._tracker.options)
        print(f"Left to SLURM. next: {printed_command(*words)}")
        return True

    def leave_as_it_is(self) -> None:
        self._open.close()
        self._lock.release()

    def finish(self) -> bool:
        """Report over all members and end the parent; True if every one of them finished."""
        self._open.close()
        states = {state.label: state for state in member_states(self.folder)}
        children = {run.run_id: run for run in self._tracker.find({PARENT_TAG: self._run.run_id})}
        runs = {
            label: children[state.run_id]
            for label, state in states.items()
            if state.run_id in children
        }
        if self.plan.is_open:
            earlier = [run for run in children.values() if run.status == "FINISHED"]
            runs = {run.name: run for run in earlier[::-1]} | runs
            self._know_members(dict.fromkeys([*runs, *states]))
        planned = [member.label for member in self.plan.members]
        runs = {label: runs[label] for label in planned if label in runs}  # in their order
        failed = [state for state in states.values() if state.status == "FAILED"]
        n_lost = len({*planned} - {*runs} - {state.label for state in failed})
        complete = not failed and n_lost == 0
        if n_skipped := sum(state.status == "SKIPPED" for state in states.values()):
            whole = counted("member", len(planned))
            print(f"{n_skipped} of {whole} had finished before; resume=false trains them anew")
        if not complete:
            failures = _failures(failed, n_lost, self.plan.n_workers)
            self._run.log_text(failures, "failed.txt")
            print(failures, file=sys.stderr, flush=True)
            self._end_members("KILLED")
        self._report(list(runs.values()), failed)
        if self._summarise is not None and runs:
            self._sum_up(runs, self._summarise)
        self._describe(next(iter(runs.values()), None))
        self._end("FINISHED" if complete else "FAILED")
        return complete

    def _know_members(self, labels: Iterable[str]) -> None:
        """Of an open sweep, whose members are known once it has ended."""
        self.plan = self.plan.ended_with(labels)
        self._kind = kind_of(self._config, self.plan.parameters, told_by_data=[])
        n_members = str(len(self.plan.members))
        self._run.set_tags({KIND_TAG: self._kind.tag, PLANNED_TAG: n_members})

    def _report(self, runs: Sequence[RunFacts], failed: Sequence[MemberState]) -> None:
        """Keep and print the table and the figure that every sweep has."""
        results = collect(
            self._tracker,
            self._config,
            self._kind,
            runs,
            list(self.plan.parameters),
            [state.label for state in failed],
        )
        draw_members(self._tracker, self._config, runs, results.chosen)
        folds = settings_told_by_data(self._config)
        means = None
        if self._kind is not Kind.DATA:
            means = means_of(results, folds, self._config.monitor.mode)
        artifacts = sweep_artifacts(results, means)
        if self._summarise is not None and (means is None or not means.compared):
            artifacts.pop(SWEEP_FIGURE, None)  # nothing grows with the number of a fold
        self._keep(artifacts, runs)
        self._run.set_tags({FINISHED_TAG: str(len(runs)), FAILED_TAG: str(len(failed))})
        if self._summarise is None:
            may_export = self._kind.may_choose and "_target_" in self._config.export
            print_sweep(results, self._tracker, self._config if may_export else None, means)
        elif means is not None and means.compared:
            print_means(means, each_fold_chooses=True)
        if results.choice is not None:
            self._conclusions.append(f"{results.choice.sentence} A star marks it.")
        if means is not None and (means.compared or self._summarise is None):
            self._conclusions += means_told(means, each_fold_chooses=self._summarise is not None)
        by_label = {run.name: run for run in runs}
        track_comparison(
            self._tracker,
            self._run,
            self.plan,
            by_label,
            results.choice,
            self._config.report,
            means if means is not None and means.compared else None,
        )

    def _sum_up(self, runs: Mapping[str, RunFacts], summarise: Summarise) -> None:
        settings = {member.label: member.settings for member in self.plan.members}
        finished = [(settings[label], run) for label, run in runs.items()]
        missing = [swept for label, swept in settings.items() if label not in runs]
        results = summarise(finished, missing)
        metrics, artifacts = metrics_and_artifacts(results)
        self._run.log_anew(metrics)
        self._keep(artifacts, list(runs.values()))
        if SUMMARY in results:
            print(results[SUMMARY])
            self._conclusions.append(_first_paragraph(results[SUMMARY]))
        note = next(iter(runs.values())).tags.get(NOTE_TAG, "")
        told = note if note not in results.get(SUMMARY, "") else ""
        print_note_and_next(
            Console(markup=False), told, self.plan.parent_run_id, self._tracker, None
        )

    def _describe(self, member: RunFacts | None) -> None:
        told = member.tags if member is not None else {}
        contents, note = told.get(CONTENTS_TAG, ""), told.get(NOTE_TAG, "")
        if self._kind is Kind.DATA:
            contents = ""  # that of one member is not the others'
        text = describe_sweep(
            self._kind.title,
            self.plan.parameters,
            contents,
            note,
            self._conclusions,
            self.plan.n_members,
        )
        self._run.set_tags({DESCRIPTION_TAG: text, NOTE_TAG: note})

    def _keep(self, artifacts: dict[str, Any], runs: Sequence[RunFacts]) -> None:
        note = runs[0].tags.get(NOTE_TAG, "") if runs else ""
        self._run.log_artifacts(stamped(artifacts, note))

    def abandon(self, status: str) -> None:
        """End what cannot go on, the members too, as KILLED or FAILED."""
        self._open.close()
        self._tracker.wait_no_more()
        children = self._end_members(status)
        self._end(status)
        if not children:
            self._tracker.delete(self._run.run_id)

    def _end_members(self, status: str) -> list[RunFacts]:
        """All members' runs; those that nobody can end any more are ended."""
        children = self._tracker.find({PARENT_TAG: self._run.run_id})
        for child in children:
            if child.status == "RUNNING":
                self._tracker.resume(child.run_id).end(status)
        return children

    def _begin_or_resume(
        self, title: str, tags: dict[str, str], parameters: dict[str, list[str]], is_open: bool
    ) -> TrackedRun:
        earlier = self._tracker.find(tags) if self._config.resume else []
        if earlier:
            return self._tracker.resume(earlier[0].run_id)
        varied = " ".join(f"{key}={values_text(values)}" for key, values in parameters.items())
        parent = self._tracker.begin(
            f"{title} {varied}".rstrip(), {**tags, GIT_COMMIT_TAG: identity.code_version()}
        )
        parent.log_params({f"sweep.{key}": ",".join(values) for key, values in parameters.items()})
        settled = parameters_of(without_hydra(self._config), {})
        parent.log_params({key: settled[key] for key in settled if key not in parameters})
        parent.log_config(self._config)
        if not is_open:  # or what it is over shows once it has ended
            parent.set_tags({DESCRIPTION_TAG: describe_sweep(title, parameters)})
        return parent

    def _end(self, status: str) -> None:
        self._run.end(status)
        self._lock.release()


def _first_paragraph(text: str) -> str:
    """What a summary begins with, in one line: its conclusion, wrapped for the terminal."""
    return " ".join(text.strip().partition("\n\n")[0].split())


def _failures(failed: list[MemberState], n_lost: int, n_workers: int) -> str:
    lines = [f"{len(failed)} failed"] if failed else []
    lines += [labelled(state.label, state.error or "") for state in failed]
    if n_lost:
        fewer = "; hydra.launcher.n_jobs=1 trains one at a time" if n_workers > 1 else ""
        lines.append(
            f"{n_lost} ended without a word, as where a process is killed for want of memory; the "
            f"same command goes on with them{fewer}"
        )
    return "\n".join(lines)
