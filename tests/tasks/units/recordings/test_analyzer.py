"""Analyzers as SpikeInterface lays them out; its own are read where it is installed."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from raphe.core.errors import RecordingError
from raphe.core.firing.histograms import interval_shares
from raphe.tasks.units.recordings.read_units import read_units

RATE_HZ, N_SAMPLES = 25_000.0, 75
SPIKE = [("sample_index", "i8"), ("unit_index", "i8"), ("segment_index", "i8")]


class Trap:
    """Unpickled it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.mark,)


@pytest.fixture
def analyzer(tmp_path: Path) -> Callable[..., Path]:
    """Four units on three channels, in two segments; the last has no spike."""

    def make(
        templates: np.ndarray | None = None, without: str = "", **properties: np.ndarray
    ) -> Path:
        path = tmp_path / "analyzer"
        for folder in ("sorting/properties", "extensions/templates"):
            (path / folder).mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(0)
        spikes = np.zeros(300, SPIKE)
        spikes["segment_index"] = np.repeat([0, 1], 150)
        for begin in (0, 150):
            part = slice(begin, begin + 150)
            spikes["sample_index"][part] = np.sort(rng.integers(0, 500_000, 150))
        spikes["unit_index"] = rng.integers(0, 3, 300)
        if templates is None:
            templates = np.zeros((4, N_SAMPLES, 3))
            templates[:3, 25, :] = -np.array([[1.0, 9, 3], [2, 1, 0], [0, 1, 4]])
        np.save(path / "sorting/spikes.npy", spikes)
        np.save(path / "extensions/templates/average.npy", templates)
        for name, values in properties.items():
            np.save(path / f"sorting/properties/{name}.npy", values)
        facts = {"unit_ids": ["a", "b", "c", "d"], "sampling_frequency": RATE_HZ, "num_segments": 2}
        (path / "sorting/numpysorting_info.json").write_text(json.dumps(facts))
        (path / "spikeinterface_info.json").write_text('{"object": "SortingAnalyzer"}')
        if without:
            (path / without).unlink()
        return path

    return make


def test_units_have_templates_and_firing(analyzer: Callable[..., Path]) -> None:
    path = analyzer()
    read = read_units(path)
    assert [fact.unit_id for fact in read.units.facts] == ["a", "b", "c"]
    assert read.units.rate_hz == RATE_HZ and read.units.present.all()
    assert read.units.waveforms.min(axis=1).tolist() == [-9, -2, -4]
    assert read.left_out == ["unit d: has no spikes, no waveform and no intervals to be told by"]
    spikes = np.load(path / "sorting/spikes.npy")
    assert sum(fact.n_spikes or 0 for fact in read.units.facts) == len(spikes)
    of_b = spikes[spikes["unit_index"] == 1]
    shares = [
        interval_shares([of_b["sample_index"][of_b["segment_index"] == segment] / RATE_HZ])
        for segment in (0, 1)
    ]
    n_intervals = [(of_b["segment_index"] == segment).sum() - 1 for segment in (0, 1)]
    # Between two segments there is one more interval, which no bin counts.
    expected = np.average(shares, axis=0, weights=n_intervals) * sum(n_intervals)
    np.testing.assert_allclose(read.units.isi[1], expected / (sum(n_intervals) + 1), atol=1e-6)


def test_noise_is_not_looked_at_and_a_property_labels(analyzer: Callable[..., Path]) -> None:
    path = analyzer(
        quality=np.array(["good", "noise", "mua", "good"]), cell_type=np.array(["PV", "PV", "", ""])
    )
    read = read_units(path, label="cell_type")
    assert [(fact.unit_id, fact.label) for fact in read.units.facts] == [("a", "PV"), ("c", "")]
    assert "1 unit of 4 is called noise, and not looked at: b" in read.remarks
    assert any(told.startswith("1 unit of 3 is called mua: ") for told in read.remarks)


def test_without_templates_units_are_told_by_firing(analyzer: Callable[..., Path]) -> None:
    read = read_units(analyzer(without="extensions/templates/average.npy"))
    assert read.units.present.tolist() == [[False, True, True]] * 3
    assert "there are no templates" in read.remarks[0]


def test_templates_that_are_nan_or_constant_are_missing(analyzer: Callable[..., Path]) -> None:
    templates = np.zeros((4, N_SAMPLES, 3))
    templates[0], templates[2, 25] = np.nan, -1
    read = read_units(analyzer(templates=templates))
    assert read.units.present[:, 0].tolist() == [False, False, True]


