"""Units of a Phy folder, as Kilosort and SpikeInterface write it and Phy curates it.

FOLDER/params.py              sample_rate; read as text, never run
FOLDER/spike_times.npy        (S,) in samples
FOLDER/spike_clusters.npy     (S,) the cluster of each spike, as curated
FOLDER/spike_templates.npy    (S,) the template of each; may be missing
FOLDER/templates.npy          may be missing; with what belongs to it, see `phy_templates`
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
from raphe.tasks.units.recordings.phy_templates import TEMPLATES, recorded_templates
from raphe.tasks.units.recordings.quality import NOISE, quality_remarks
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
    called = [groups.get(name, "") for name in names.tolist()]
    remarks += quality_remarks("cluster", list(map(str, names.tolist())), called)
    few = [fact.unit_id for fact in facts if (fact.n_spikes or 0) < FEWEST_SPIKES]
    if few:
        remarks.append(
            f"without two spikes, and so without an interval: {counted('cluster', len(few))}"
        )
    return ReadUnits(read.units, read.left_out, [*remarks, *read.remarks], are_clusters=True)


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
    numbers = array.reshape(-1).astype(np.float64)
    if not np.isfinite(numbers).all():
        raise RecordingError(
            f"{path}: expected a number a spike, got none for "
            f"{counted('spike', int((~np.isfinite(numbers)).sum()))} of {len(numbers)} (NaN or "
            "infinite); export the sorting for Phy anew"
        )
    return numbers


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
    if not (path / TEMPLATES).is_file():
        return np.empty((len(names), 0), np.float32), [
            f"there is no {TEMPLATES}, so no waveform is known: units are told by firing alone"
        ]
    templates, remarks = recorded_templates(path)
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
    return waveforms, remarks
