"""A bundle's graph, run on the processor by onnxruntime."""

from typing import Annotated

import onnxruntime

from raphe.core.ranges import Range, check_ranges

ERRORS_ALONE = 3  # its lower levels warn of devices that are not there


def processor_session(
    graph: bytes,
    threads: Annotated[int, Range(1, also="or None for one a core")] | None = None,
    keeps_memory: bool = True,
) -> onnxruntime.InferenceSession:
    """A session of an ONNX graph.

    Args:
        graph: the file's bytes.
        threads: of the processor; None: one a core.
        keeps_memory: hold what a run needed for the next one; False where inputs differ in size, so
            that the largest does not set the memory of all that follow.

    Raises SettingError for a number of threads that cannot be.
    """
    check_ranges(processor_session, locals())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = ERRORS_ALONE
    options.enable_cpu_mem_arena = keeps_memory
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
