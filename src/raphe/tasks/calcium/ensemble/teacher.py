"""An exported ensemble as it teaches one network, which then answers in a fraction of its time.

The network has two heads, and learns of them the ensemble's mean less and plus the deviation of its
members: their mean and deviation are the ensemble's. N traces, T samples, M members.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.errors import SettingError
from raphe.core.sentences import counted, printable
from raphe.tasks.calcium.ensemble.bundle import RateBundle
from raphe.tasks.calcium.recordings.sampling import SAMPLES_PER_BIN

HEADS = 2
MAKE = "raphe export --out BUNDLE"


class Teacher:
    """The ensemble in a bundle.

    Raises SettingError where there is no bundle, BundleError for one that cannot be opened.
    """

    heads = HEADS

    def __init__(self, bundle: str | Path) -> None:
        if not Path(bundle).is_dir():
            raise SettingError(
                f"data.teacher.bundle={bundle}: expected an exported ensemble to learn from, found "
                f"none; make it with `{MAKE}`, and name it"
            )
        self.bundle = RateBundle.open(bundle, threads=1)

    @property
    def content_hash(self) -> str:
        return self.bundle.bundle.content_hash

    @property
    def saw(self) -> Mapping[str, int]:
        """How many recordings of each dataset it was trained on."""
        recordings: Mapping[str, int] = self.bundle.manifest["training"]["recordings"]
        return recordings

    def require_seen(self, datasets: Sequence[str]) -> None:
        """Refuse recordings, by the dataset of each, that are not those it was trained on.

        What is learned from it would otherwise have seen what its card does not tell. Raises
        SettingError.
        """
        here, then = Counter(datasets), Counter(self.saw)
        if here != then:
            name = next(name for name in sorted({*here, *then}) if here[name] != then[name])
            raise SettingError(
                f"data.teacher.bundle={self.bundle.bundle.path}: was trained on "
                f"{counted('recording', then[name])} of {printable(name)}, here there are "
                f"{here[name]}; give data.store and data.held_out as they were then, or train on "
                "synthetic traces alone, with trainer.max_epochs no larger than "
                "data.pretrain_epochs"
            )

    def __call__(self, calcium: np.ndarray, log_frame_rate: np.ndarray) -> np.ndarray:
        """What the heads are to expect in each sample of traces (N, T), T a multiple of 4, shown as
        NetworkInput has them: float32 (2, N, T). Raises BundleError."""
        expected = self.bundle.graph.of_batch(calcium, log_frame_rate)  # (M, N, T)
        bins = expected.reshape(*expected.shape[:2], -1, SAMPLES_PER_BIN).mean(3)
        mean = bins.mean(0)
        low = np.maximum(mean - bins.std(0), 0)
        return np.stack([low, 2 * mean - low]).repeat(SAMPLES_PER_BIN, axis=2)

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest of a network that learned from it takes over from its own."""
        taken = "note", "conditioning", "domain", "frame_hz", "training"
        return {name: self.bundle.manifest[name] for name in taken}
