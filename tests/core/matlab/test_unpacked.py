"""What a packed MATLAB file holds is counted, not kept."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from raphe.core.errors import RecordingError
from raphe.core.matlab.unpacked import require_unpacked_within

FOUR_MB = np.zeros(500_000)


@pytest.mark.parametrize("compressed", [False, True])
def test_more_than_allowed_is_refused(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "x.mat"
    savemat(path, {"a": FOUR_MB, "b": FOUR_MB}, do_compression=compressed)
    require_unpacked_within(path, 9 * 10**6)
    for most in (5 * 10**6, 10**6):
        with pytest.raises(RecordingError, match=f"holds more than {most / 1e6:g} MB of data"):
            require_unpacked_within(path, most)


def test_damage_is_left_to_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    savemat(path, {"a": np.arange(1000.0)}, do_compression=True)
    whole = path.read_bytes()
    torn = bytearray(whole)
    torn[200] ^= 255
    for content in (whole[:-50], whole[:130], whole[:60], b"", bytes(torn), bytes(300)):
        path.write_bytes(content)
        require_unpacked_within(path, 10**5)
