"""A graph written node by node computes what its nodes say, and a wrong one is refused."""

import numpy as np
import onnxruntime
import pytest

from raphe.core.bundles.bundle import BundleError
from raphe.core.bundles.onnx_graph import OnnxGraph, require_agreement


def test_a_convolution_and_its_halves_by_hand():
    graph = OnnxGraph()
    weight = np.array([[[1.0, 2.0]], [[0.0, -1.0]]], np.float32)  # (2, 1, 2)
    x = graph.conv("first", "x", weight, np.array([0.5, 0], np.float32))
    sizes = graph.constant("sizes", np.array([1, 1]))
    first, second = graph.add_many("Split", [x, sizes], ["first", "second"], axis=1)
    graph.add("Sub", [first, second], output="difference")
    file = graph.file({"x": ["N", 1, 3]}, {"difference": ["N", 1, 2]})
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (difference,) = session.run(None, {"x": np.array([[[1, 2, 3]]], np.float32)})
    np.testing.assert_allclose(difference, [[[5.5 + 2, 8.5 + 3]]])


def test_the_same_nodes_give_the_same_bytes():
    def file() -> bytes:
        graph = OnnxGraph()
        graph.add("Relu", ["x"], output="y")
        return graph.file({"x": ["N"]}, {"y": ["N"]})

    assert file() == file()


@pytest.mark.parametrize("from_graph", [[0.5, 0.61], [np.nan, 0.6]])
def test_answers_that_differ_or_are_not_finite_are_refused(from_graph):
    require_agreement(np.array([0.5, 0.6]), np.array([0.5, 0.6]), 1e-5, "run 1", "a probability")
    with pytest.raises(BundleError, match=r"run 1: the ONNX graph .* in a probability, expected"):
        require_agreement(
            np.array(from_graph), np.array([0.5, 0.6]), 1e-5, "run 1", "a probability"
        )
