"""What a paper's methods section says of exported networks, from their facts and settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from raphe.core.bundles import cards, methods
from raphe.core.sentences import counted, listed
from raphe.tasks.calcium.ensemble.bundle import DISTILLED, GROUND_TRUTH
from raphe.tasks.calcium.metrics.rate_factors import SCALE
from raphe.tasks.calcium.metrics.rate_scale import UNSCALED, scale_from

STATED = {"correlation": "the correlation of rates and spikes at 25 Hz"}


def methods_text(facts: Mapping[str, Any], settings: str) -> str:
    """METHODS.md: a paragraph in the past tense, from the manifest's facts and settings as YAML."""
    (low, high), networks = facts["frame_hz"], _networks(facts)
    look = "which saw whole traces"
    if facts["latency_s"] is not None:
        look = f"which saw no more than {facts['latency_s']:g} s ahead"
    return cards.paragraph(
        [
            f"Spike rates were inferred from calcium traces by {networks}, {look}.",
            f"Traces were resampled to {facts['rate_hz']:g} Hz and scaled by their own noise, of "
            "the median step from frame to frame; the networks were given the frame rate, too.",
            _training(facts["training"], methods.settings_by_name(settings)),
            f"Imaging rates in training were {low:g} to {high:g} Hz.",
            _test(facts),
            _scale(facts.get(GROUND_TRUTH, {})),
            f"Analyses were made with {methods.software()}.",
            cards.of_others(facts["note"]),
        ],
        [],
    )


def _networks(facts: Mapping[str, Any]) -> str:
    n, one = facts["n_members"], "a convolutional neural network"
    if (distilled := facts.get(DISTILLED)) is not None:
        n, several = distilled["networks"], distilled["members"]
        if n == 1:
            return f"{one}, one that learned what {several} say together"
        return f"{n} convolutional neural networks that learned what {several} say together"
    return one if n == 1 else f"{n} convolutional neural networks"


def _training(training: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    datasets = [
        f"{n} of {cards.of_others(dataset)}" for dataset, n in training["recordings"].items()
    ]
    details = [methods.optimizer(settings)]
    epochs = settings.get("trainer.max_epochs")
    n_recordings = sum(training["recordings"].values())
    if not n_recordings:
        details += [] if epochs is None else [counted("epoch", epochs)]
        return _with("Networks were trained on synthetic traces alone", details)
    text = (
        "Networks were trained on synthetic traces and on "
        f"{counted('recording', n_recordings)} ({listed(datasets)}) with "
        f"{counted('spike', training['spikes'])} in {training['duration_s'] / 60:.0f} min"
    )
    if epochs is not None:
        alone = settings.get("data.pretrain_epochs")
        first = "" if alone is None else f", the first {alone} on synthetic traces alone"
        details.append(f"at most {counted('epoch', epochs)}{first}")
    return _with(text, details)


def _with(text: str, details: Sequence[str]) -> str:
    stated = "; ".join(filter(None, details))
    return f"{text} ({stated})." if stated else f"{text}."


def _scale(known: Mapping[str, Any]) -> str:
    if (scale := scale_from(known.get(SCALE))) == UNSCALED:
        return ""
    data_sets = counted("data set", len({row["dataset"] for row in known["sets"]}))
    return (
        f"Rates were multiplied by {scale.in_words}, by which the mean rates of neurons of "
        f"{data_sets} with known spikes are right in the median."
    )


def _test(facts: Mapping[str, Any]) -> str:
    figures = facts["figures"].get("test", {})
    stated = [
        f"{words} was {cards.with_interval(figures[name], interval='95% CI')}"
        for name, words in STATED.items()
        if name in figures and figures[name]["value"] is not None
    ]
    held_out = list(map(cards.of_others, facts["training"]["held_out"]))
    if not stated or not held_out:
        return ""
    cells = counted("cell", figures["correlation"]["n"])
    return f"On {cells} of {listed(held_out)}, held out of training, {listed(stated)}."
