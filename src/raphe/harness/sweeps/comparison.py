"""What MLflow's page shows of a sweep at once.

- The parent has each member's figures over what is swept, `over/model.kernel/test/cells/auroc` with
  the kernel as step, and the chosen number, `chosen/model.kernel`.
- The chosen member has a star before its name, which stands in every table and legend.
- A view of the experiment has the members in the order of what is swept, the columns that a report
  shows, and their figures over what is swept. It is a tag of the experiment in MLflow's own form,
  as its page writes one when somebody shares a view.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig

from raphe.core import metric_names
from raphe.harness.records.parameters import number_of
from raphe.harness.records.tracked_run import TrackedRun
from raphe.harness.report.means import Means
from raphe.harness.report.shown import logged_by, shown_metrics, test_sets
from raphe.harness.sweeps.choice import Choice
from raphe.harness.sweeps.plan import SweepPlan
from raphe.harness.tracking import PARENT_TAG, RunFacts, Tracker

LARGEST_STEP = 2**31
MOST_CHARTS, MOST_CHARACTERS = 9, 4900  # MLflow keeps 5000 characters of a tag
SHOWN_ALWAYS = "attributes.`Run Name`", "runDateAndNestInfo", "duration"
MOST_STEPS = 200  # members whose figures the parent has, too; of more nobody looks at them
MEMBERS = "members"  # what stands for a setting where several are swept


def track_comparison(
    tracker: Tracker,
    parent: TrackedRun,
    plan: SweepPlan,
    runs: Mapping[str, RunFacts],
    choice: Choice | None,
    settings: DictConfig,
    means: Means | None = None,
) -> None:
    """Track what the page shows of the members that finished.

    Args:
        runs: by label, in their order.
        choice: among them; None where none is chosen, as of folds.
        settings: the section `report`.
        means: of a sweep that repeats what it compares, whose figures over what is swept they are.
    """
    if means is not None:
        by_label = {run.name: run for run in means.runs}
        values = {
            name: list(dict.fromkeys(run.params[name] for run in means.runs))
            for name in means.compared
        }
        compared = SweepPlan(plan.parent_run_id, values, 1, None)
        parent.log_histories(histories(compared, by_label, settings))
    elif len(runs) <= MOST_STEPS:
        parent.log_histories(histories(plan, runs, settings))
    chosen = None if choice is None else list(runs.values())[choice.index]
    if chosen is not None:
        numbers = {name: number_of(chosen.params.get(name, "")) for name in plan.parameters}
        parent.log_anew(
            {
                metric_names.chosen(name): value
                for name, value in numbers.items()
                if value is not None
            }
        )
    tracker.mark_chosen(chosen, list(runs.values()), choice.rule if choice else "")
    if runs:
        text = view_text(parent.run_id, plan, list(runs.values()), settings)
        tracker.keep_view(parent.run_id, text)


def histories(
    plan: SweepPlan, runs: Mapping[str, RunFacts], settings: DictConfig
) -> dict[str, dict[int, float]]:
    """All members' figures, by name and step: of test sets and of the kept weights' validation."""
    steps, over = steps_of(plan)
    found: dict[str, dict[int, float]] = {}
    for label, run in runs.items():
        parts = (metric_names.KEPT, *test_sets(run, settings))
        for metric, value in run.metrics.items():
            if metric.partition("/")[0] in parts and "/" in metric and math.isfinite(value):
                found.setdefault(metric_names.over(over, metric), {})[steps[label]] = value
    return found


def steps_of(plan: SweepPlan) -> tuple[dict[str, int], str]:
    """Each member's step and what it is: the number of the one setting that is swept, where all
    are whole and no two alike, as 1 and 1.0; else the member's place, counted from 1."""
    labels = [member.label for member in plan.members]
    if len(plan.parameters) == 1:
        ((setting, texts),) = plan.parameters.items()
        steps = [int(n) for n in map(number_of, texts) if n is not None and _may_be_step(n)]
        if len(set(steps)) == len(labels):
            return dict(zip(labels, steps, strict=True)), setting
    return {label: place for place, label in enumerate(labels, 1)}, MEMBERS


def view_text(
    parent_run_id: str, plan: SweepPlan, runs: Sequence[RunFacts], settings: DictConfig
) -> str:
    """The view of a sweep's members, as MLflow 3's page reads it."""
    swept = [metric_names.swept(name) for name in plan.parameters]
    swept = [name for name in swept if any(name in run.metrics for run in runs)]
    texts = [name for name in plan.parameters if metric_names.swept(name) not in swept]
    figures = figures_of(runs, settings)
    columns = [f"params.`{name}`" for name in texts]
    columns += [f"metrics.`{name}`" for name in (*swept, *figures)]
    view: dict[str, Any] = {
        "searchFilter": f"tags.`{PARENT_TAG}` = '{parent_run_id}'",
        "orderByKey": columns[0] if columns else "attributes.start_time",
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "runsHiddenMode": "SHOW_ALL",
        "selectedColumns": columns,
        "columnOrder": [*SHOWN_ALWAYS, *columns],
    }
    if len(swept) == 1:
        view["isAccordionReordered"] = True  # the section stays first
        view["compareRunSections"] = [_section(next(iter(plan.parameters)))]
        setting = next(iter(plan.parameters)).rpartition(".")[2]
        charts = [_chart(swept[0], setting, name) for name in figures if not _is_count(name)][
            :MOST_CHARTS
        ]
        while charts and len(json.dumps({**view, "compareRunCharts": charts})) > MOST_CHARACTERS:
            charts.pop()
        view["compareRunCharts"] = charts
    return json.dumps(view)


def figures_of(runs: Sequence[RunFacts], settings: DictConfig) -> list[str]:
    """The metrics that a report shows, validation of what was kept beside test; counts last."""
    shown = ["loss", *shown_metrics(runs, settings), *settings.counts]
    parts = [f"{metric_names.KEPT}/{metric_names.VAL}", metric_names.TEST]
    wanted = [f"{part}/{name}" for name in shown for part in parts]
    logged = logged_by(runs)
    return [name for name in dict.fromkeys(wanted) if name in logged]


def _section(setting: str) -> dict[str, Any]:
    return {
        "uuid": "raphe",
        "name": f"over {setting}",
        "display": True,
        "isReordered": True,
        "deleted": False,
    }


def _chart(over: str, setting: str, metric: str) -> dict[str, Any]:
    """A metric over what is swept. The page titles it by both keys, which have room for few words;
    the values are those of dataAccessKey."""
    return {
        "type": "SCATTER",
        "uuid": metric,
        "metricSectionId": "raphe",
        "runsCountToCompare": 100,
        "deleted": False,
        "isGenerated": False,
        "xaxis": {"key": setting, "dataAccessKey": over, "type": "METRIC"},
        "yaxis": {"key": metric, "type": "METRIC"},
    }


def _is_count(metric: str) -> bool:
    return metric.rpartition("/")[2].startswith("n_")


def _may_be_step(number: float) -> bool:
    return number.is_integer() and abs(number) < LARGEST_STEP
