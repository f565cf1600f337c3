"""The card that goes with a bundle, and its short form for the terminal."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from raphe.core.bundles import cards
from raphe.core.command_line import printed_command
from raphe.core.sentences import counted, listed
from raphe.core.statistics.abstention import NotSure
from raphe.core.statistics.decision import Decision
from raphe.tasks.celltype.ensemble.bundle_runtime import FIRING_INPUT
from raphe.tasks.celltype.ensemble.card_words import (
    chosen_row,
    readable,
    selection_text,
    threshold,
    with_interval,
)
from raphe.tasks.celltype.ensemble.export_facts import VALIDATION
from raphe.tasks.celltype.features.cell_statistics import FIRING, by_column
from raphe.tasks.celltype.features.training_domain import FEWEST_CELLS

SPLIT_BY = {
    "cell": "by cell: no cell is in two parts, but cells of one day may be",
    "day": "by recording day: neither a cell nor a day is in two parts",
    "animal": "by animal: neither a cell nor an animal is in two parts",
    "source": "by source: no laboratory, rig or set of recordings is in two parts",
    "spike": "by spike, as published: the same cells are trained and tested on",
}
FILES = """\
`model.onnx` is every member in one graph: `current_pa` (N × {n_samples}, float32, {unit}) {more}in,
`probability` (N × {n_classes}, the members' mean) and `member_probability` ({n_members} × N ×
{n_classes}) out. `weights.safetensors` holds the same weights,{settings} `manifest.json` everything
a program needs, with the SHA-256 of every file."""
SETTINGS = " `config.yaml` the settings of training, `METHODS.md` the paragraph above,"
OF_EACH_SET = " Predictive values above are those of the mix of each set."
AS_PUBLISHED = (
    "Its probability of a cell is the published consensus: the mean of each output over all spikes "
    "and networks, before they are scaled to sum to 1."
)


def model_card(facts: Mapping[str, Any], methods: str = "") -> str:
    """The card as Markdown, from the facts of a manifest; `methods` is a paragraph to paste."""
    classes = list(map(cards.of_others, facts["classes"]))
    parts = [
        f"# {' or '.join(classes)}? {_size(len(facts['members']))}",
        cards.note(facts["note"]),
        "## Intended use",
        _intended(facts),
        "## Figures",
        *(_figures(name, of_set) for name, of_set in _tests_first(facts["figures"])),
        "" if trained_here(facts) else _untested(facts),
        "## For which cells its probabilities hold",
        _probabilities(facts) + (OF_EACH_SET if facts["figures"] else ""),
        "## When it says “not sure”",
        _not_sure(facts),
        "## If a cell were recorded again",
        _again(facts["between_days"]),
        "## How the members were chosen",
        selection_text(facts["selection"], trained_here(facts)),
        _members(facts),
        "## Trained on",
        _training(facts),
        "## Limits",
        _limits(facts),
        "## Methods, to paste into a paper" if methods else "",
        methods.strip(),
        "## Files",
        FILES.format(
            n_samples=facts["window"]["n_samples"],
            unit=facts["window"]["unit"],
            n_classes=len(classes),
            n_members=len(facts["members"]),
            settings=SETTINGS if trained_here(facts) else "",
            more=_firing_input(facts),
        ),
        cards.WHOSE,
        "## Where it comes from",
        cards.provenance(facts["provenance"]),
    ]
    return cards.card(parts)


def trained_here(facts: Mapping[str, Any]) -> bool:
    """Whether the training is known; of networks that came as files it is not."""
    return "cells" in facts["training"]


def summary(path: Path, facts: Mapping[str, Any]) -> str:
    """What the terminal shows after an export."""
    sizes = {member["kernel"] for member in facts["members"]}
    kernels = f"kernel{'s' * (len(sizes) > 1)} {chosen_row(facts['selection'])['members']}"
    lines = [
        f"{path}: {cards.size(len(facts['members']))}, {kernels}",
        "",
        selection_text(facts["selection"], trained_here(facts)),
        "",
    ]
    if diverged := facts["provenance"]["diverged"]:
        lines += [f"left out, as their training diverged: {', '.join(diverged)}", ""]
    for name, of_set in _tests_first(facts["figures"]):
        wrong = f"{of_set['n_called_wrong']} of them wrong"
        cells = counted("cell", of_set["n_cells"])
        lines.append(f"{name}: {of_set['n_called']} of {cells} called, {wrong}")
    lines += [*([""] if facts["figures"] else []), _probabilities(facts)]
    if facts["note"]:
        lines += ["", f"Note: {facts['note']}"]
    command = printed_command("raphe", "predict", "RECORDINGS", "--bundle", path)
    lines += ["", f"next: {command}"]
    return "\n".join(lines)


def _size(n_networks: int) -> str:
    return "One network" if n_networks == 1 else f"An ensemble of {cards.size(n_networks)}"


def _intended(facts: Mapping[str, Any]) -> str:
    window, cut = facts["window"], facts["window"]["cut"]
    abstains = facts["not_sure"]["n_items"] > 0
    kind = "an uncalibrated" if facts["calibrated_by"] == "none" else "a calibrated"
    text = (
        f"Says of one cell, from windows of {window['n_samples']} samples at "
        f"{window['rate_hz']:g} Hz in {window['unit']}, whether it is "
        f"{listed(map(cards.of_others, facts['classes']), 'or')}, with {kind} "
        f"probability{', or that it is not sure' if abstains else ''}."
    )
    if cut is not None:
        text += f" Windows begin {cut['pre_ms']:g} ms before the crossing of {threshold(cut)}."
    if FIRING_INPUT in facts:
        firing = facts[FIRING_INPUT]
        text += (
            f" Beside each spike it looks at how the cell fires: {len(firing['inputs'])} numbers "
            "of its intervals up to 4 s and of its autocorrelogram up to 1 s. Where the times of "
            f"spikes are not known, or make fewer than {firing['fewest_intervals']} intervals, it "
            "judges by the spikes alone, and `raphe predict` says so."
        )
    if facts["as_published"]:
        text += f" {AS_PUBLISHED}"
    marks = "; `raphe predict` marks others"
    if not trained_here(facts):
        marks = ", which are not known"
        if store := facts["training"]["store"]:
            name = cards.of_others(store["name"])
            marks += f"; `raphe predict` marks cells unlike those of the store “{name}”"
    return (
        f"{text} For cells recorded as those it was trained on{marks}. Not for clinical use, nor "
        "for other regions, species or recording methods."
    )


def _tests_first(figures: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The figures of each set, those it was chosen on last."""
    return sorted(figures.items(), key=lambda item: item[0] == VALIDATION)


