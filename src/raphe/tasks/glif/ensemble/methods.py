"""What a paper's methods section says of an exported posterior, from its facts and settings."""

from collections.abc import Mapping
from typing import Any

from raphe.core.bundles import cards, methods
from raphe.core.sentences import counted, listed, whole
from raphe.tasks.glif.neurons.models import REFERENCE
from raphe.tasks.glif.neurons.simulation import SIMULATED_HZ


def methods_text(facts: Mapping[str, Any], settings: str) -> str:
    """METHODS.md: a paragraph in the past tense, from the manifest's facts and settings as YAML."""
    n, experiment = facts["n_members"], facts["experiment"]
    networks = "a neural network" if n == 1 else f"an ensemble of {n} neural networks"
    khz = sorted(1e-3 * SIMULATED_HZ / keep for keep in experiment["keep_every"])
    prior = "round medians and spreads of cells"
    if facts["n_cells"]:
        prior = f"the parameters of {counted('fitted cell', facts['n_cells'])}"
    families = listed(family.replace("_", " ") for family in experiment["families"])
    return cards.paragraph(
        [
            "Parameters of generalised leaky integrate-and-fire neurons of level "
            f"{facts['level']} (Teeter et al. 2018) were estimated from membrane voltage and "
            f"injected current by neural posterior estimation with {networks}.",
            f"Training used simulated experiments whose neurons were drawn from a prior of {prior} "
            f"(stimuli: {families}; {experiment['length_s'][0]:g} to "
            f"{experiment['length_s'][1]:g} s at {listed(f'{rate:g}' for rate in khz)} kHz; "
            f"voltage noise up to {experiment['noise_mv']:g} mV; uncompensated series resistance "
            f"up to {experiment['series_mohm']:g} MΩ).",
            _training(methods.settings_by_name(settings)),
            f"Analyses were made with {methods.software()}.",
            cards.of_others(facts["note"]),
        ],
        [REFERENCE],
    )


def _training(settings: Mapping[str, Any]) -> str:
    epochs, batches = settings.get("trainer.max_epochs"), settings.get("data.batches")
    if epochs is None or batches is None:
        return ""
    size = settings.get("data.batch_size")
    of = "" if size is None else f" of {whole(size)} neurons"
    optimizer = methods.optimizer(settings)
    return (
        f"Networks were trained for at most {counted('epoch', epochs)} of {whole(batches)} batches"
        f"{of}{f' ({optimizer})' if optimizer else ''}."
    )
