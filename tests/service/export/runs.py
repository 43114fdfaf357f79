"""Runs whose images are made by the test: any size, kind, pixel size and place."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import tifffile
from numpy.typing import NDArray

from config.loading import dump
from drivers.pose import Pose, box_to_rect, frame_rect
from planner.geometry.rects import centered
from service.image_files.images import checksum
from service.model.jobs import Job, JobKind, JobState
from service.model.specimen import Cell, Field, FieldCells, FieldState, FramePlace, Section
from service.session.folders.run_folder import RunFolder, RunInfo, create
from service.store.store import Store
from tests.service.sessions import small_config

UM = 1e-6
FM_SHAPE = (40, 50)
POSE = Pose((0.0, 0.0), (0.2 * UM, 0.2 * UM))


@dataclass
class MadeRun:
    """A run under way, to which a test adds images."""

    folder: RunFolder
    info: RunInfo
    store: Store
    jobs: int = 0
    taken: int = 0
    files: dict[str, Path] = field(default_factory=dict)

    def close(self) -> None:
        self.store.close()

    def pixels(self, name: str) -> NDArray[Any]:
        return np.asarray(tifffile.imread(self.files[name]))

    def image(self, path: str, pixels: NDArray[Any], size_um: float, channel: str = "") -> str:
        """Write an image with the elements of OME that an export reads; return its checksum."""
        self.taken += 1
        file = self.folder.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        xml = (
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Instrument ID="Instrument:0">'
            f'<Detector ID="Detector:0" Model={quoteattr("ETD & <co>")}/></Instrument><Image ID="Image:0">'
            f"<AcquisitionDate>2026-11-30T10:00:{self.taken % 60:02d}Z</AcquisitionDate>"
            f'<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="{pixels.dtype}" SizeX="{pixels.shape[1]}"'
            f' SizeY="{pixels.shape[0]}" SizeZ="1" SizeC="1" SizeT="1" PhysicalSizeX="{size_um}"'
            f' PhysicalSizeY="{size_um}"><Channel ID="Channel:0:0" {channel}/></Pixels></Image></OME>'
        )
        tifffile.imwrite(file, pixels, description=xml.encode(), metadata=None, ome=False)
        return checksum(file)

    def save_frame(self, name: str, pixels: NDArray[Any], pose: Pose) -> None:
        """Save the fluorescence of a field."""
        path = f"fm/{name}.ome.tiff"
        light = 'ExcitationWavelength="488.0" EmissionWavelength="525"'
        sha256 = self.image(path, pixels, pose.pixel_size_m[0] / UM, light)
        shape = pixels.shape[0], pixels.shape[1]
        self.files[name] = self.folder.path / path
        self.store.specimen.set_field(
            name,
            FieldState.SAVED,
            image=path,
            sha256=sha256,
            center_m=pose.center_m,
            rect_m=frame_rect(pose, shape),
            frame=FramePlace((shape[1], shape[0]), pose),
        )

    def find(self, name: str, boxes: Sequence[tuple[int, int, int, int]], pose: Pose) -> list[Cell]:
        """Record the cells of a saved field."""
        section = name.split("/")[0]
        cells = [
            Cell(
                id=f"{name}/c{number:04d}",
                field=name,
                section=section,
                box_px=box,
                image_box_px=(box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1),
                rect_m=box_to_rect(pose, FM_SHAPE, box),
                image_rect_m=box_to_rect(pose, FM_SHAPE, box),
                confidence=0.9,
                reason='kept: "<&>"',
            )
            for number, box in enumerate(boxes, 1)
        ]
        self.store.tracks.record_section([FieldCells(name, tuple(cells), 1.0, ())], ())
        return cells

    def expose(
        self,
        section: str,
        pixels: NDArray[Any],
        center_m: tuple[float, float],
        pixel_size_m: float = 20e-9,
        covers: tuple[str, ...] = (),
        kind: JobKind = JobKind.FRAME,
    ) -> str:
        """Take an electron image; return its job."""
        self.jobs += 1
        size_px = pixels.shape[1], pixels.shape[0]
        rect_m = centered(center_m, (size_px[0] * pixel_size_m, size_px[1] * pixel_size_m))
        name = f"J{self.jobs:06d}"
        job = Job(name, section, self.jobs, rect_m, center_m, size_px, pixel_size_m, 1e-6, covers, kind=kind)
        self.store.queue.add_plan(section, [job], {})
        self.store.ledger.done(self.store.ledger.arm(name, rect_m, 1e-6).id)
        path = f"em/{section}/{name}.ome.tiff"
        sha256 = self.image(path, pixels, pixel_size_m / UM)
        self.files[name] = self.folder.path / path
        self.store.queue.set_state(name, JobState.SAVED, image=path, sha256=sha256)
        self.store.queue.set_state(name, JobState.DONE)
        return name


def made_run(path: Path, sections: int = 1, fields: int = 1, first: int = 0) -> MadeRun:
    """Begin a run of sections with a row of fields each, all pending."""
    text = dump(small_config())
    folder, info = create(path, "dry-run", "fast", text)
    store = Store.create(folder.store, info.run, text, "dry-run", now_s=lambda: 0.0)
    names = [f"S{number:04d}" for number in range(first + 1, first + sections + 1)]
    rect_m = frame_rect(POSE, FM_SHAPE)
    width_m = rect_m[2] - rect_m[0]
    store.specimen.add_sections(
        [Section(name, first + number, (0.0, 0.0)) for number, name in enumerate(names)],
        [
            Field(f"{name}/F{n:03d}", name, n, (n * width_m, 0.0), _moved(rect_m, n * width_m))
            for name in names
            for n in range(fields)
        ],
    )
    return MadeRun(folder, info, store)


def _moved(rect: tuple[float, float, float, float], x_m: float) -> tuple[float, float, float, float]:
    return rect[0] + x_m, rect[1], rect[2] + x_m, rect[3]


def noise(shape: tuple[int, int], seed: int = 1, dtype: str = "uint8") -> NDArray[Any]:
    """Return an image in which no place is like another."""
    return np.random.default_rng(seed).integers(1, np.iinfo(dtype).max, shape).astype(dtype)
