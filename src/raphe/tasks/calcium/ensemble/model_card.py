"""The card that goes with a bundle of rates."""

from collections.abc import Mapping, Sequence
from typing import Any

from raphe.core.bundles import cards
from raphe.core.sentences import counted
from raphe.tasks.calcium.ensemble.bundle import DISTILLED, GROUND_TRUTH, GROUPS
from raphe.tasks.calcium.metrics.known_neurons import AS_RECORDED_ALONE
from raphe.tasks.calcium.metrics.left_out import PARTS
from raphe.tasks.calcium.metrics.rate_factors import SCALE
from raphe.tasks.calcium.metrics.rate_scale import UNSCALED, scale_from
from raphe.tasks.calcium.metrics.scored_cells import FEWEST_CELLS

INTENDED = """\
Infers from one neuron's calcium trace how many spikes a second it fired, in steps of 40 ms. Takes
any two-photon recording; trained on {low:g} to {high:g} frames a second.
`raphe predict` says which traces lie outside what training saw. The networks' standard
deviation says how far they agree, not how far they are from the truth. Not for clinical use."""
LIMITS = """\
- A fluorescence trace has no absolute scale: the rate of a single neuron may be off by a factor of
  two and more, the rate of a population less. Its course in time is what was trained.
- The clocks of microscope and electrode differ between laboratories by up to 100 ms, and no trace
  tells by how much. Rates come when the networks learned that spikes do: from synthetic traces,
  where a frame bears the time of its start and a slow protein such as GCaMP6s begins to rise 30 to
  90 ms after a spike, and from the clocks of the recordings that they saw.
- A trace of which nothing rises clearly out of the noise has a rate of 0, which says nothing of
  spikes that are too small to be seen."""
OF_FEW = """
- The figures are of few cells of few laboratories."""
CAUSAL = """\
- Causal: a rate depends on the trace up to {latency_s:g} s after it. A running baseline taken off
  before looks 20 s further ahead: leave it out."""
FILES = """\
`model.onnx` takes `calcium` (N × T, float32, z-scored, 100 Hz, T a multiple of 4) and gives
`expected_spikes` (members × N × T) in each sample. `config.yaml` holds the settings of training,
`METHODS.md` the paragraph above, `manifest.json` everything a program needs, with the SHA-256 of
every file."""
PRIORS = """\
Synthetic traces alone; no recording was seen. Rise, decay, delay and nonlinearity of their
indicators, rates and bursts of their spikes, frame rates, noise, drift and neuropil are drawn for
each trace from ranges set after published figures (`data.synthesis` in `config.yaml`; what is not
named there is as in the source of this version of raphe)."""
MEASURES = {
    "correlation": "correlation with the spikes at 25 Hz, mean",
    "correlation_smoothed": "correlation, both smoothed over 0.2 s, mean",
    "rank_correlation": "rank correlation at 25 Hz, mean",
    "auc": "AUC of bins of 40 ms with a spike, mean",
    "gain_bits_per_s": "log-likelihood gain (bits/s), mean",
    "error_both_smoothed": "spikes missed or invented, for each true one, both smoothed, median",
    "error_spikes_smoothed": "the same, spikes alone smoothed (CASCADE's), median",
    "bias": "spikes invented less missed, for each true one, median",
    "rate_ratio": "mean rate, said over true, median",
}
INTERVALS = f"""\
Of n cells, each scored over all of its recordings; in brackets 95 % intervals over cells, of t for
means and exact ones for medians. Of fewer than {FEWEST_CELLS} cells none is told."""
IN_SAMPLE = {
    False: "None: no recording was left out of training. What the method reaches on cells that it "
    "was not trained on, the table of `experiment=calcium_folds` tells.",
    True: "No recording was left out of this bundle's own training.",
}
FOLDS = """\
### {each} left out in turn

By networks made with {settings} settings {as_or_than} this bundle's, each tested on a {part} of
which it was trained on no recording.{others}{lacking} This bundle's networks were trained on all
that it names below."""
OF_CELLS = " Other cells of the same data set were trained on."
KNOWN = """\
### On recordings whose spikes are known

By networks that were trained on no recording of the data set they were tested on, these or ones
made the same way; n counts neurons."""
SCALED = """

Rates are what the networks say by themselves times {scale}: so the mean rate is right in the median
of these {sets} data sets. In this table each set's rates are scaled by what the others ask for."""
SCALED_SINCE = """
What it had learned was scaled afterwards, see above: errors and ratios are not to be compared."""
AT_YOUR_NOISE = """\
### At your noise and frame rate

The same neurons, as they were recorded{changed}. Noise is that of ΔF/F as a fraction, as in
`traces.csv`: 100 × the median step from frame to frame, over the root of the frame rate. r is the
mean over neurons{once}."""
CHANGED = " and with noise added or frames averaged"
ONCE = ", one in several conditions alike counted once"
TAUGHT = """\
### Beside the ensemble it learned from

{networks} learned what an ensemble of {members} says (content hash {teacher}), and not spikes. It
tells two rates, which are the ensemble's mean less and plus its networks' standard deviation: half
of what they differ by is how far it expects those to disagree. Means over neurons, or over data
sets; of errors and ratios medians over neurons."""
OF_SETS = "known spikes, mean of {n} data sets"
IN_BRIEF = {
    "correlation": "r at 25 Hz",
    "correlation_smoothed": "r, both smoothed",
    "error_both_smoothed": "error, both smoothed",
    "rate_ratio": "said over true",
}


