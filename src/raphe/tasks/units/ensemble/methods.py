"""What a paper's methods section says of an exported classifier, from its facts and settings."""

from collections.abc import Mapping
from typing import Any

from raphe.core.bundles import cards, methods
from raphe.core.sentences import counted, listed
from raphe.tasks.units.recordings.unit_set import WORDS


def methods_text(facts: Mapping[str, Any], settings: str) -> str:
    """METHODS.md: a paragraph in the past tense, from the manifest's facts and settings as YAML."""
    n_units = sum(facts["n_of_class"])
    classes = listed(
        f"{n} {cards.of_others(name)}"
        for n, name in zip(facts["n_of_class"], facts["classes"], strict=True)
    )
    layout = facts["layout"]
    sees = listed(
        WORDS[name]
        for name, size in (
            ("waveform", layout["n_samples"]), ("isi", layout["isi_bins"]),
            ("acg", layout["acg_bins"]),
        )
        if size
    )  # fmt: skip
    balanced = facts["figures"]["balanced_accuracy"]
    how = {"given": "the folds that came with the data", "unit": "folds of units"}.get(
        facts["split"], f"folds of whole {facts['split']}s"
    )
    return cards.paragraph(
        [
            f"Units were classified as {listed(map(cards.of_others, facts['classes']), 'or')} from "
            f"their {sees} by {_classifier(facts)}, trained on {counted('labelled unit', n_units)} "
            f"({classes}), each class weighing alike.",
            f"In cross-validation over {counted('fold', facts['n_folds'])} ({how}) its balanced "
            f"accuracy was {cards.with_interval(balanced, '95 % interval')}.",
            _training(methods.settings_by_name(settings)) if facts["n_networks"] else "",
            f"Analyses were made with {methods.software()}.",
            cards.of_others(facts["note"]),
        ],
        [],
    )


def _classifier(facts: Mapping[str, Any]) -> str:
    n = facts["n_networks"]
    if not n:
        return str(facts["classifier"])
    return f"an ensemble of {counted('neural network', n)} with a branch for each"


def _training(settings: Mapping[str, Any]) -> str:
    epochs, steps = settings.get("trainer.max_epochs"), settings.get("data.steps")
    if epochs is None or steps is None:
        return ""
    optimizer = methods.optimizer(settings)
    return (
        f"Networks were trained for {counted('step', epochs * steps)} on all units of the other "
        f"folds at once{f' ({optimizer})' if optimizer else ''}."
    )
