"""Start of the worker: ``python launch.py ENDPOINT [--guard]``.

Imports the package `drivers` without its neighbours: the Python that has Odemis keeps its own numpy, and no
other package of ours shadows one of Odemis.
"""

import importlib
import importlib.machinery
import importlib.util
import sys
from pathlib import Path


def main() -> None:
    """Load the worker beside this file and run it."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
    root = here.parents[2]
    spec = importlib.machinery.PathFinder.find_spec("drivers", [str(root)])
    if spec is None:
        raise ImportError(f"no package `drivers` in {root}")
    sys.modules["drivers"] = importlib.util.module_from_spec(spec)
    importlib.import_module("drivers.odemis.remote.worker").main(sys.argv[1:])


if __name__ == "__main__":
    main()
