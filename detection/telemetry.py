"""Libraries that report on their use: here they do not."""

import os


def switch_off() -> None:
    """Switch off the reports of ONNX Runtime, here and in processes that are started; call before its import.

    From 1.29 on, its Linux builds report each use (names and hashes of models, processor, a number of the
    computer) to their maker, by a thread and a database in the user's cache, unless this variable is set.
    `onnxruntime.disable_telemetry_events` comes too late for the thread, the number and the database.
    Source: pull requests 27379 and 29843 of ONNX Runtime.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
