"""An ONNX graph written node by node, and the check that it answers as the network it was made of.

Written, not traced: a traced graph follows torch's version, this one only its own opset.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from raphe.core.bundles.bundle import BundleError

OPSET = 17
IR_VERSION = 8  # of the file, the one that came with opset 17

Shape = Sequence[int | str]  # an axis of any length has a name


class OnnxGraph:
    """Nodes and constants as they are added; each node's output is named after it and a number."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray | np.generic) -> str:
        """Add an array of any shape and dtype; returns its name."""
        self._constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def shape(self, name: str, *sizes: int) -> str:
        """Sizes to reshape to: 0 keeps an axis, −1 takes what is left."""
        return self.constant(name, np.array(sizes))

    def add(
        self, kind: str, inputs: Sequence[str], output: str | None = None, **settings: object
    ) -> str:
        """Add a node of one output and return that output's name."""
        output = output or f"{kind}_{len(self._nodes)}"
        self.add_many(kind, inputs, [output], **settings)
        return output

    def add_many(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **settings: object
    ) -> Sequence[str]:
        """Add a node of several outputs and return their names."""
        self._nodes.append(helper.make_node(kind, inputs, outputs, **settings))
        return outputs

    def conv(self, name: str, x: str, weight: np.ndarray, bias: np.ndarray, **settings: Any) -> str:
        """Add a convolution; weight (C_out, C_in, …) and bias (C_out,) are called after `name`."""
        weights = [self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        return self.add("Conv", [x, *weights], **settings)

    def include(self, file: bytes, prefix: str) -> list[str]:
        """Add what an .onnx file holds; returns its outputs' names.

        All names but those of its inputs come after `prefix`. Raises BundleError for a file of
        another opset.
        """
        model = onnx.load_from_string(file)
        opsets = {opset.domain: opset.version for opset in model.opset_import}
        if opsets != {"": OPSET}:
            raise BundleError(f"the graph is of opset {opsets}, expected {OPSET}; export it again")
        graph = compose.add_prefix(model, prefix, rename_inputs=False).graph
        self._nodes += graph.node
        self._constants += graph.initializer
        return [output.name for output in graph.output]

    def file(self, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> bytes:
        """The checked model as the bytes of an .onnx file; shapes by name, all float32."""
        described = [
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, s) for name, s in group.items()]
            for group in (inputs, outputs)
        ]
        graph = helper.make_graph(self._nodes, "raphe", *described, self._constants)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="raphe",
        )
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)


def require_agreement(
    from_graph: np.ndarray, from_torch: np.ndarray, at_most: float, whose: str, unit: str
) -> None:
    """Refuse a graph whose answers are not those of the network, any shape, beyond `at_most`.

    Args:
        whose: the run or the ensemble, for the message.
        unit: what an answer is, as "a probability".

    Raises:
        BundleError: also for answers that are not finite.
    """
    difference = float(np.abs(from_graph - from_torch).max())
    if not difference <= at_most:
        raise BundleError(
            f"{whose}: the ONNX graph and the checkpoint differ by {difference:.1e} in {unit}, "
            f"expected at most {at_most:g}; leave it out, and report this"
        )
