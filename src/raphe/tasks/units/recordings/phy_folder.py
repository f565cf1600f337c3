"""Units of a Phy folder, as Kilosort and SpikeInterface write it and Phy curates it.

FOLDER/params.py              sample_rate; read as text, never run
FOLDER/spike_times.npy        (S,) in samples
FOLDER/spike_clusters.npy     (S,) the cluster of each spike, as curated
FOLDER/spike_templates.npy    (S,) the template of each; may be missing
FOLDER/templates.npy          (P, T, channels) whitened; may be missing
FOLDER/templates_ind.npy      (P, channels) which channels, where templates hold some alone, −1
                              for none; template_ind.npy as SpikeInterface writes it
FOLDER/whitening_mat_inv.npy  (channels, channels) undoes the whitening; may be missing
FOLDER/cluster_group.tsv      what a person called each: good, mua, noise
FOLDER/cluster_groups.csv     the same, of Phy 1
FOLDER/cluster_info.tsv, cluster_KSLabel.tsv   the same, as far as nobody did
FOLDER/cluster_NAME.tsv       a column of Phy's cluster view, as one with labels

S spikes, P templates, T samples, N clusters.
"""

import ast
from pathlib import Path

import numpy as np

from raphe.core.errors import RecordingError
from raphe.core.firing.histograms import FEWEST_SPIKES, firing
from raphe.core.recordings.arrays import load_array
from raphe.core.sentences import counted
from raphe.core.tables.words import read_table
from raphe.tasks.units.recordings.quality import NOISE, mixed_remark
from raphe.tasks.units.recordings.unit_set import ReadUnits, UnitFacts, UnitSet, cleaned
from raphe.tasks.units.recordings.waveform_rate import waveform_rate

PARAMETERS, TIMES, CLUSTERS = "params.py", "spike_times.npy", "spike_clusters.npy"
# What tells of a cluster's quality, and the column that does; the first that names it counts.
GROUPS = (
    ("cluster_group.tsv", "group"),
    ("cluster_groups.csv", "group"),  # of Phy 1, tabs between
    ("cluster_info.tsv", "group"),
    ("cluster_KSLabel.tsv", "KSLabel"),
)
CHANNELS = ("templates_ind.npy", "template_ind.npy")  # Kilosort's and SpikeInterface's
MOST_CHANNELS = 10_000  # of a probe, or several
LONGEST_PARAMETERS = 100_000  # bytes


def is_phy_folder(path: Path) -> bool:
    """Whether a folder is laid out as Phy reads it."""
    return (path / TIMES).is_file() and (path / CLUSTERS).is_file()


def read_phy_folder(
    path: Path, rate_hz: float | None = None, label: str | None = None
) -> ReadUnits:
    """The clusters of a folder but those that are noise.

    A cluster's waveform is that of its templates, each weighing as its spikes, on the channel where
    it is largest. `rate_hz` is taken where params.py has none; `label` is the column of Phy's
    cluster view that holds each cluster's class.

    Raises:
        RecordingError: what is missing, does not fit or cannot be read.
    """
    rate_hz = _rate(path / PARAMETERS, rate_hz)
    times = _column(path / TIMES) / rate_hz  # s
    clusters = _whole(path / CLUSTERS, len(times))
    groups = _groups(path)
    labels = _labels(path, label) if label else {}
    names, first = np.unique(clusters), np.argsort(clusters, kind="stable")
    n_spikes = np.bincount(np.searchsorted(names, clusters))
    spikes_of = dict(zip(names.tolist(), np.split(first, np.cumsum(n_spikes)[:-1]), strict=True))
    noise = [f"cluster {name}: is noise" for name in names if groups.get(name) == NOISE]
    kept = [name for name in names.tolist() if groups.get(name) != NOISE]
    if not kept:
        raise RecordingError(
            f"{path}: expected clusters that are no noise, got {counted('cluster', len(names))}, "
            "all noise or none; look at cluster_group.tsv"
        )
    waveforms, remarks = _waveforms(path, kept, spikes_of)
    facts = [
        UnitFacts(str(name), labels.get(name, ""), n_spikes=len(spikes_of[name])) for name in kept
    ]
    trains = [times[spikes_of[name]] for name in kept]
    read = cleaned(UnitSet(facts, waveforms, *firing(trains), rate_hz), str(path))
    remarks += mixed_remark("cluster", [groups.get(name, "") for name in kept])
    few = [fact.unit_id for fact in facts if (fact.n_spikes or 0) < FEWEST_SPIKES]
    if few:
        remarks.append(
            f"without two spikes, and so without an interval: {counted('cluster', len(few))}"
        )
    return ReadUnits(
        read.units, [*noise, *read.left_out], [*remarks, *read.remarks], are_clusters=True
    )


def _rate(path: Path, given: float | None) -> float:
    stated = _parameters(path).get("sample_rate") if path.is_file() else None
    rate_hz = waveform_rate(f"{path}: sample_rate", stated, given)
    if rate_hz is None:
        raise RecordingError(
            f"{path}: expected a line sample_rate = … , in Hz, found none; say it with --rate-hz"
        )
    return rate_hz


def _parameters(path: Path) -> dict[str, object]:
    """Names and plain values that the lines of params.py assign; nothing of it is run."""
    if path.stat().st_size > LONGEST_PARAMETERS:
        raise RecordingError(f"{path}: is larger than any params.py; look what it is")
    try:
        lines = ast.parse(path.read_text(encoding="utf-8")).body
    except (SyntaxError, ValueError) as error:
        raise RecordingError(
            f"{path}: expected lines such as sample_rate = 30000.0, got what is no Python "
            f"({error}); write it anew"
        ) from None
    values: dict[str, object] = {}
    for line in lines:
        if not (isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)):
            continue
        try:
            values[line.targets[0].id] = ast.literal_eval(line.value)
        except ValueError:  # a call or a name: what it comes to is not known without running it
            continue
    return values


