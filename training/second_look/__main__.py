"""Fit the second look to frames that the network has not seen: `python -m training.second_look`.

It writes the file of `detection.second_look`. Fit it again after each training of the network.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from detection.second_look.shipped import PATH
from training.second_look.frames import write_frames


def main() -> None:
    """Make the frames that are missing, fit, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m training.second_look", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("build/second_look"), help="folder of the frames")
    parser.add_argument("--out", type=Path, default=PATH, help="file of the second look")
    parser.add_argument("--share", type=float, default=1.0, help="share of the usual number of frames")
    parser.add_argument("--seed", type=int, default=7, help="seed of the fit")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    paths = []
    for path in write_frames(options.data, options.share):
        paths.append(path)
        if len(paths) % 100 == 0:
            print(f"{len(paths)} files", flush=True)

    from training.second_look.fit import fitted, judged_in

    judged = list(judged_in(paths))
    hits, cells = (
        sum(values) for values in zip(*((len(j.real), int(j.real.sum())) for j in judged), strict=True)
    )
    print(f"{hits} doubtful hits of {len(judged)} frames, {cells} of them cells", flush=True)
    weights = fitted(judged, options.seed)
    np.savez(options.out, allow_pickle=False, **weights)
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
