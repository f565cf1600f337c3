"""Folders as Phy's documentation describes them (template-gui)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RecordingError
from raphe.tasks.units.recordings.read_units import read_units

PARAMETERS = """\
dat_path = r"recording.dat"
n_channels_dat = 3
dtype = 'int16'
offset = 0
sample_rate = 30000.
hp_filtered = False
"""


@pytest.fixture
def phy(tmp_path: Path) -> Callable[..., Path]:
    """Four clusters of 50 spikes on three channels; 5 is one of two templates, merged."""

    def make(parameters: str = PARAMETERS, group: str = "", **changed: np.ndarray | None) -> Path:
        rng = np.random.default_rng(0)
        template = np.repeat(np.arange(4), 50)
        shapes = np.zeros((4, 20, 3))
        for number in range(4):
            shapes[number, :, number % 3] = -np.exp(-(((np.arange(20) - 8) / (number + 1)) ** 2))
        arrays: dict[str, np.ndarray | None] = {
            "spike_times": np.sort(rng.integers(0, 600_000, 200)).astype(np.uint64)[:, None],
            "spike_clusters": np.where(template > 1, 5, template).astype(np.int32),
            "spike_templates": template.astype(np.uint32),
            "templates": shapes.astype(np.float32),
            "whitening_mat_inv": 10 * np.eye(3),
        } | changed  # type: ignore[assignment]
        for name, array in arrays.items():
            if array is not None:
                np.save(tmp_path / f"{name}.npy", array)
        (tmp_path / "params.py").write_text(parameters)
        if group:
            (tmp_path / "cluster_group.tsv").write_text(f"cluster_id\tgroup\n{group}")
        return tmp_path

    return make


def test_clusters_have_waveforms_and_firing(phy: Callable[..., Path]) -> None:
    read = read_units(phy())
    assert [fact.unit_id for fact in read.units.facts] == ["0", "1", "5"]
    assert [fact.n_spikes for fact in read.units.facts] == [50, 50, 100]
    assert read.are_clusters and read.units.rate_hz == 30_000 and read.units.present.all()
    np.testing.assert_allclose(read.units.waveforms[:2].min(axis=1), -10, rtol=1e-6)
    # Of two templates, on different channels, that weigh alike: the wider one's channel.
    np.testing.assert_allclose(read.units.waveforms[2].min(), -5, rtol=1e-6)
    times_s = np.load(phy() / "spike_times.npy")[:50, 0] / 30_000
    share = (np.diff(times_s) < 0.1).mean()
    np.testing.assert_allclose(read.units.isi[0].sum(), share, rtol=1e-5)


@pytest.mark.parametrize("name", ["templates_ind", "template_ind"])
@pytest.mark.parametrize("whitened", [True, False])
def test_templates_of_some_channels_alone_are_those_of_all(
    phy: Callable[..., Path], name: str, whitened: bool
) -> None:
    how = {} if whitened else {"whitening_mat_inv": None}
    dense = read_units(phy(**how)).units.waveforms
    templates = np.load(phy(**how) / "templates.npy")
    channels = np.array([[0, 1], [1, -1], [2, 0], [0, 2]])  # the largest stands first or second
    sparse = np.stack([t[:, c] * (c >= 0) for t, c in zip(templates, channels, strict=True)])
    changed = {**how, "templates": sparse.astype(np.float32), name: channels}
    np.testing.assert_allclose(read_units(phy(**changed)).units.waveforms, dense, rtol=1e-6)
    with pytest.raises(RecordingError, match=r"expected 4 × 2 channels as templates\.npy has"):
        read_units(phy(**{**changed, name: channels[:3]}))
    # Of pykilosort, which writes channels × templates beside templates that hold all channels.
    turned = np.tile(np.arange(4), (3, 1))
    whole = {**how, "templates": templates, name: turned, "channel_map": np.arange(3)[:, None]}
    np.testing.assert_array_equal(read_units(phy(**whole)).units.waveforms, dense)


def test_noise_is_not_looked_at_and_mua_is_said(phy: Callable[..., Path]) -> None:
    read = read_units(phy(group="0\tnoise\n1\tmua\n"))
    assert [fact.unit_id for fact in read.units.facts] == ["1", "5"]
    assert not read.left_out  # on purpose: nothing of what was wanted is missing
    assert "1 cluster of 3 is called noise, and not looked at: 0" in read.remarks
    assert any(told.startswith("1 cluster of 2 is called mua: ") for told in read.remarks)


def test_what_phy_1_called_noise_is_left_out(phy: Callable[..., Path]) -> None:
    folder = phy(spike_clusters=np.repeat([0, 1, 2], [1, 99, 100]))
    (folder / "cluster_groups.csv").write_text("cluster_id\tgroup\n2\tnoise\n")
    read = read_units(folder)
    assert [fact.unit_id for fact in read.units.facts] == ["0", "1"]
    assert "without two spikes, and so without an interval: 1 cluster" in read.remarks
    (folder / "cluster_group.tsv").write_text("cluster_id\tgroup\n2\tgood\n")
    assert len(read_units(folder).units) == 3


def test_params_py_is_never_run(phy: Callable[..., Path], tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    folder = phy(f"open({str(mark)!r}, 'w')\nsample_rate = 25000\nother = open('x')\n")
    assert read_units(folder).units.rate_hz == 25_000 and not mark.exists()


def test_without_templates_units_are_told_by_firing(phy: Callable[..., Path]) -> None:
    read = read_units(phy(templates=None))
    assert read.units.present.tolist() == [[False, True, True]] * 3
    assert "no waveform is known" in read.remarks[0]


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"parameters": "dat_path = 'a'\n"}, "expected a line sample_rate"),
        ({"parameters": "sample_rate = 30\n"}, "if that is in kHz, give 30000"),
        ({"parameters": "sample_rate = = 3\n"}, "got what is no Python"),
        ({"spike_clusters": np.zeros(7, int)}, "has 7 numbers, but spike_times.npy has 200 spikes"),
        ({"spike_times": np.r_[np.nan, np.arange(199)]}, "got none for 1 spike of 200 .NaN or inf"),
        ({"templates": np.zeros((4, 20))}, "expected templates × samples × channels"),
        ({"whitening_mat_inv": np.eye(2)}, "expected 3 × 3 channels"),
        ({"group": "0\tnoise\n1\tnoise\n5\tnoise\n"}, "expected clusters that are no noise"),
    ],
)
def test_what_cannot_be_is_refused(
    phy: Callable[..., Path], how: dict[str, object], sentence: str
) -> None:
    with pytest.raises(RecordingError, match=sentence):
        read_units(phy(**how))


def test_a_column_of_the_cluster_view_labels(phy: Callable[..., Path]) -> None:
    folder = phy()
    (folder / "cluster_celltype.tsv").write_text("cluster_id\tcelltype\n0\tPV\n5\tSST\n")
    read = read_units(folder, label="celltype")
    assert [fact.label for fact in read.units.facts] == ["PV", "", "SST"]
    with pytest.raises(RecordingError, match="expected a column kind of its clusters"):
        read_units(folder, label="kind")


def test_kilosort_4_whitened_by_another_matrix_than_its_first_versions_say(
    phy: Callable[..., Path],
) -> None:
    recorded = np.load(phy() / "templates.npy").astype(float)
    matrix = np.array([[2.0, -0.7, 0.1], [-0.6, 1.5, -0.5], [0.2, -0.4, 1.8]])  # not symmetric
    whitened = np.einsum("cd,ptd->ptc", matrix, recorded)
    folder = phy(
        templates=whitened.astype(np.float32),
        whitening_mat_dat=matrix,
        whitening_mat_inv=200 * np.eye(3),
    )
    read = read_units(folder)
    plain = read_units(phy(whitening_mat_dat=np.eye(3)))
    np.testing.assert_allclose(read.units.waveforms, plain.units.waveforms, atol=1e-5)
    assert not any("whitened" in remark for remark in read.remarks)


def test_what_kilosort_2_5_whitened_and_does_not_undo_is_told(phy: Callable[..., Path]) -> None:
    assert "waveforms are of whitened traces" in read_units(phy()).remarks[0]
    undone = np.array([[2.0, 0.5, 0], [0.5, 2, 0], [0, 0, 2]])
    assert not read_units(phy(whitening_mat_inv=undone)).remarks
    assert not read_units(phy(whitening_mat_inv=None)).remarks  # as SpikeInterface exports
    with pytest.raises(RecordingError, match="singular"):
        read_units(phy(whitening_mat_inv=None, whitening_mat_dat=np.zeros((3, 3))))