def rate_card(facts: Mapping[str, Any], methods: str) -> str:
    """The card as Markdown, from the facts of a manifest; `methods` is a paragraph to paste."""
    distilled = facts.get(DISTILLED)
    networks = facts["n_members"] if distilled is None else distilled["networks"]
    parts = [
        f"# Spike rates from calcium traces: {cards.size(networks)}",
        cards.note(facts["note"]),
        "## Intended use",
        INTENDED.format(low=facts["frame_hz"][0], high=facts["frame_hz"][1]),
        "## Figures",
        cards.note(facts["test_note"]),
        *(_figures(name, figures) for name, figures in facts["figures"].items()),
        *_left_out(facts["left_out"]),
        *_ground_truth(facts.get(GROUND_TRUTH)),
        *_distilled(distilled, facts),
        INTERVALS if facts["figures"] or facts["left_out"] or GROUND_TRUTH in facts else "",
        "" if facts["figures"] else IN_SAMPLE[bool(facts["left_out"])],
        "## Trained on",
        _training(facts["training"]),
        "## Limits",
        LIMITS
        + (
            OF_FEW
            if facts["training"]["recordings"] and (facts["figures"] or facts["left_out"])
            else ""
        )
        + ("" if facts["latency_s"] is None else "\n" + CAUSAL.format(**facts)),
        "## Methods, to paste into a paper",
        methods.strip(),
        "## Files",
        FILES,
        cards.WHOSE,
        "## Where it comes from",
        cards.provenance(facts["provenance"]),
    ]
    return cards.card(parts)


def _figures(set_name: str, figures: Mapping[str, Any]) -> str:
    rows = [
        [measure, cards.with_interval(figures[name]), str(figures[name]["n"])]
        for name, measure in MEASURES.items()
    ]
    return f"### {set_name}\n\n{cards.table(['measure', 'value', 'n'], rows)}"


def _left_out(of_folds: Mapping[str, Any] | None) -> list[str]:
    """What networks reach on what was left out of their training, a row a data set."""
    if of_folds is None:
        return []
    return [_folds(of_folds), _by_dataset(of_folds["rows"])]


def _ground_truth(known: Mapping[str, Any] | None) -> list[str]:
    """Of neurons whose spikes are known: set by set, and by noise and frame rate."""
    if known is None:
        return []
    groups = [
        [
            "{:g} to {:g}".format(*group["noise"]),
            "{:.0f} to {:.0f}".format(*group["frame_hz"]),
            str(group["n"]),
            str(group["n_datasets"]),
            f"{group['correlation']:.2f}",
            "–" if group["low"] is None else f"{group['low']:.2f} to {group['high']:.2f}",
        ]
        for group in known[GROUPS]
    ]
    columns = ["noise (%/√Hz)", "frames/s", "n", "data sets", "r at 25 Hz", "four in five neurons"]
    scale, n_sets = scale_from(known.get(SCALE)), len({row["dataset"] for row in known["sets"]})
    scaled = SCALED.format(scale=scale.in_words, sets=n_sets) if scale != UNSCALED else ""
    is_changed = not known.get(AS_RECORDED_ALONE)
    at_noise = AT_YOUR_NOISE.format(changed=CHANGED * is_changed, once=ONCE * is_changed)
    return [KNOWN + scaled, _by_dataset(known["sets"]), at_noise, cards.table(columns, groups)]


