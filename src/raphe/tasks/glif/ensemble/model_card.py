"""The card that goes with a posterior's bundle."""

from collections.abc import Mapping
from typing import Any

from raphe.core.bundles import cards
from raphe.core.sentences import listed
from raphe.tasks.glif.features.reproduction import OF_TRAINING
from raphe.tasks.glif.metrics.names import INTERVALS, SCORED, TIME_CONSTANT
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ
from raphe.tasks.glif.synthetic.quantities import quantities

INTENDED = """\
Infers the parameters of a generalised leaky integrate-and-fire neuron of level {level} (Teeter et
al. 2018) from its membrane voltage and the current that was injected, as draws from a posterior.
Traces of {shortest:g} to {longest:g} s at {slowest:g} to {fastest:g} kHz; `raphe predict` says
which lie outside what was simulated. Not for clinical use."""
LIMITS = """\
- The posterior is that of the model: it says which GLIF neurons of this level would give such a
  trace. A real neuron is none; its residuals are larger than the simulated noise, and an interval
  of its parameters is too narrow by as much as the model is wrong.
- Trained on: {families}; noise up to {noise_mv:g} mV, a series resistance that compensation left of
  up to {series_mohm:g} MOhm, a drive of {low:g} to {high:g} rheobases after a test pulse of 50 pA.
- The threshold of a trace without a spike is bounded from below alone, and says nothing of its dead
  time: there the posterior is the prior's."""
MARKED = """\
`raphe predict` marks a trace whose voltage between spikes is off that of the inferred neuron by
more than {voltage} beyond white noise, or whose spikes begin more than
{threshold} off its threshold (root mean squares): {beyond:g} % of the
simulated traces of training that fired are beyond each. A cell that does not fire is the same at
levels 1 to 4."""
FILES = """\
`posterior_0.onnx` and so on hold the networks, which turn normal noise into draws; `prior.json`
what neurons were drawn from, `config.yaml` the settings of training, `METHODS.md` the paragraph
above, `manifest.json` everything a program needs, with the SHA-256 of every file."""
SETS = {
    "prior": "drawn from the prior",
    "test": "cells that the prior has not seen",
    "unseen_family": "the same under a kind of stimulus never trained on ({unseen_family})",
}


def posterior_card(facts: Mapping[str, Any], methods: str) -> str:
    """The card as Markdown, from the facts of a manifest; `methods` is a paragraph to paste."""
    experiment = facts["experiment"]
    rates_khz = [1e-3 * SIMULATED_HZ / keep for keep in experiment["keep_every"]]
    parts = [
        f"# Parameters of a GLIF neuron of level {facts['level']}: "
        f"{cards.size(facts['n_members'])}",
        cards.note(facts["note"]),
        "## Intended use",
        INTENDED.format(
            level=facts["level"],
            shortest=experiment["length_s"][0],
            longest=experiment["length_s"][1],
            slowest=min(rates_khz),
            fastest=max(rates_khz),
        ),
        "## Figures",
        _figures(facts),
        "R² is on a logarithmic scale where a quantity is positive; of threshold and dead time it "
        "counts cells that spiked. Coverage is the share of cells inside the central intervals. "
        "The time constant is capacitance times resistance: it shows whether draws hold how errors "
        "of the two go together.",
        "## Trained on",
        f"Simulated experiments without end; the prior is that of {facts['n_cells']} fitted cells."
        if facts["n_cells"]
        else "Simulated experiments without end; the prior has round medians and spreads of cells.",
        "## Limits",
        LIMITS.format(
            families=", ".join(family.replace("_", " ") for family in experiment["families"]),
            low=experiment["relative"][0],
            high=experiment["relative"][1],
            **{name: experiment[name] for name in ("noise_mv", "series_mohm")},
        ),
        *_marked(facts),
        "## Methods, to paste into a paper",
        methods.strip(),
        "## Files",
        FILES,
        cards.WHOSE,
        "## Where it comes from",
        cards.provenance(facts["provenance"]),
    ]
    return cards.card(parts)


def _marked(facts: Mapping[str, Any]) -> list[str]:
    if "misfit_limits_mv" not in facts:
        return []
    limits = {
        name: listed(f"{limit_mv:.2g} mV at {1 / each_ms:g} kHz" for each_ms, limit_mv in points)
        for name, points in facts["misfit_limits_mv"].items()
    }
    return ["## What is marked", MARKED.format(**limits, beyond=100 - OF_TRAINING)]


def _figures(facts: Mapping[str, Any]) -> str:
    tables = []
    scored_ones = *(quantity.name for quantity in quantities(facts["level"])), TIME_CONSTANT
    for name, scores in facts["figures"].items():
        title = SETS[name].format(unseen_family=facts["unseen_family"].replace("_", " "))
        rows = [
            f"| {SCORED[scored]} | {_shown(scores, f'cells/r2_{scored}', 4)} | "
            + " / ".join(
                _shown(scores, f"cells/coverage_{interval}_{scored}", 2) for interval in INTERVALS
            )
            + " |"
            for scored in scored_ones
        ]
        head = f"| quantity | R² | coverage {' / '.join(map(str, INTERVALS))} % |"
        cells = f"{scores['n_cells']:.0f} cells, {scores['n_spiking']:.0f} of which fired"
        tables.append("\n".join([f"### {title}: {cells}\n", head, "| --- | --- | --- |", *rows]))
    return "\n\n".join(tables)


def _shown(scores: Mapping[str, float], name: str, digits: int) -> str:
    return f"{scores[name]:.{digits}f}" if name in scores else "–"
