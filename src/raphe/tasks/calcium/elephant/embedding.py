"""Two spaces in which datasets of calcium traces lie near or far (Rupprecht & Gerhard 2017).

In the predictive space datasets are near when networks trained on single recordings of one tell
the spikes of the other. In the statistics space they are near when their traces look alike, which
needs no spikes: a new dataset is placed there and mapped to the predictive space by regression.

R recordings, D datasets, K statistics (18).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.tree import DecisionTreeRegressor

from raphe.core.errors import SettingError

QUANTILE_OF_PREDICTION = 98  # percentile: how well a recording can be predicted
N_BEST = 10  # ranks that a network's quality is the mean of
WORST = 5  # percent of the recordings, by the quality of their networks, that are left out
N_TREES, DEPTH = 150, 7  # of the regression between the spaces
REACH = 3.5  # of a dataset's weight in retraining, in the predictive space
FEWEST = 3  # datasets that make a plane


@dataclass(frozen=True)
class Embedding:
    """Recordings that networks were trained on, and the spaces their datasets lie in.

    Args:
        names: of the recordings (R).
        dataset: each recording's dataset (R).
        confusion: (R, R) correlation of the spikes of the row's recording with what the network
            trained on the column's recording says of it.
        statistics: (R, K), as `statistics` gives them.

    Raises:
        SettingError: for shapes that do not fit, or values missing; the spaces, for fewer than
            three datasets.
    """

    names: tuple[str, ...]
    dataset: tuple[str, ...]
    confusion: np.ndarray
    statistics: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.names)
        shapes = (len(self.dataset), *self.confusion.shape, len(self.statistics))
        if shapes != (n, n, n, n):
            raise SettingError(
                f"embedding: expected {n} recordings everywhere, got the shapes {shapes}"
            )
        if not (np.isfinite(self.confusion).all() and np.isfinite(self.statistics).all()):
            raise SettingError("embedding: expected numbers, some are NaN or infinite")

    @property
    def has_spaces(self) -> bool:
        """Whether there are datasets enough for a plane."""
        return len(self.datasets) >= FEWEST

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """Names of the datasets in the order of their recordings."""
        return tuple(dict.fromkeys(self.dataset))

    @cached_property
    def number(self) -> np.ndarray:
        """Each recording's dataset as a number: int64 (R,)."""
        place = {name: index for index, name in enumerate(self.datasets)}
        return np.array([place[name] for name in self.dataset])

    @cached_property
    def relative(self) -> np.ndarray:
        """The confusion matrix, each network by its mean over all recordings: (R, R)."""
        return self.confusion / self.confusion.mean(axis=0)

    @cached_property
    def quality(self) -> np.ndarray:
        """How low each recording's network ranks where it ranks lowest: (R,).

        The published rule: networks are ranked from the worst for each recording, self-prediction
        counted as 0, and 1 / (1 + mean of the ten lowest ranks) is called quality.
        """
        others = self.relative - np.diag(self.relative.diagonal())
        others /= np.percentile(others, QUANTILE_OF_PREDICTION, axis=1)[:, None]
        rank = others.argsort(axis=1).argsort(axis=1)
        return 1 / (1 + np.sort(rank, axis=0)[:N_BEST].mean(axis=0))

    @cached_property
    def kept(self) -> np.ndarray:
        """Recordings that make the spaces: those above the 5th percentile of quality.

        Their indices, int64 (n,), ascending.

        A dataset all of whose recordings fall below keeps them all.
        """
        if not self.has_spaces:
            raise SettingError(
                f"embedding: expected recordings of {FEWEST} datasets or more, got those of "
                f"{', '.join(self.datasets)}"
            )
        keep = self.quality > np.percentile(self.quality, WORST)
        lost = np.setdiff1d(self.number, self.number[keep])
        return np.flatnonzero(keep | np.isin(self.number, lost))

    @cached_property
    def predictive_space(self) -> np.ndarray:
        """The datasets by how they predict each other: (D, 2)."""
        number = self.number[self.kept]
        among = self.relative[np.ix_(self.kept, self.kept)]
        datasets = range(len(self.datasets))
        mean = np.array(
            [[among[np.ix_(number == a, number == b)].mean() for b in datasets] for a in datasets]
        )
        blocks = mean[np.ix_(number, number)]
        points = PCA(2).fit_transform(blocks + blocks.T)
        return np.array([points[number == dataset].mean(axis=0) for dataset in datasets])

    @cached_property
    def statistics_space(self) -> np.ndarray:
        """The datasets by what their traces look like: (D, 2)."""
        return self._pca.transform(self._dataset_statistics)

    def place(self, statistics: np.ndarray) -> np.ndarray:
        """Place a dataset in the statistics space by its recordings' statistics (n, K): (2,)."""
        standard = self._standardised(np.atleast_2d(statistics)).mean(axis=0)
        return self._pca.transform(standard[None])[0]

    def predicted_place(self, point: np.ndarray) -> np.ndarray:
        """Where a point (2,) of the statistics space should lie in the predictive one: (2,)."""
        return self._regressor.predict(np.asarray(point)[None])[0]

    def distances(self, point: np.ndarray) -> dict[str, float]:
        """From a point (2,) of the statistics space to each dataset in the predictive one."""
        away = np.linalg.norm(self.predictive_space - self.predicted_place(point), axis=1)
        return dict(zip(self.datasets, away.tolist(), strict=True))

    def without(self, datasets: Iterable[str]) -> "Embedding":
        """The same of the other datasets' recordings alone."""
        left = ~np.isin(self.dataset, list(datasets))
        rows = np.flatnonzero(left)
        return Embedding(
            tuple(self.names[row] for row in rows),
            tuple(self.dataset[row] for row in rows),
            self.confusion[np.ix_(rows, rows)],
            self.statistics[rows],
        )

    @cached_property
    def _regressor(self) -> MultiOutputRegressor:
        """The mean of 150 regression trees for each axis; they differ in how they break ties."""
        tree = DecisionTreeRegressor(criterion="absolute_error", max_depth=DEPTH)
        trees = BaggingRegressor(tree, N_TREES, bootstrap=False, random_state=0)
        return MultiOutputRegressor(trees).fit(self.statistics_space, self.predictive_space)

    @cached_property
    def _pca(self) -> PCA:
        number = self.number[self.kept]
        return PCA(2).fit(self._dataset_statistics[number])

    @cached_property
    def _dataset_statistics(self) -> np.ndarray:
        standard, number = self._standardised(self.statistics)[self.kept], self.number[self.kept]
        datasets = range(len(self.datasets))
        means = [standard[number == dataset].mean(axis=0) for dataset in datasets]
        return np.array(means)  # (D, K)

    def _standardised(self, statistics: np.ndarray) -> np.ndarray:
        return (statistics - self.statistics.mean(axis=0)) / self.statistics.std(axis=0)


def retraining_weights(distances: Mapping[str, float]) -> dict[str, float]:
    """How much each dataset counts in retraining: exp(−distance / 3.5), the nearest 1."""
    nearest = min(distances.values())
    return {name: float(np.exp((nearest - away) / REACH)) for name, away in distances.items()}