def _figures(name: str, figures: Mapping[str, Any]) -> str:
    called = {headline["name"]: headline for headline in figures["called_cells"]}
    rows = [
        [
            readable(headline["name"]),
            with_interval(headline),
            with_interval(called.get(headline["name"])),
        ]
        for headline in figures["all_cells"]
    ]
    head = f"all, {counted('cell', figures['n_cells'])}", f"the {figures['n_called']} called"
    return (
        f"### {name} ({counted('spike', figures['n_spikes'])})\n\n"
        f"{cards.table(['', *head], rows)}\n\n"
        f"{figures['intervals']} Brier score {figures['brier']:.3f}, expected calibration error "
        f"{figures['expected_calibration_error']:.3f}."
    )


def _probabilities(facts: Mapping[str, Any]) -> str:
    decision, classes = Decision.from_facts(facts), facts["classes"]
    calibrated = decision.calibration_statement()
    text = f"Probabilities are {calibrated}. {decision.mix_statement(classes)}"
    if decision.method == "temperature":
        text += (
            " A temperature leaves the mix of training as it is; evaluate.calibration=platt learns "
            "that of the validation cells."
        )
    return text


def _not_sure(facts: Mapping[str, Any]) -> str:
    if not facts["not_sure"]["n_items"]:
        return "Never: no cell was held out to choose a threshold on."
    not_sure = NotSure(**facts["not_sure"])
    caution = (
        "The held-out cells are those of validation; they may have stopped the training and chosen "
        "the members, so where the test cells above say otherwise, believe those."
        if trained_here(facts)
        else "The networks' files do not say whether one was trained on these cells."
    )
    return (
        f"Where no class has a probability of at least {not_sure.threshold:.3f}. Promise: "
        f"{not_sure.statement()}. {caution}"
    )


def _untested(facts: Mapping[str, Any]) -> str:
    if not facts["figures"]:
        return "None: no labelled cells were given."
    return (
        "No cells were kept for a test: these are the cells by which all the rest was settled, so "
        "the figures are too good."
    )


def _members(facts: Mapping[str, Any]) -> str:
    rows = [
        [
            cards.of_others(member["label"]),
            f"{member['kernel']}",
            f"{member['times']}",
            cards.of_others(member["origin"]),
        ]
        for member in facts["members"]
    ]
    return cards.table(["member", "kernel", "counts", "from"], rows)


