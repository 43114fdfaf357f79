"""Make the data, train, calibrate and export: `python -m training --help`."""

import argparse
import time
from multiprocessing import Pool
from pathlib import Path

from detection.network.model import TrainingNote
from detection.network.shipped import PATH
from training.samples import Kind, seeds_per_file, write_samples

FIRST_SEED = 100_000
PER_FILE = 96
"""Samples of a file."""
SAMPLES: dict[Kind, int] = {"scenes": 6000, "realistic": 3000, "paper": 1200}
"""Samples of each kind."""


def main() -> None:
    """Run the steps that are asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("build/training"), help="folder of the samples")
    parser.add_argument("--share", type=float, default=1.0, help="share of the usual number of samples")
    parser.add_argument("--presentations", type=int, default=150_000, help="frames shown to the network")
    parser.add_argument("--seed", type=int, default=7, help="seed of the training")
    parser.add_argument("--jobs", type=int, default=2, help="processes that make samples")
    parser.add_argument("--out", type=Path, default=PATH, help="file of the network")
    parser.add_argument("--weights", type=Path, help="weights.pt of a training: only calibrate and export")
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    if options.weights is None:
        make_samples(options.data, options.share, options.jobs)
    export(options)


def make_samples(folder: Path, share: float, jobs: int) -> None:
    """Write the files of samples that are missing."""
    wanted: list[tuple[Path, Kind, range]] = []
    for kind, samples in SAMPLES.items():
        step = seeds_per_file(kind, PER_FILE)
        for number in range(max(round(share * samples / PER_FILE), 2)):
            seeds = range(FIRST_SEED + number * step, FIRST_SEED + (number + 1) * step)
            path = folder / f"{kind}-{seeds.start:06d}.npz"
            if not path.exists():
                wanted.append((path, kind, seeds))
    begin = time.monotonic()
    with Pool(jobs) as pool:
        for done, _ in enumerate(pool.imap_unordered(_write, wanted), 1):
            print(f"{done} of {len(wanted)} files, {(time.monotonic() - begin) / 60:.1f} min", flush=True)


def _write(task: tuple[Path, Kind, range]) -> int:
    return write_samples(*task)


def export(options: argparse.Namespace) -> None:
    """Train unless the weights are given, calibrate, and write the network."""
    import torch

    from training.calibrate import CALIBRATION_SEEDS, calibrated
    from training.calibrate import FIRST_SEED as FIRST_CALIBRATION
    from training.export import model_of, write_model
    from training.fit import Samples, train
    from training.network import Network

    weights: Path = options.weights or options.data / "weights.pt"
    samples = Samples(options.data)
    if options.weights is None:
        train(
            samples,
            options.presentations,
            options.seed,
            lambda network: torch.save(network.state_dict(), weights),
        )
    network = Network()
    network.load_state_dict(torch.load(weights, weights_only=True))
    frames = sum(len(of_kind) for of_kind in samples.of_kind.values())
    note = TrainingNote(max(frames, 1), options.presentations, f"from {FIRST_SEED}")
    model = model_of(network, note)
    parts = [
        (kind, range(FIRST_CALIBRATION, FIRST_CALIBRATION + seeds))
        for kind, seeds in CALIBRATION_SEEDS.items()
    ]
    model = model_of(network, note, calibrated(model, parts))
    write_model(options.out, model)
    print(f"{options.out}: {options.out.stat().st_size} bytes, {model.calibration}", flush=True)


if __name__ == "__main__":
    main()
