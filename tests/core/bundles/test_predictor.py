"""A sentence made for the command line, as a caller over HTTP and a reader of the page have it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from raphe.core.bundles.fields import Field
from raphe.core.bundles.predictor import BundlePredictor


class Rated(BundlePredictor):
    FILE_FIELDS = (
        Field("rate_hz", "number", "frames a second", option="--rate"),
        Field("voltage_unit", "text", "V or mV", option="--unit"),
        Field("cut_spikes", "flag", "out of a recording", option="--cut-spikes"),
        Field("row", "whole", "of an array"),
    )


@pytest.mark.parametrize(
    ("error", "by_name", "on_page"),
    [
        ("a.npy: pass --rate HZ (30 if in s)", "pass rate_hz (30 if in s)",
         "give “Rate, Hz” (30 if in s)"),
        ("a.npy: name it with --rate, in Hz", "name it with rate_hz, in Hz",
         "name it with “Rate, Hz”, in Hz"),
        ("a.npy: if it is in mV, pass --unit mV", "if it is in mV, pass voltage_unit mV",
         "if it is in mV, set “Voltage unit” to mV"),
        ("a.npy: 90 mV; pass --cut-spikes", "90 mV; pass cut_spikes", "90 mV; tick “Cut spikes”"),
        ("a.npy: give the unit (voltage_unit=, or --unit pA)", "give the unit (voltage_unit pA)",
         "give the unit (“Voltage unit” pA)"),
        ("a.npy: row: expected one of its 3 units, in row 4", "row: expected one of its 3 units, "
         "in row 4", "“Row”: expected one of its 3 units, in row 4"),
        ("a.npy: pass --unit-cells 3", "pass --unit-cells 3", "pass --unit-cells 3"),
    ],
)  # fmt: skip
def test_options_are_told_as_whoever_reads_them_knows_them(
    error: str, by_name: str, on_page: str
) -> None:
    predictor = Rated(SimpleNamespace(path=Path("bundle")))
    assert predictor.sentence(error) == f"a.npy: {by_name}"
    assert predictor.sentence(error, on_page=True) == f"a.npy: {on_page}"
