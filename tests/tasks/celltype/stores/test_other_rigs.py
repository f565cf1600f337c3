"""A store of another rig's recordings is that of the same samples as ABF."""

import numpy as np
import pytest

from raphe.core.abf.writer import write_abf
from raphe.tasks.celltype.stores.extract import extract
from raphe.tasks.celltype.stores.open_spikes import open_spikes
from rig_files import write_axograph, write_igor, write_spike2, write_winwcp


@pytest.mark.parametrize("write", [write_axograph, write_igor, write_spike2, write_winwcp])
def test_spikes_of_other_rigs_are_those_of_the_same_samples_as_abf(tmp_path, write):
    """Loose-seal currents in pA, and in A as AxoGraph keeps them."""
    codes = np.random.default_rng(3).integers(-9, 9, (1, 10_240, 1)).astype(np.int16)
    for at in (1000, 4000, 9000):
        codes[0, at : at + 3, 0] = -9000
    for label in ("SER", "NSER"):
        (tmp_path / "rig" / label).mkdir(parents=True)
    path, gain, offset = write(tmp_path / "rig" / "SER", codes)
    wider = np.minimum(codes, np.roll(codes, 4, axis=1))
    write(tmp_path / "rig" / "NSER", wider)[0].rename(
        tmp_path / "rig" / "NSER" / f"other{path.suffix}"
    )
    report = extract(tmp_path / "rig", tmp_path / "store")
    assert not report.failed
    assert report.per_class == {"SER": (1, 3), "NSER": (1, 3)}
    factor = 1e12 if path.suffix == ".axgd" else 1.0
    for label, name, own in (("SER", "cell", codes), ("NSER", "other", wider)):
        samples = (own[0, :, 0] * gain + offset) * factor
        (tmp_path / "abf" / label).mkdir(parents=True)
        write_abf(tmp_path / "abf" / label / f"{name}.abf", samples, 20_000, "pA")
    extract(tmp_path / "abf", tmp_path / "as-abf")
    of_rig, of_abf = open_spikes(tmp_path / "store"), open_spikes(tmp_path / "as-abf")
    rows = [spikes.cell[:] == [c.cell_id for c in spikes.cells].index("cell")
            for spikes in (of_rig, of_abf)]  # fmt: skip
    np.testing.assert_allclose(
        of_rig.read(np.flatnonzero(rows[0])), of_abf.read(np.flatnonzero(rows[1])), atol=0.2
    )
