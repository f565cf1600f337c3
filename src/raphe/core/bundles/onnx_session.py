"""A bundle's graph, run on the processor by onnxruntime."""

import onnxruntime

ERRORS_ALONE = 3  # its lower levels warn of devices that are not there


def processor_session(
    graph: bytes, threads: int | None = None, keeps_memory: bool = True
) -> onnxruntime.InferenceSession:
    """A session of an ONNX graph.

    Args:
        graph: the file's bytes.
        threads: of the processor; None: one a core.
        keeps_memory: hold what a run needed for the next one; False where inputs differ in size, so
            that the largest does not set the memory of all that follow.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = ERRORS_ALONE
    options.enable_cpu_mem_arena = keeps_memory
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
