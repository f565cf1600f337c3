"""What a paper's methods section says of an exported ensemble, from its facts and settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from raphe.core.bundles import cards, methods
from raphe.core.sentences import counted, listed, number, whole
from raphe.core.statistics.abstention import NotSure, percent_at_most
from raphe.tasks.celltype.ensemble.bundle_runtime import FIRING_INPUT
from raphe.tasks.celltype.ensemble.card_words import readable, threshold
from raphe.tasks.celltype.ensemble.export_facts import VALIDATION
from raphe.tasks.celltype.ensemble.selection import BEST, ONE_SE
from raphe.tasks.celltype.metrics.names import names

CORRADETTI = (
    "Corradetti D, Bernardi A, Corradetti R (2024) J Neurosci Methods, "
    "doi:10.1016/j.jneumeth.2024.110158"
)
REFERENCES = {
    "Corradetti et al. 2024": CORRADETTI,
    "Guo et al. 2017": "Guo C, Pleiss G, Sun Y, Weinberger KQ (2017) On calibration of modern "
    "neural networks. ICML",
    "Platt 1999": "Platt J (1999) Probabilistic outputs for support vector machines. Advances in "
    "Large Margin Classifiers",
    "Angelopoulos et al. 2022": "Angelopoulos AN, Bates S, Fisch A, Lei L, Schuster T (2022) "
    "Conformal risk control. arXiv:2208.02814",
    "Caruana et al. 2004": "Caruana R, Niculescu-Mizil A, Crew G, Ksikes A (2004) Ensemble "
    "selection from libraries of models. ICML",
    "Breiman et al. 1984": "Breiman L, Friedman JH, Olshen RA, Stone CJ (1984) Classification and "
    "Regression Trees",
    "Tsamardinos et al. 2018": "Tsamardinos I, Greasidou E, Borboudakis G (2018) Bootstrapping the "
    "out-of-sample predictions for efficient and accurate cross-validation. Mach Learn 107:1895",
}
SPLIT_BY = {
    "cell": "so that no cell was in two parts",
    "day": "so that neither a cell nor a recording day was in two parts",
    "animal": "so that neither a cell nor an animal was in two parts",
    "source": "so that no laboratory or set of recordings was in two parts",
    "spike": "so that cells tested on were also trained on, as published",
}
POOLED = {"mean": "mean", "median": "median", "trimmed": "trimmed mean"}
AVERAGED = ("auroc", "macro_auroc", "balanced_accuracy")  # figures of a test that are stated


def methods_text(facts: Mapping[str, Any], settings: str) -> str:
    """METHODS.md: a paragraph in the past tense, and what it cites.

    Args:
        facts: of the manifest.
        settings: of the training as YAML; whatever they do not tell is left out.
    """
    sentences = [
        _networks(facts),
        _windows(facts["window"]),
        _data(facts),
        _training(methods.settings_by_name(settings)),
        _members(facts["selection"], facts["members"]),
        _verdicts(facts),
        _test(facts),
        f"Analyses were made with {methods.software()}.",
        cards.of_others(facts["note"]),
    ]
    text = " ".join(sentences)
    cited = [entry for name, entry in REFERENCES.items() if name in text]
    return cards.paragraph(sentences, cited)


def _networks(facts: Mapping[str, Any]) -> str:
    kernels = sorted({member["kernel"] for member in facts["members"]})
    unit = "sample" if kernels == [1] else "samples"
    sizes = f"kernel size{'s' if len(kernels) > 1 else ''} {_spans(kernels)} {unit}"
    n = len(facts["members"])
    model = "a one-dimensional convolutional neural network"
    if n > 1:
        model = f"an ensemble of {n} one-dimensional convolutional neural networks"
    classes = listed(map(cards.of_others, facts["classes"]), "or")
    shown = "the shape of their spikes" + (" and their firing" if FIRING_INPUT in facts else "")
    return (
        f"Cells were classified as {classes} from {shown} "
        f"by {model} ({sizes}) of the architecture of Corradetti et al. 2024{_firing(facts)}."
    )


def _firing(facts: Mapping[str, Any]) -> str:
    if FIRING_INPUT not in facts:
        return ""
    return (
        ", to whose logits those of two small networks were added: one of the cell's inter-spike "
        "intervals up to 4 s, one of its autocorrelogram up to 1 s"
    )


def _spans(numbers: list[int]) -> str:
    """As "4, 8 and 20–30"."""
    spans: list[list[int]] = []
    for value in numbers:
        if spans and value == spans[-1][1] + 1:
            spans[-1][1] = value
        else:
            spans.append([value, value])
    return listed(f"{first}–{last}" if last > first else f"{first}" for first, last in spans)


def _windows(window: Mapping[str, Any]) -> str:
    rate_khz = window["rate_hz"] / 1000
    length_ms = window["n_samples"] / rate_khz
    text = (
        f"Each spike was a window of {number(length_ms)} ms ({window['n_samples']} samples at "
        f"{rate_khz:g} kHz)"
    )
    if (cut := window["cut"]) is not None:
        text += f" that began {cut['pre_ms']:g} ms before the crossing of {threshold(cut)}"
    return f"{text}, standardised by its own mean and standard deviation."


def _data(facts: Mapping[str, Any]) -> str:
    training = facts["training"]
    counts = [f"{len(cells)} {cards.of_others(name)}" for name, cells in training["cells"].items()]
    n_cells = sum(len(cells) for cells in training["cells"].values())
    days = f", {counted('recording day', len(training['days']))}" if training["days"] else ""
    parts = [
        f"{counted('spike', training['n_spikes'])} of {counted('cell', n_cells)} "
        f"({listed(counts)}{days}) for training"
    ]
    for name, purpose in ((VALIDATION, "for validation"), ("test", "for testing")):
        if of_set := facts["figures"].get(name):
            parts.append(f"{counted('cell', of_set['n_cells'])} {purpose}")
    split = training["split"]["kind"]
    return f"Spikes were divided by {split} into {listed(parts)}, {SPLIT_BY[split]}."


def _training(settings: Mapping[str, Any]) -> str:
    """From settings by their full names."""
    epochs = settings.get("trainer.max_epochs")
    if epochs is None:
        return ""
    details = [methods.optimizer(settings)]
    if (size := settings.get("data.batch_size")) is not None:
        details.append(f"batches of {whole(size)} spikes")
    if (dropout := settings.get("model.dropout")) is not None:
        details.append(f"dropout {dropout:g}")
    patience = settings.get("callbacks.patience")
    may_stop = methods.may_stop_early(settings)
    text = (
        f"Networks were trained on the cross-entropy for {'at most ' * may_stop}"
        f"{counted('epoch', epochs)} ({', '.join(filter(None, details))})"
    )
    if settings.get("data.weigh") == "classes":
        text += ", with each class given the same weight"
    if settings.get("data.synthetic") is not None:
        text += ", to which synthetic spikes were added"
    better, best = ("lower", "lowest")
    if settings.get("monitor.mode") == "max":
        better, best = "higher", "highest"
    label = names().label(settings.get("monitor.metric", "val/loss")).replace(", ", " over ")
    if may_stop and patience is not None:
        text += (
            f"; training stopped after {counted('epoch', patience)} without a {better} validation "
            f"{label}"
        )
    is_last = settings.get("callbacks.keep") == "last"
    kept = "last epoch" if is_last else f"epoch of the {best} validation {label}"
    return f"{text}, and the weights of the {kept} were used."


def _members(selection: Mapping[str, Any], members: Sequence[Mapping[str, Any]]) -> str:
    way, n = selection["way"], selection["n_networks"]
    if n == 1 or way == "all":
        return ""
    if not selection["by_validation"]:
        return "The kernel sizes were set in advance."
    best = "the lowest validation loss over cells"
    if way == BEST:
        rule = f"the kernel size of {best} was used"
    elif way == ONE_SE:
        rule = (
            "the smallest kernel size whose validation loss over cells was within one standard "
            "error of the lowest was used (Breiman et al. 1984)"
        )
    elif way == "greedy":
        rule = (
            "members were selected by forward selection with replacement on the validation cells "
            f"(Caruana et al. 2004){_weights(members)}"
        )
    else:
        n_best = int(way.removeprefix("top:"))
        rule = f"the {n_best} networks of {best} were used"
        if n_best == 1:
            rule = f"the network of {best} was used"
    kernels = selection["kernels"]
    sizes = f"kernel size{'s' * (len(kernels) > 1)} {_spans(kernels)}"
    text = f"Of {counted('network', n)} trained ({sizes}), {rule}"
    if (optimism := selection["optimism"]) and optimism["corrected"] is not None:
        text += (
            f"; the validation loss over cells of the chosen was {optimism['apparent']:.3f}, and "
            f"{optimism['corrected']:.3f} (2.5 to 97.5 % of the resamples {optimism['low']:.3f} to "
            f"{optimism['high']:.3f}) after correction for the choice (Tsamardinos et al. 2018)"
        )
    return f"{text}."


def _weights(members: Sequence[Mapping[str, Any]]) -> str:
    """How often each was picked, where that is not once."""
    if all(member["times"] == 1 for member in members):
        return ""
    picked = [
        f"{cards.of_others(member['label'])} {counted('time', member['times'])}"
        for member in members
    ]
    return f", which picked {listed(picked)} and weighted them so"


def _verdicts(facts: Mapping[str, Any]) -> str:
    n = facts["not_sure"]["n_items"]
    text = (
        f"The probability of a cell was the {POOLED[facts['pooling']]} of those of its spikes"
        + (" over all networks" if len(facts["members"]) > 1 else "")
    )
    if facts["calibrated_by"] == "none":
        text += "; it was not calibrated"
    else:
        by = {
            "temperature": "by a temperature (Guo et al. 2017)",
            "platt": "by Platt scaling (Platt 1999)",
        }[facts["calibrated_by"]]
        text += f", calibrated {by} on {counted('validation cell', n)}"
    if not n:
        return f"{text}. Every cell was called the class of the highest probability."
    not_sure = NotSure(**facts["not_sure"])
    on = counted("validation cell", n)
    if not_sure.unit != not_sure.item:
        on += f" of {counted(not_sure.unit, not_sure.n_units)}"
    control = f"conformal risk control (Angelopoulos et al. 2022) on {on}"
    wrong = f"on average at most {percent_at_most(not_sure.promised_error)} of new cells"
    if not not_sure.threshold:
        return (
            f"{text}. Every cell was called the class of the highest probability: by {control} no "
            f"threshold was needed for {wrong} to be called wrong."
        )
    return (
        f"{text}. A cell was called a class where its probability was at least "
        f"{not_sure.threshold:.3f}, and left undecided otherwise; this threshold was set by "
        f"{control}, so that {wrong} are called wrong."
    )


def _test(facts: Mapping[str, Any]) -> str:
    of_set = facts["figures"].get("test")
    if not of_set:
        return ""
    figures = [row for row in of_set["all_cells"] if row["name"] in AVERAGED and row["value"]]
    stated = [
        f"{readable(row['name'])} was {cards.with_interval(row, interval='95% CI')}"
        for row in figures
    ]
    n = counted("test cell", of_set["n_cells"])
    called = f"{of_set['n_called']} were called and {of_set['n_called_wrong']} of these wrongly"
    return f"Of {n}, {called}{f'; over all of them {listed(stated)}' if stated else ''}."
