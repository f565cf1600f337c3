"""The two spaces: those published, and what must hold for any."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from raphe.core.errors import SettingError, StoreError
from raphe.tasks.calcium.elephant.embedding import Embedding, retraining_weights
from raphe.tasks.calcium.elephant.embedding_figure import confusion_figure, spaces_figure
from raphe.tasks.calcium.elephant.embedding_file import open_embedding, to_json


@pytest.fixture(scope="module")
def embedding() -> Embedding:
    """Five datasets of four recordings along a line, in both respects."""
    rng = np.random.default_rng(0)
    dataset = np.repeat(np.arange(5), 4)
    away = np.abs(dataset[:, None] - dataset)
    confusion = np.exp(-away / 2) * rng.uniform(0.9, 1.1, (20, 20))
    statistics = dataset[:, None] * np.arange(1, 19) + rng.normal(0, 0.3, (20, 18))
    names = tuple(f"{d}/{r}" for d, r in zip(dataset, range(20), strict=True))
    return Embedding(names, tuple(map(str, dataset)), confusion, statistics)


@pytest.fixture(scope="module")
def published(real_data) -> Embedding:
    real_data("elephant", "Parameters174py.mat")
    return open_embedding(real_data("elephant", "Confusion.mat").parent)


def up_to_sign(space: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """A principal component may point either way."""
    return space * np.sign((space * expected).sum(axis=0))


def test_the_published_spaces_are_recomputed(published: Embedding, real_data) -> None:
    expected = loadmat(real_data("elephant", "embedding_spacesX.mat"))
    np.testing.assert_array_equal(published.quality, expected["predicting_quality"][0])
    np.testing.assert_array_equal(published.kept, expected["goodindizes"][0])
    for space, name in (
        (published.predictive_space, "embedding_2D_predictions"),
        (published.statistics_space, "embedding_2D_stats"),
    ):
        np.testing.assert_allclose(up_to_sign(space, expected[name]), expected[name], atol=1e-10)


@pytest.mark.slow
def test_each_published_dataset_is_mapped_to_itself(published: Embedding) -> None:
    """Trees of depth 7 hold ten points; the nearest dataset is then at no distance."""
    for index, name in enumerate(published.datasets):
        distances = published.distances(published.statistics_space[index])
        assert distances[name] == pytest.approx(0, abs=1e-9)
    distances = published.distances(published.place(published.statistics[45:51]))
    assert min(distances, key=distances.get) == "4"


def test_neighbours_are_neighbours_in_both_spaces(embedding: Embedding) -> None:
    for space in (embedding.predictive_space, embedding.statistics_space):
        first = space[:, 0] * np.sign(space[-1, 0] - space[0, 0])
        assert (np.diff(first) > 0).all()


def test_a_new_dataset_is_placed_by_its_recordings(embedding: Embedding) -> None:
    like_3 = embedding.statistics[embedding.number == 3]
    placed = embedding.place(like_3)
    nearest = np.linalg.norm(embedding.statistics_space - placed, axis=1).argmin()
    assert nearest == 3
    distances = embedding.distances(placed)
    assert min(distances, key=distances.get) == "3"


def test_weights_fall_with_distance_and_the_nearest_is_1() -> None:
    weights = retraining_weights({"a": 1.0, "b": 4.5, "c": 8.0})
    assert weights == pytest.approx({"a": 1.0, "b": np.exp(-1), "c": np.exp(-2)})


def test_a_dataset_taken_out_leaves_no_trace(embedding: Embedding) -> None:
    left = embedding.without({"2"})
    assert left.datasets == ("0", "1", "3", "4") and left.confusion.shape == (16, 16)
    rows = embedding.number != 2
    np.testing.assert_array_equal(left.statistics, embedding.statistics[rows])
    np.testing.assert_array_equal(left.confusion, embedding.confusion[np.ix_(rows, rows)])


def test_a_dataset_of_bad_networks_alone_keeps_them(embedding: Embedding) -> None:
    """The worst 5 % are left out, but not a whole dataset."""
    confusion = embedding.confusion.copy()
    single = Embedding(
        (*embedding.names, "lone/0"),
        (*embedding.dataset, "lone"),
        np.pad(confusion, (0, 1), constant_values=0.001),
        np.vstack([embedding.statistics, embedding.statistics[:1]]),
    )
    assert 20 in single.kept


def test_what_makes_no_embedding_is_told(embedding: Embedding) -> None:
    with pytest.raises(SettingError, match="expected 20 recordings everywhere, got the shapes"):
        Embedding(embedding.names, embedding.dataset, embedding.confusion[:9], embedding.statistics)
    holed = embedding.statistics.copy()
    holed[0, 0] = np.nan
    with pytest.raises(SettingError, match="some are NaN or infinite"):
        Embedding(embedding.names, embedding.dataset, embedding.confusion, holed)
    with pytest.raises(
        SettingError, match=r"expected recordings of 3 datasets or more, got .* 3, 4"
    ):
        _ = embedding.without({"0", "1", "2"}).predictive_space


def test_it_comes_back_from_its_file(embedding: Embedding, tmp_path: Path) -> None:
    path = tmp_path / "embedding.json"
    path.write_text(to_json(embedding, "made up"), encoding="utf-8")
    again = open_embedding(path)
    assert (again.names, again.dataset) == (embedding.names, embedding.dataset)
    np.testing.assert_allclose(again.confusion, embedding.confusion, atol=1e-6)
    np.testing.assert_array_equal(again.statistics, embedding.statistics)


def test_a_file_that_is_no_embedding_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="found none; name Elephant's folder statEmbedding"):
        open_embedding(tmp_path / "absent.json")
    with pytest.raises(StoreError, match=r"Confusion.mat: there is no such file; check the path"):
        open_embedding(tmp_path)
    (tmp_path / "x.json").write_text('{"names": []}')
    with pytest.raises(StoreError, match="could not be read as an embedding"):
        open_embedding(tmp_path / "x.json")


def test_the_matrix_is_drawn_whole_and_by_dataset(embedding: Embedding) -> None:
    axes = confusion_figure(embedding).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), embedding.confusion)
    assert [label.get_text() for label in axes.get_xticklabels()] == list("01234")
    np.testing.assert_allclose(axes.get_xticks(), [1.5, 5.5, 9.5, 13.5, 17.5])


def test_a_new_dataset_is_drawn_in_both_spaces(embedding: Embedding) -> None:
    point = embedding.place(embedding.statistics[:4])
    left, right = spaces_figure(embedding, {"mine": point}).axes[:2]
    mapped = embedding.predicted_place(point)
    for axes, space, place in (
        (left, embedding.statistics_space, point),
        (right, embedding.predictive_space, mapped),
    ):
        *_, trained_on, new = axes.lines
        np.testing.assert_array_equal(trained_on.get_xydata(), space)
        np.testing.assert_allclose(new.get_xydata(), place[None])
        assert new.get_label() == "mine"
    texts = spaces_figure(embedding).axes[0].texts
    assert [text.get_text() for text in texts if not text.get_gid()] == list("01234")


def test_a_published_file_that_holds_no_arrays_is_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "Confusion.mat", dict.fromkeys(("DaSet", "DaSet2", "Confusion_later"), "a"))
    savemat(tmp_path / "Parameters174py.mat", {"Parameters174temp": np.eye(2)})
    with pytest.raises(StoreError, match="its variable DaSet is no array"):
        open_embedding(tmp_path)
