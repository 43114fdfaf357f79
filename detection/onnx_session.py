"""Models in ONNX, loaded for one thread of the processor."""

from detection.telemetry import switch_off

switch_off()

from onnxruntime import InferenceSession, SessionOptions  # noqa: E402 - it reports from its import on

__all__ = ["InferenceSession", "onnx_session"]


def onnx_session(model: bytes) -> InferenceSession:
    """Return the model ready to run, on the thread that calls it.

    Parameters
    ----------
    model : bytes
        File of the model.
    """
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return InferenceSession(model, options, providers=["CPUExecutionProvider"])
