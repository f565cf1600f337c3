"""A bundle as MLflow asks it, row by row."""

from collections.abc import Mapping

from raphe.core.bundles.bundle import CARD, BundleWriter
from raphe.core.bundles.manifest import BundleKind, facts
from raphe.core.bundles.predictor import BundlePredictor
from raphe.core.bundles.pyfunc import PyfuncBundle


class Half(BundlePredictor):
    def answer(self, values: Mapping[str, object]) -> dict[str, float]:
        return {"half": 1 / values["n"]}


KIND = BundleKind("toy/half", (CARD,), (), facts({"note": {}}))


def test_a_defect_is_one_sentence_in_its_row(tmp_path, caplog) -> None:
    with BundleWriter(tmp_path / "bundle") as writer:
        model = PyfuncBundle(Half(writer.finish(KIND, {CARD: b"a card"}, {"note": ""})))
    defect, sound = model.predict([{"n": 0}, {"n": 2}])
    assert defect["error"].startswith("this row met a defect of raphe") and sound == {"half": 0.5}
    assert "ZeroDivisionError" in caplog.text
