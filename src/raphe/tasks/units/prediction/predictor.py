"""A bundle of units as Python uses it: what is known of a unit in, its class out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from raphe.core.bundles.fields import Field, read_fields
from raphe.core.bundles.opened_file import OpenedFile
from raphe.core.bundles.predictor import BundlePredictor, json_values, require_at_most
from raphe.core.errors import SettingError
from raphe.tasks.units.ensemble.bundle import UnitBundle
from raphe.tasks.units.prediction.labels import UnitVerdict, verdicts
from raphe.tasks.units.recordings.read_units import read_units
from raphe.tasks.units.recordings.unit_set import BRANCHES, UnitFacts, UnitSet, cleaned

MOST_NUMBERS = 10_000  # of one array from elsewhere
RATE = Field("rate_hz", "number", "sampling rate of the waveform in Hz", option="--rate-hz")


class UnitPredictor(BundlePredictor):
    """An opened bundle, to predict with. `threads` of None: all it may use. Raises BundleError."""

    TITLE = "Kind of cell of an extracellular unit"
    FIELDS = (
        Field("waveform", "numbers", "mean spike on its largest channel, in any unit"),
        Field("isi", "numbers", "share of its intervals in bins of 1 ms from 0 on"),
        Field("acg", "numbers", "autocorrelogram in bins of 1 ms around 0, an odd number"),
        RATE,
    )
    ANSWER = {  # noqa: RUF012
        "verdict": "a class, “not sure”, or “unlike training”",
        "called": "the class with the largest probability, whatever the verdict",
        "probability": "of each class, calibrated",
        "sees": "what the verdict rests on: waveform, isi, acg",
        "remarks": "in what the unit is unlike those of training, a sentence each",
        "note": "what must be known beside every answer, or nothing",
    }

    def __init__(
        self, path: Path | str, threads: int | None = None, content_hash: str | None = None
    ) -> None:
        self._bundle = UnitBundle.open(path, threads, content_hash)
        super().__init__(self._bundle.bundle)

    def predict(
        self,
        units: Path | str,
        rate_hz: float | None = None,
        prevalence: Mapping[str, float] | None = None,
    ) -> list[UnitVerdict]:
        """The verdict on each unit of a file or a folder, see `raphe predict`.

        Args:
            units: where they are.
            rate_hz: sampling rate of the waveforms, where it does not tell.
            prevalence: how frequent each class is where the units come from.

        Raises:
            RecordingError: what cannot be read, or does not fit training's units.
            SettingError: a prevalence that cannot be.
        """
        bundle = self._bundle.at_prevalence(prevalence)
        read = read_units(Path(units), rate_hz)
        return verdicts(read, bundle.call(read.units), bundle)

    def example(self) -> dict[str, Any]:
        """A spike of half a sine and even intervals: of no cell."""
        layout = self._bundle.layout
        values: dict[str, Any] = {}
        if layout.n_samples:
            phase = np.linspace(0, 2 * np.pi, layout.n_samples)
            values["waveform"] = np.round(-np.sin(phase), 6).tolist()
        if layout.isi_bins:
            values["isi"] = [1 / layout.isi_bins] * layout.isi_bins
        if layout.acg_bins:
            values["acg"] = [1.0] * layout.acg_bins
        return values

    def answer(self, values: Mapping[str, object]) -> dict[str, Any]:
        """The verdict on one unit as JSON has it. Raises RapheError."""
        given = read_fields(values, self.FIELDS)
        waveform, isi, acg = (
            np.asarray(given.get(name, np.empty(0)), np.float32)[None] for name in BRANCHES
        )
        for name, array in zip(BRANCHES, (waveform, isi, acg), strict=True):
            require_at_most(MOST_NUMBERS, array.size, name, "numbers")
        if acg.size and not acg.size % 2:
            raise SettingError("acg: expected an odd number of bins, the middle one at 0")
        units = UnitSet([UnitFacts("unit")], waveform, isi, acg, given.get("rate_hz"))
        read = cleaned(units, "unit")
        (verdict,) = verdicts(read, self._bundle.call(read.units), self._bundle)
        answer = {**vars(verdict), "note": self.manifest["note"]}
        shown: dict[str, Any] = json_values({name: answer[name] for name in self.ANSWER})
        return shown

    def open_file(
        self, path: Path, name: str, values: Mapping[str, object], beside: Mapping[str, Path]
    ) -> OpenedFile:
        """See BundlePredictor: a bundle of units opens no single file in the page."""
        raise SettingError("a bundle of units takes folders: use `raphe predict`")


load = UnitPredictor  # by which name raphe.load_bundle finds it