def _column(path: Path) -> np.ndarray:
    array = load_array(path, RecordingError)
    if array.dtype.kind not in "fiu" or array.size != max(array.shape, default=0):
        raise RecordingError(
            f"{path}: expected a number a spike, got {array.shape} {array.dtype}; export the "
            "sorting for Phy anew"
        )
    return array.reshape(-1).astype(np.float64)


def _whole(path: Path, n: int) -> np.ndarray:
    numbers = _column(path)
    if len(numbers) != n:
        raise RecordingError(
            f"{path}: has {counted('number', len(numbers))}, but spike_times.npy has "
            f"{counted('spike', n)}; expected one for each, so copy both from one sorting"
        )
    if not n:
        raise RecordingError(
            f"{path}: expected spikes, got none; look whether the sorting is whole"
        )
    return numbers.astype(np.int64)


def _groups(path: Path) -> dict[int, str]:
    """What each cluster is called: good, mua, noise or what a person chose."""
    groups: dict[int, str] = {}
    for name, column in reversed(GROUPS):
        groups |= _column_of(path / name, column)
    return {cluster: word.casefold() for cluster, word in groups.items()}


def _labels(path: Path, column: str) -> dict[int, str]:
    labels = {
        **_column_of(path / "cluster_info.tsv", column),
        **_column_of(path / f"cluster_{column}.tsv", column),
    }
    if not labels:
        raise RecordingError(
            f"{path}: expected a column {column} of its clusters, in cluster_{column}.tsv or "
            "cluster_info.tsv, found none; name one that Phy shows"
        )
    return labels


def _column_of(path: Path, column: str) -> dict[int, str]:
    """What a table says of each cluster; nothing where there is no such table or column."""
    if not path.is_file():
        return {}
    words = {}
    for row in read_table(path, RecordingError).rows:
        cluster = row.get("cluster_id") or row.get("id")
        if cluster.isdecimal() and row.get(column):
            words[int(cluster)] = row.get(column)
    return words


def _waveforms(
    path: Path, names: list[int], spikes_of: dict[int, np.ndarray]
) -> tuple[np.ndarray, list[str]]:
    """Of each cluster, float32 (N, T), and what must be known of them."""
    if not (path / "templates.npy").is_file():
        return np.empty((len(names), 0), np.float32), [
            "there is no templates.npy, so no waveform is known: units are told by firing alone"
        ]
    templates = load_array(path / "templates.npy", RecordingError)
    if templates.ndim != 3 or templates.dtype.kind not in "fiu":
        raise RecordingError(
            f"{path / 'templates.npy'}: expected templates × samples × channels, got "
            f"{templates.shape} {templates.dtype}; export the sorting for Phy anew"
        )
    templates = _unwhitened(path, templates.astype(np.float64))
    template_of_spike = None
    if (path / "spike_templates.npy").is_file():
        n_spikes = sum(map(len, spikes_of.values()))
        template_of_spike = _whole(path / "spike_templates.npy", n_spikes)
    waveforms = np.full((len(names), templates.shape[1]), np.nan, np.float32)
    for row, name in enumerate(names):
        used = np.array([name])
        if template_of_spike is not None:
            used = template_of_spike[spikes_of[name]]
        used, counts = np.unique(used[(used >= 0) & (used < len(templates))], return_counts=True)
        if not len(used):
            continue
        mean = np.einsum("p,ptc->tc", counts / counts.sum(), templates[used])
        waveforms[row] = mean[:, np.ptp(mean, axis=0).argmax()]
    return waveforms, []


def _unwhitened(path: Path, templates: np.ndarray) -> np.ndarray:
    """Templates (P, T, channels) as they are in the recording, where that can be told."""
    file = path / "whitening_mat_inv.npy"
    inverse = load_array(file, RecordingError).astype(np.float64) if file.is_file() else None
    templates = _on_all_channels(path, templates, 0 if inverse is None else len(inverse))
    if inverse is None:
        return templates
    if inverse.shape != (templates.shape[2], templates.shape[2]):
        raise RecordingError(
            f"{file}: expected {templates.shape[2]} × {templates.shape[2]} channels as "
            f"templates.npy has, got {inverse.shape}; copy both from one sorting"
        )
    return templates @ inverse


def _on_all_channels(path: Path, templates: np.ndarray, n_channels: int) -> np.ndarray:
    """Templates (P, T, all channels), 0 where each has none, of such as hold some channels alone.

    So the same column is the same channel of all. `n_channels` there are at the least.
    """
    file = next((path / name for name in CHANNELS if (path / name).is_file()), None)
    if file is None:
        return templates
    channel = load_array(file, RecordingError)
    if channel.shape != (len(templates), templates.shape[2]) or channel.dtype.kind not in "fiu":
        raise RecordingError(
            f"{file}: expected {len(templates)} × {templates.shape[2]} channels as templates.npy "
            f"has, got {channel.shape} {channel.dtype}; export the sorting anew"
        )
    if not channel.size or (channel == np.arange(channel.shape[1])).all():
        return templates
    n_channels = max(n_channels, int(channel.max()) + 1)
    if n_channels > MOST_CHANNELS:
        raise RecordingError(
            f"{file}: expected the numbers of {MOST_CHANNELS} channels at most, got one of "
            f"{n_channels - 1}; export the sorting anew"
        )
    dense = np.zeros((*templates.shape[:2], n_channels))
    for template, channels, into in zip(templates, channel.astype(int), dense, strict=True):
        is_one = channels >= 0  # where a template has fewer the rest is −1
        into[:, channels[is_one]] = template[:, is_one]
    return dense
