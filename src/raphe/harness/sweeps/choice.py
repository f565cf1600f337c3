"""Which member of a sweep is chosen: by validation of the weights that were kept, never by test.

The smallest of many validation losses is smaller than that member's loss on new cells. The rule of
one standard error (Breiman et al. 1984) takes, of all that the best cannot be told from, the member
with the smallest swept number.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hydra.utils import instantiate
from omegaconf import DictConfig

from raphe.core.metric_names import kept
from raphe.core.sentences import number
from raphe.harness.records.parameters import number_of
from raphe.harness.settings.composed import CHOICES
from raphe.harness.tracking import SEEN_TAG, RunFacts

BEST, ONE_SE = CHOICES


@dataclass(frozen=True)
class SweptMember:
    """A finished member as the choice sees it."""

    label: str  # "model.kernel=7"
    number: float | None  # what is swept, where that is one number; not of a seed
    value: float  # of the monitored metric at the kept epoch; NaN where there is none
    standard_error: float | None = None  # of that value


@dataclass(frozen=True)
class Choice:
    """`index` is the chosen member's in the list that was chosen among."""

    index: int
    rule: str  # that decided: without standard errors or one swept number it is `best`
    sentence: str


def choose(
    members: Sequence[SweptMember], rule: str, metric: str, mode: str = "min"
) -> Choice | None:
    """The member that a rule takes; None where no member has a value, or there is only one.

    Args:
        members: that finished.
        rule: one of CHOICES.
        metric: of the values in words, as "validation loss".
        mode: "min" or "max", which of the values is best.
    """
    sign = 1.0 if mode == "min" else -1.0
    rows = [row for row, member in enumerate(members) if math.isfinite(member.value)]
    if not rows or len(members) == 1:
        return None
    rows.sort(key=lambda row: (sign * members[row].value, _number(members[row])))
    best = members[rows[0]]
    value = f"{metric} {number(best.value)}"
    extreme = "lowest" if mode == "min" else "highest"
    if len(rows) == 1:
        sentence = f"Chosen by validation: {best.label}, the only one with a result, {value}."
        return Choice(rows[0], BEST, sentence)
    optimism = (
        f"Being the best of {len(rows)}, it is too good; no figure of the test had a part in the "
        "choice."
    )
    if rule == BEST:
        sentence = f"Chosen by validation: {best.label}, with the {extreme} {value}. {optimism}"
        return Choice(rows[0], BEST, sentence)
    if lacking := _lacking(best, [members[row] for row in rows]):
        sentence = (
            f"Chosen by validation: {best.label}, with the {extreme} {value}; {lacking}, so that "
            f"the rule of one standard error could not be used. {optimism}"
        )
        return Choice(rows[0], BEST, sentence)
    standard_error = best.standard_error
    assert standard_error is not None  # or it would be lacking
    within = [row for row in rows if sign * (members[row].value - best.value) <= standard_error]
    chosen = min(within, key=lambda row: _number(members[row]))
    taken = members[chosen]
    sentence = (
        f"Chosen by validation: {taken.label}, the smallest within one standard error "
        f"({number(standard_error, 2)}) of the {extreme} {value} ({best.label})."
    )
    return Choice(chosen, ONE_SE, sentence)


def choose_run(
    runs: Sequence[RunFacts],
    parameters: Sequence[str],
    config: DictConfig,
    standard_errors: Mapping[str, float | None],
) -> Choice | None:
    """`choose` among tracked members, as the settings `choose` and `monitor` say.

    Args:
        runs: members that finished.
        parameters: names of what is swept.
        standard_errors: of the metric, by run id; of a run that is missing it is not known.

    None, too, where they were trained on what they were validated on.
    """
    if not validate_unseen(runs):
        return None
    metric = kept(config.monitor.metric)
    # A smaller kernel is simpler; a smaller seed is not.
    has_order = len(parameters) == 1 and "seed" not in parameters[0].rpartition(".")[2]
    members = [
        SweptMember(
            run.name,
            number_of(run.params.get(parameters[0]) or "") if has_order else None,
            run.metrics.get(metric, math.nan),
            standard_errors.get(run.run_id),
        )
        for run in runs
    ]
    return choose(members, config.choose, metric_in_words(config), config.monitor.mode)


def validate_unseen(runs: Sequence[RunFacts]) -> bool:
    """Whether all were validated on what they were not trained on."""
    return not any(SEEN_TAG in run.tags for run in runs)


def metric_in_words(config: DictConfig) -> str:
    """What decides, as "validation loss over spikes"."""
    label = instantiate(config.report.names).label(config.monitor.metric)
    return f"validation {label.replace(', ', ' over ')}"


def chosen_for(rule: str, config: DictConfig) -> str:
    """Why a sweep's member has its star, as "with the lowest validation loss"."""
    extreme = "lowest" if config.monitor.mode == "min" else "highest"
    best = f"the {extreme} {metric_in_words(config)}"
    return (
        f"with {best}"
        if rule == BEST
        else f"the smallest number within one standard error of {best}"
    )


def _lacking(best: SweptMember, members: Sequence[SweptMember]) -> str:
    """What the rule of one standard error lacks, or ""."""
    if any(member.number is None for member in members):
        return "what is swept is not one number that goes from simple to complex"
    if best.standard_error is None or not math.isfinite(best.standard_error):
        return "its standard error is not known"
    return ""


def _number(member: SweptMember) -> float:
    return math.inf if member.number is None else member.number