def _again(between_days: Mapping[str, Any] | None) -> str:
    if between_days is None:
        return "How far its probability would move is not known: no cells were held out."
    return (
        f"The log odds of a cell differ between days with an SD of {between_days['spread']:.2f}: "
        f"{between_days['how']}. What else differs between days, such as the seal, is not "
        "included. With the spread of the cell's own spikes it makes the interval that stands "
        "beside each verdict, which was tested on simulated recordings only."
    )


def _training(facts: Mapping[str, Any]) -> str:
    if not trained_here(facts):
        return _not_known(facts)
    training = facts["training"]
    cells = training["cells"]
    counts = ", ".join(
        f"{len(of_class)} {cards.of_others(name)}" for name, of_class in cells.items()
    )
    n_cells = counted("cell", sum(map(len, cells.values())))
    days = training["days"]
    over_days = f" of {counted('day', len(days))} ({days[0]} to {days[-1]})" if days else ""
    return (
        f"{counted('spike', training['n_spikes'])} of {n_cells} ({counts}){over_days}. Split "
        f"{SPLIT_BY[training['split']['kind']]}. Over the training cells:\n\n"
        + _domain(training["domain"], facts["window"]["unit"])
    )


def _domain(domain: Mapping[str, Any], unit: str) -> str:
    low, mid, high = (domain["levels"].index(level) for level in (0.05, 0.5, 0.95))
    named = by_column(unit)
    rows = [
        [named[name].words, *(named[name].shown(values[place], unit) for place in (low, mid, high))]
        for name, values in domain["quantiles"].items()
    ]
    table = cards.table(["of a cell's spikes", "5 %", "50 %", "95 %"], rows)
    return f"{table}\n\n{_unlike(domain, unit)}"


def _not_known(facts: Mapping[str, Any]) -> str:
    text = (
        "Not known: the networks came as the files above, which name neither the cells nor the "
        "settings of training."
    )
    store = facts["training"]["store"]
    if store is None:
        return text
    counts = ", ".join(f"{n} {cards.of_others(name)}" for name, n in store["n_cells"].items())
    return (
        f"{text} Whether a cell is unlike those of training is judged by the cells of the "
        f"store “{cards.of_others(store['name'])}” in their place: "
        f"{counted('spike', store['n_spikes'])} of {counts}.\n\n"
        + _domain(facts["training"]["domain"], facts["window"]["unit"])
    )


def _unlike(domain: Mapping[str, Any], unit: str) -> str:
    """What a verdict “unlike training” rests on, and how often it is a false alarm."""
    if domain["test"] is None:
        n_cells = counted("training cell", domain["n_cells"])
        return f"No cell is called unlike training: {n_cells} cannot tell, {FEWEST_CELLS} could."
    kind = domain["held_out"]["kind"]
    left_out = counted(kind, domain["held_out"]["n_folds"])
    firing = any(by_column(unit)[column].group == FIRING for column in domain["test"]["columns"])
    held = "the same days (of others nothing is known)" if kind == "cell" else f"new {kind}s"
    alarms = f"{100 * domain['false_alarms']:.0f} %"
    return (
        "A cell far from these in one statistic, or in several taken together, is called unlike "
        f"training and gets no class. At most {alarms} of cells recorded as "
        f"those of training are, on {held}: the limits are from {left_out} left out in turn. "
        + ("" if firing else "Firing is not compared, as the times of the spikes are not known.")
    ).rstrip()


def _firing_input(facts: Mapping[str, Any]) -> str:
    if FIRING_INPUT not in facts:
        return ""
    n = len(facts[FIRING_INPUT]["inputs"])
    return f"and `firing`\n(N × {n}, float32, of each window's cell, NaN where it is not known) "


def _limits(facts: Mapping[str, Any]) -> str:
    if not trained_here(facts):
        return "- What was wrong in the training of the networks, labels too, is wrong here."
    smallest = min(len(cells) for cells in facts["training"]["cells"].values())
    lines = [
        "Labels are those of the training data; whatever was wrong in them is wrong here.",
        f"The smallest class has {counted('training cell', smallest)}; the intervals above show "
        "what few cells can tell, but not how cells of another laboratory would differ.",
    ]
    if FIRING_INPUT in facts:
        lines.append(
            "How a cell fires depends on what is done to it (drugs, slice or animal, current "
            "injected) more than the shape of its spikes does."
        )
    if not facts["training"]["days"]:
        lines.append("Recording days are unknown, so noise of a day may give a class away.")
    return "\n".join(f"- {line}" for line in lines)