def test_no_pickle_is_opened(analyzer: Callable[..., Path], tmp_path: Path) -> None:
    path, mark = analyzer(), tmp_path / "ran"
    (path / "recording.pickle").write_bytes(pickle.dumps(Trap(mark)))
    (path / "extensions/templates/std.pkl").write_bytes(pickle.dumps(Trap(mark)))
    read_units(path)
    np.save(path / "sorting/properties/quality.npy", np.array([Trap(mark)] * 4), allow_pickle=True)
    with pytest.raises(RecordingError, match=r"quality\.npy"):
        read_units(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("how", "label", "sentence"),
    [
        ({"templates": np.zeros((3, 75, 3))}, None, "expected templates of 4 units × samples"),
        ({"quality": np.zeros((4, 2))}, None, "property quality to have one value for each of 4"),
        ({"without": "sorting/spikes.npy"}, None, "spikes.npy"),
        ({"depth": np.zeros(4)}, "cell_type", "expected a property cell_type .* there are depth"),
        ({"quality": np.array(["noise"] * 4)}, None, "expected units that are no noise"),
    ],
)
def test_what_does_not_fit_is_refused(
    analyzer: Callable[..., Path], how: dict[str, object], label: str | None, sentence: str
) -> None:
    with pytest.raises(RecordingError, match=sentence):
        read_units(analyzer(**how), label=label)


def test_damaged_facts_are_one_sentence(analyzer: Callable[..., Path]) -> None:
    path = analyzer()
    for text in ("{", "[]", "{}", '{"unit_ids": 3, "sampling_frequency": 25000}'):
        (path / "sorting/numpysorting_info.json").write_text(text)
        with pytest.raises(RecordingError, match="expected an analyzer as SpikeInterface"):
            read_units(path)


def test_parts_of_zarr_that_are_damaged_or_not_there_are_refused(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    path = tmp_path / "analyzer.zarr"
    root = zarr.open_group(str(path), mode="w")
    root.attrs["spikeinterface_info"] = {"object": "SortingAnalyzer"}
    sorting = root.create_group("sorting")
    sorting.attrs["sampling_frequency"] = RATE_HZ
    rng = np.random.default_rng(0)
    for name, values in {
        "unit_ids": np.arange(2),
        "spikes/sample_index": np.sort(rng.integers(0, 500_000, 200)),
        "spikes/unit_index": np.arange(200) % 2,
        "spikes/segment_slices": np.array([[0, 200]]),
    }.items():
        sorting.create_dataset(name, data=values, chunks=(100, *values.shape[1:]))
    assert [fact.n_spikes for fact in read_units(path).units.facts] == [100, 100]
    part = path / "sorting/spikes/sample_index/1"
    whole = part.read_bytes()
    part.write_bytes(whole[:20] + b"\xff" * (len(whole) - 20))
    with pytest.raises(RecordingError, match="got one that cannot be read"):
        read_units(path)
    part.unlink()
    with pytest.raises(RecordingError, match="1 of the 2 parts of sorting/spikes/sample_index are"):
        read_units(path)


@pytest.mark.ci
@pytest.mark.parametrize("form", ["binary_folder", "zarr"])
def test_spikeinterfaces_own_are_read_as_it_reads_them(tmp_path: Path, form: str) -> None:
    si = pytest.importorskip("spikeinterface", reason="SpikeInterface is not installed")
    recording, sorting = si.generate_ground_truth_recording(
        durations=[4.0, 2.0], num_channels=4, num_units=5, seed=0
    )
    path = tmp_path / ("analyzer" if form == "binary_folder" else "analyzer.zarr")
    made = si.create_sorting_analyzer(sorting, recording, format=form, folder=path, sparse=False)
    made.compute(["random_spikes", "templates"])
    made.set_sorting_property("quality", np.array(["good"] * 4 + ["noise"]))
    made.set_sorting_property("cell_type", np.array(["PV", "PV", "SST", "SST", ""]))
    read = read_units(path, label="cell_type")
    assert read.units.rate_hz == made.sampling_frequency
    assert [told.partition(",")[0] for told in read.remarks] == ["1 unit of 5 is called noise"]
    assert [fact.unit_id for fact in read.units.facts] == list(map(str, made.unit_ids[:4]))
    assert [fact.label for fact in read.units.facts] == ["PV", "PV", "SST", "SST"]
    counts = sorting.count_num_spikes_per_unit()
    assert [fact.n_spikes for fact in read.units.facts] == list(counts.values())[:4]
    templates = made.get_extension("templates").get_data()[:4]
    channels = np.ptp(templates, axis=1).argmax(axis=1)
    expected = [template[:, channel] for template, channel in zip(templates, channels, strict=True)]
    np.testing.assert_allclose(read.units.waveforms, expected, rtol=1e-6)
