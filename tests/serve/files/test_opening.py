"""What a file that was sent holds, or leads to, is looked at before it is opened."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from raphe.core.errors import RecordingError
from raphe.serve.files.opening import checked

SUFFIXES = (".npy", ".npz", ".mat", ".h5", ".nwb", ".zip")
AT_MOST = 10**6


@pytest.mark.parametrize("name", ["x.mat", "x.h5", "x.nwb"])
def test_hdf5_of_any_name_must_be_whole_by_itself(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with h5py.File(path, "w", userblock_size=512) as file:
        file["F"] = np.ones(10)
    assert checked(path, SUFFIXES, AT_MOST) == path
    with h5py.File(path, "w", userblock_size=512) as file:
        file["F"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(RecordingError, match="names another file"):
        checked(path, SUFFIXES, AT_MOST)


def test_packed_files_may_hold_no_more_than_plain_ones(tmp_path: Path) -> None:
    mat, npz = tmp_path / "x.mat", tmp_path / "x.npz"
    savemat(mat, {"F": np.zeros(10**6)}, do_compression=True)
    np.savez_compressed(npz, F=np.zeros(10**6))
    for path, words in ((mat, "more than 1 MB of data"), (npz, "more than 1.0 MB, unpacked")):
        assert path.stat().st_size < 10**5
        assert checked(path, SUFFIXES, 10**8) == path
        with pytest.raises(RecordingError, match=words):
            checked(path, SUFFIXES, AT_MOST)
