"""``python -m benchmarks [NAME...]``: print the figures, of all benchmarks or of those named."""

import sys
from collections.abc import Callable

from benchmarks import api, planning
from benchmarks.figures import Figure, show

BENCHMARKS: dict[str, Callable[[], list[Figure]]] = {"planning": planning.run, "api": api.run}

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHMARKS:
        show(name, BENCHMARKS[name]())
