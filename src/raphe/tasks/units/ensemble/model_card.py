"""The model card of an exported classifier of units."""

from collections.abc import Mapping
from typing import Any

from raphe.core.bundles import cards
from raphe.core.sentences import counted
from raphe.core.statistics.decision import Decision

USE = """\
```sh
raphe predict FOLDER --bundle THIS_FOLDER --out labels
```

FOLDER holds the units of a sorting; see `raphe predict --task units --help`."""
CONFIG = "- `config.yaml`: settings of the training.\n"
FILES = f"""\
- `classifier.onnx`: the classifier.
- `manifest.json`: facts, figures, calibration and the SHA-256 of every file.
{CONFIG}- `METHODS.md`: the paragraph on methods alone."""


def unit_card(facts: Mapping[str, Any], methods: str) -> str:
    """MODEL_CARD.md from the manifest's facts and the paragraph on methods."""
    decision = Decision.from_facts(facts["decision"])
    classes = facts["classes"]
    counts = ", ".join(
        f"{cards.of_others(name)} {n}" for name, n in zip(classes, facts["n_of_class"], strict=True)
    )
    parts = [
        "# Which kind of cell is a unit?",
        cards.note(facts["note"]),
        f"Calls a unit one of {counted('class', len(classes), 'classes')} by "
        f"{_what(facts)}. {_compared(facts)}",
        "## How well",
        _figures(facts),
        cards.of_others(facts["leak"]),
        f"“Not sure”: {decision.not_sure.statement()}. Probabilities are "
        f"{decision.calibration_statement()}. {cards.of_others(decision.mix_statement(classes))}",
        "## Trained on",
        f"{counted('unit', sum(facts['n_of_class']))}: {counts}.",
        _layout(facts["layout"]),
        "## Use",
        USE,
        "## Methods, to paste into a paper",
        methods.strip(),
        "## Files",
        FILES.replace(CONFIG, "") if facts.get("tuned") else FILES,
        cards.WHOSE,
        "## Where it comes from",
        cards.provenance(facts["provenance"]),
    ]
    return cards.card(parts)


def _what(facts: Mapping[str, Any]) -> str:
    if tuned := facts.get("tuned"):
        n = counted("unit", len(tuned["units"]))
        return f"{cards.of_others(facts['classifier'])}: tuned to {n} of one laboratory"
    if n := facts["n_networks"]:
        return f"{counted('small network', n)} that vote"
    return f"{facts['classifier']}, which is no network: it called unseen units at least as well"


def _compared(facts: Mapping[str, Any]) -> str:
    if facts.get("tuned"):
        figures = "; ".join(f"{name} {value:.3f}" for name, value in facts["compared"].items())
        return f"Balanced accuracy of these units, each left out in its turn: {figures}."
    if len(facts["compared"]) < 2:
        return "It was asked for; others were not compared with it."
    figures = "; ".join(f"{name} {value:.3f}" for name, value in facts["compared"].items())
    return (
        f"Balanced accuracy, mean of folds: {figures}. The best was taken, and its own figure is a "
        "little flattered by that."
    )


def _figures(facts: Mapping[str, Any]) -> str:
    rows = [
        [cards.of_others(name.replace("_", " ")), cards.with_interval(figure), figure["over"]]
        for name, figure in facts["figures"].items()
    ]
    return cards.table(["figure", "units not seen (95 % interval)", "interval over"], rows)


def _layout(layout: Mapping[str, Any]) -> str:
    rate = layout["rate_hz"]
    sees = [
        f"waveforms of {counted('sample', layout['n_samples'])} "
        + (f"at {rate:g} Hz" if rate else "at a sampling rate that is not known: new ones must be "
           "cut alike")
        if layout["n_samples"]
        else "",
        f"intervals up to {layout['isi_bins']} ms" if layout["isi_bins"] else "",
        f"autocorrelograms up to {layout['acg_bins'] // 2} ms" if layout["acg_bins"] else "",
    ]  # fmt: skip
    return f"It sees {', '.join(filter(None, sees))}; any of them may be missing."