def _distilled(distilled: Mapping[str, Any] | None, facts: Mapping[str, Any]) -> list[str]:
    """What networks reach that learned from an ensemble, and what that does."""
    if distilled is None:
        return []
    rows = [
        [name, measure, _value(own[of]), _value(distilled["figures"][name][of])]
        for name, own in facts["figures"].items()
        for of, measure in IN_BRIEF.items()
    ]
    of_known = [facts.get(GROUND_TRUTH, {}).get("sets", []), distilled["sets"]]
    if all(of_known):
        n = len({row["dataset"] for row in of_known[0]})
        for of, measure in IN_BRIEF.items():
            means = [_mean([row for row in sets if row["measure"] == of]) for sets in of_known]
            rows.append([OF_SETS.format(n=n), measure, *map(_value, means)])
    text = TAUGHT.format(
        networks=cards.size(distilled["networks"]).capitalize(),
        members=distilled["members"],
        teacher=distilled["teacher"][:12],
    )
    if scale_from(facts.get(GROUND_TRUTH, {}).get(SCALE)) != UNSCALED:
        text += SCALED_SINCE
    return [text, cards.table(["set", "measure", "this", "the ensemble"], rows)]


def _value(figure: Mapping[str, Any]) -> str:
    return "–" if figure["value"] is None else f"{figure['value']:.3f}"


def _mean(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    values = [row["value"] for row in rows if row["value"] is not None]
    return {"value": sum(values) / len(values) if values else None}


def _by_dataset(rows: Sequence[Mapping[str, Any]]) -> str:
    of_sets: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        of_sets.setdefault(row["dataset"], {})[row["measure"]] = row
    shown = [
        [
            *(cards.of_others(dataset), str(figures["correlation"]["n"])),
            *(_in_brief(figures.get(name)) for name in IN_BRIEF),
        ]
        for dataset, figures in of_sets.items()
    ]
    return cards.table(["data set", "n", *IN_BRIEF.values()], shown)


def _folds(of_folds: Mapping[str, Any]) -> str:
    """What was left out, of how many folds, and whether those networks are as the bundle's."""
    n_folds, of, part = of_folds["folds"], of_folds["of_folds"], PARTS[of_folds["left_out"]]
    n_lacking, is_alike = of - n_folds, of_folds["same_settings"]
    return FOLDS.format(
        each=f"{n_folds} of {of} folds, each a {part}" if n_lacking else f"Each {part}",
        settings="the same" if is_alike else "other",
        as_or_than="as" if is_alike else "than",
        part=part,
        others=OF_CELLS if of_folds["left_out"] == "cell" else "",
        lacking=f" Not made, or not finished: {counted('fold', n_lacking)}." if n_lacking else "",
    )


def _in_brief(figure: Mapping[str, Any] | None) -> str:
    if figure is None or figure["value"] is None or figure["low"] is not None:
        return cards.with_interval(figure)
    return f"{figure['value']:.{cards.WITHOUT_INTERVAL}f}"


def _training(training: Mapping[str, Any]) -> str:
    if not training["recordings"]:
        return PRIORS
    of_datasets = ", ".join(
        f"{n} of {cards.of_others(dataset)}" for dataset, n in training["recordings"].items()
    )
    held_out = list(map(cards.of_others, training["held_out"]))
    tested = f" Tested on: {', '.join(held_out)}." if held_out else " No dataset was held out."
    n_recordings = sum(training["recordings"].values())
    return (
        f"Synthetic traces, then {counted('recording', n_recordings)} ({of_datasets}), "
        f"{counted('spike', training['spikes'])} in {training['duration_s'] / 60:.0f} min.{tested}"
    )
