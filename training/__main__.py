"""Make the data, train, calibrate and export: `python -m training --help`."""

import argparse
import time
from multiprocessing import Pool
from pathlib import Path

from detection.errors import DetectionError
from detection.network.model import NetworkModel, TrainingNote
from detection.network.onnx_file import model_from_bytes
from detection.network.shipped import PATH
from training.samples import Kind, seeds_per_file, write_samples

FIRST_SEED = 100_000
"""First seed of the samples of a training from the start; one that goes on takes others."""
PER_FILE = 96
"""Samples of a file."""
SAMPLES: dict[Kind, int] = {"scenes": 6000, "realistic": 4300, "paper": 1600, "hard": 9600}
"""Samples of each kind."""


def main() -> None:
    """Run the steps that are asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("build/training"), help="folder of the samples")
    parser.add_argument("--share", type=float, default=1.0, help="share of the usual number of samples")
    parser.add_argument("--presentations", type=int, default=150_000, help="frames shown to the network")
    parser.add_argument("--seed", type=int, default=7, help="seed of the training")
    parser.add_argument("--begin", type=Path, help="network file to go on from; a new network otherwise")
    parser.add_argument("--rate", type=float, default=2e-3, help="largest learning rate")
    parser.add_argument("--bfloat16", action="store_true", help="faster on processors that have it")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="first seed of the samples")
    parser.add_argument("--jobs", type=int, default=2, help="processes that make samples")
    parser.add_argument("--out", type=Path, default=PATH, help="file of the network")
    parser.add_argument("--weights", type=Path, help="weights.pt of a training: only calibrate and export")
    options = parser.parse_args()
    try:
        before = model_from_bytes(options.begin.read_bytes()) if options.begin else None
    except (OSError, DetectionError) as error:
        parser.error(f"{options.begin} cannot be read: {getattr(error, 'strerror', None) or error}")
    options.data.mkdir(parents=True, exist_ok=True)
    if options.weights is None:
        make_samples(options.data, options.first_seed, options.share, options.jobs)
    export(options, before)


def make_samples(folder: Path, first_seed: int, share: float, jobs: int) -> None:
    """Write the files of samples that are missing."""
    wanted: list[tuple[Path, Kind, range]] = []
    for kind, samples in SAMPLES.items():
        step = seeds_per_file(kind, PER_FILE)
        for number in range(max(round(share * samples / PER_FILE), 2)):
            seeds = range(first_seed + number * step, first_seed + (number + 1) * step)
            path = folder / f"{kind}-{seeds.start:06d}.npz"
            if not path.exists():
                wanted.append((path, kind, seeds))
    begin = time.monotonic()
    with Pool(jobs) as pool:
        for done, _ in enumerate(pool.imap_unordered(_write, wanted), 1):
            print(f"{done} of {len(wanted)} files, {(time.monotonic() - begin) / 60:.1f} min", flush=True)


def _write(task: tuple[Path, Kind, range]) -> int:
    return write_samples(*task)


def export(options: argparse.Namespace, before: NetworkModel | None) -> None:
    """Train unless the weights are given, calibrate, and write the network."""
    import torch

    from training.calibrate import CALIBRATION_SEEDS, calibrated
    from training.calibrate import FIRST_SEED as FIRST_CALIBRATION
    from training.export import model_of, network_of, write_model
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
            network_of(before) if before else None,
            options.rate,
            bfloat16=options.bfloat16,
        )
    network = Network()
    network.load_state_dict(torch.load(weights, weights_only=True))
    frames = sum(len(of_kind) for of_kind in samples.of_kind.values())
    note = TrainingNote(max(frames, 1), options.presentations, f"from {options.first_seed}")
    if before:
        seeds = f"{before.note.seeds}, then {note.seeds}"
        note = TrainingNote(
            before.note.frames + frames, before.note.presentations + note.presentations, seeds
        )
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
