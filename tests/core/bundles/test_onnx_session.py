"""A graph's session takes the threads it may."""

import numpy as np
import pytest

from raphe.core.bundles.onnx_graph import OnnxGraph
from raphe.core.bundles.onnx_session import GraphSession


def doubling() -> bytes:
    graph = OnnxGraph()
    graph.add("Add", ["x", "x"], output="y")
    return graph.file({"x": ["N"]}, {"y": ["N"]})


@pytest.mark.parametrize(("threads", "expected"), [(None, 3), (2, 2)])
def test_threads_are_those_asked_for_or_openmps(monkeypatch, threads, expected: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    session = GraphSession(doubling(), "it", ["x"], ["y"], threads, keeps_memory=False)
    options = session._session.get_session_options()
    assert options.intra_op_num_threads == expected
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    for n in (4, 100_000, 4):
        x = np.arange(n, dtype=np.float32)
        np.testing.assert_array_equal(session.run({"x": x})[0], 2 * x)
