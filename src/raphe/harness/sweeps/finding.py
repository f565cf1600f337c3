"""The sweep to export or to look at: the one that is named, or the newest whose networks were
trained on the same data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from raphe.core.errors import SettingError
from raphe.core.sentences import listed, printable
from raphe.harness.database.address import shown
from raphe.harness.database.opening import OPTION, open_to_read, reaching
from raphe.harness.sweeps.kinds import KIND_TAG, Kind
from raphe.harness.tracking import KEY_TAG, PARENT_TAG, SWEEP_TAG, RunFacts, Tracker

FINISHED_TAG, FAILED_TAG = "raphe.finished", "raphe.failed"  # how many members of a sweep
ENDED = ("FINISHED", "FAILED")  # a sweep is FAILED when one member is; the others serve
ACTIVE = "active"  # of a run that was not deleted
PAGE = 1000  # runs that are read at once
MOST_RUNS = 50_000  # that MLflow looks through at once
MOST_SAID = 3  # of the sweeps that were passed over


@dataclass(frozen=True)
class FoundSweep:
    """A sweep's parent run, or a single run, and the tracker of its experiment."""

    tracker: Tracker
    run: RunFacts
    passed_over: tuple[str, ...] = ()  # newer ones, each with the reason
    was_named: bool = True
    is_only_run: bool = False  # a single run, for want of any sweep that can be taken

    @property
    def sentence(self) -> str:
        """Which one is taken and what is newer; "" where it was named."""
        if self.was_named:
            return ""
        sweep, newer = (
            "sweep whose networks were trained on the same data",
            "Newer, but passed over",
        )
        if self.is_only_run:
            why, newer = f"the only finished run; there is no {sweep}", "Passed over"
        else:
            why = f"the newest {sweep if SWEEP_TAG in self.run.tags else 'finished run'}"
        taken = f"Taken: {self.run.name} ({self.run.run_id}), {why}."
        if not self.passed_over:
            return taken
        return f"{taken} {newer}: {_some(self.passed_over)}. --sweep RUN names one."


def find_sweep(
    runs_root: Path, uri: str | None, run_id: str | None, experiment: str | None = None
) -> FoundSweep:
    """The sweep whose networks are to be compared or joined.

    Args:
        runs_root, uri: where runs are tracked, see Tracker.
        run_id: of the sweep, or of a single run, or a beginning that no other id has; None: the
            newest sweep over settings or seeds, or bank, that has ended and has a finished member.
            A cross-validation is none: its networks were trained on different cells.
        experiment: to look in for the newest sweep or finished single run; None: for the newest
            sweep of all, or, where there is none, the one single run that has finished.

    Raises:
        SettingError: where there is none.
    """
    client = open_to_read(runs_root, uri)
    passed_over: list[str] = []
    is_only_run = False
    with reaching(client.tracking_uri, OPTION):
        experiments = {entry.experiment_id: entry.name for entry in client.search_experiments()}
        if run_id:
            run = _get(client, list(experiments), str(run_id))
        else:
            run, passed_over = _newest(client, experiments, experiment)
            is_only_run = experiment is None and SWEEP_TAG not in run.data.tags
    tracker = Tracker(experiments[run.info.experiment_id], runs_root, uri)
    return FoundSweep(
        tracker, tracker.get(run.info.run_id), tuple(passed_over), bool(run_id), is_only_run
    )


def _newest(
    client: MlflowClient, experiments: Mapping[str, str], experiment: str | None
) -> tuple[Run, list[str]]:
    """The newest run that can be taken, and the newer sweeps that cannot."""
    wanted = [key for key, name in experiments.items() if experiment in (None, name)]
    sweeps_alone = f"tags.`{SWEEP_TAG}` != ''" if experiment is None else ""
    passed_over: list[str] = []
    for run in client.search_runs(
        wanted, sweeps_alone, order_by=["attributes.start_time DESC"], max_results=MOST_RUNS
    ):
        if SWEEP_TAG in run.data.tags:
            reason = _reason_against(run)
            if not reason:
                return run, passed_over
            passed_over.append(f"{run.info.run_name} ({run.info.run_id}), {reason}")
        elif _is_finished_single(run):
            return run, passed_over
    if experiment is not None and not wanted:
        raise SettingError(
            f"--experiment {experiment}: there is none such; there are "
            f"{', '.join(map(printable, sorted(experiments.values())))}"
        )
    singles = _finished_singles(client, wanted) if experiment is None else []
    if len(singles) == 1:
        return singles[0], passed_over
    where = "any experiment" if experiment is None else f"experiment {experiment}"
    there_are = f"; there is {_some(passed_over)}" if passed_over else ""
    if singles:
        there_are += "; of the single runs there are several"
    raise SettingError(
        f"{shown(client.tracking_uri)}: holds no finished sweep over settings or seeds in "
        f"{where}{there_are}; run one with `raphe train -m`, or name a run as `--sweep RUN`, one "
        "of those that `raphe runs` lists"
    )


def _reason_against(sweep: Run) -> str:
    """Why a sweep is not taken unless it is named; "" where it is."""
    tags = sweep.data.tags
    if sweep.info.status not in ENDED:
        return f"which is {sweep.info.status.lower()}"
    if tags.get(FINISHED_TAG, "0") == "0":
        return "of which no member finished"
    kind = Kind.of_tag(tags.get(KIND_TAG))
    if kind is None:
        return "of an unknown kind"
    return f"because {kind.apart}" if kind.apart else ""


def _is_finished_single(run: Run) -> bool:
    tags = run.data.tags
    return run.info.status == "FINISHED" and KEY_TAG in tags and PARENT_TAG not in tags


def _finished_singles(client: MlflowClient, experiment_ids: list[str]) -> list[Run]:
    """Runs of no sweep that have finished, up to two: more are as good as two."""
    finished = (run for run in _all(client, experiment_ids) if _is_finished_single(run))
    return list(islice(finished, 2))


def _get(client: MlflowClient, experiment_ids: list[str], run_id: str) -> Run:
    """The run of an id, or of the beginning of one, as `raphe runs` shows it."""
    place = shown(client.tracking_uri)
    try:
        run = client.get_run(run_id)
    except MlflowException:
        begun = [run for run in _all(client, experiment_ids) if run.info.run_id.startswith(run_id)]
        if len(begun) == 1:
            return begun[0]
        if begun:
            ids = listed([f"{run.info.run_id} ({run.info.run_name})" for run in begun[:MOST_SAID]])
            more = f" and {len(begun) - MOST_SAID} more" if len(begun) > MOST_SAID else ""
            raise SettingError(
                f"run {run_id}: begins the ids of {len(begun)} runs, {ids}{more}; name the whole "
                "of one"
            ) from None
        raise SettingError(
            f"run {run_id}: {place} holds no such run; `raphe runs` lists them with their ids"
        ) from None
    if run.info.experiment_id not in experiment_ids or run.info.lifecycle_stage != ACTIVE:
        raise SettingError(f"run {run_id}: was deleted from {place}; name another run")
    return run


def _all(client: MlflowClient, experiment_ids: list[str]) -> Iterator[Run]:
    token = None
    while experiment_ids:
        page = client.search_runs(experiment_ids, max_results=PAGE, page_token=token)
        yield from page
        if not (token := page.token):
            return


def _some(sweeps: list[str] | tuple[str, ...]) -> str:
    rest = len(sweeps) - MOST_SAID
    return listed([*sweeps[:MOST_SAID], *([f"{rest} more"] if rest > 0 else [])])
