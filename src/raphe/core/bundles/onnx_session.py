"""A bundle's graph, run on the processor by onnxruntime.

A graph may come from anybody: whatever onnxruntime says of one that cannot be loaded or run is told
as a bundle's fault, and none reads another file.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnxruntime

from raphe.core.bundles.bundle import REMEDY, BundleError
from raphe.core.ranges import check_ranges
from raphe.core.sentences import printable
from raphe.core.threads import Threads, threads_of_process

FATAL_ALONE = 4  # errors are raised, too; warnings are of devices that are not there
ELSEWHERE = b"location"  # in a graph whose weights lie in another file, and in none of ours
LONGEST_REASON = 200
SHRINKAGE = "memory.enable_memory_arena_shrinkage"  # after each run


class GraphSession:
    """A loaded ONNX graph with outputs of these names.

    Args:
        graph: the file's bytes.
        where: what sentences call it, the bundle's path.
        threads: that share a run; None: as many as this process may use.
        keeps_memory: hold what a run needed for the next one; False where inputs differ in size, so
            that the largest does not set the memory of all that follow.

    Raises:
        SettingError: a number of threads that cannot be.
        BundleError: what is no graph, reads another file, or has other outputs.
    """

    def __init__(
        self,
        graph: bytes,
        where: object,
        inputs: Sequence[str],
        outputs: Sequence[str],
        threads: Threads | None = None,
        keeps_memory: bool = True,
    ) -> None:
        check_ranges(GraphSession.__init__, locals())
        self._where, self._outputs = where, tuple(outputs)
        if ELSEWHERE in graph:
            raise self._broken("it reads weights from another file")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or threads_of_process()
        # Threads that spin while they wait take what others on the machine need, and themselves.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = FATAL_ALONE
        try:
            session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of many kinds, none of which onnxruntime documents
            raise self._broken(str(error)) from None
        self._session = session
        self._run_options = onnxruntime.RunOptions()
        if not keeps_memory:  # without onnxruntime's pool, malloc's for each thread keep far more
            self._run_options.add_run_config_entry(SHRINKAGE, "cpu:0")
        self.inputs = {each.name: tuple(each.shape) for each in session.get_inputs()}
        self.outputs = {each.name: tuple(each.shape) for each in session.get_outputs()}
        for expected, names in ((inputs, self.inputs), (outputs, self.outputs)):
            if missing := [name for name in expected if name not in names]:
                raise self._broken(f"it has no {missing[0]}")

    def run(self, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs, finite float32. Raises BundleError."""
        try:
            answers = self._session.run(self._outputs, dict(inputs), self._run_options)
        except Exception as error:
            raise self._broken(str(error)) from None
        for answer in answers:
            if not (isinstance(answer, np.ndarray) and answer.dtype == np.float32):
                raise self._broken("its answer is no float32")
            if not np.isfinite(answer).all():
                raise self._broken("its answer is NaN or infinite")
        return answers

    def _broken(self, reason: str) -> BundleError:
        reason = printable(" ".join(reason.split()))[:LONGEST_REASON]
        return BundleError(f"{self._where}: its graph cannot be used ({reason}); {REMEDY}")
