from pathlib import Path

import numpy as np

from detection.image.boxes import BoxPx
from detection.image.hits import Detection
from detection.registration.rigid import Rigid
from service.analysis.linking import Found
from service.analysis.mosaic import stitch_fields
from service.analysis.run_pictures import IN_A_MONTAGE, RunPictures
from service.session.folders.run_folder import RunFolder
from tests.service.linked import field_frame
from tests.service.pictures.test_montage import section

PIXELS = np.random.default_rng(0).normal(1000, 50, (64, 64)).astype(np.uint16)


def found(number: int) -> Found:
    serial = section(number, Rigid(), BoxPx(10, 10, 30, 30))
    return Found(serial.section, mosaic=stitch_fields([field_frame(PIXELS, serial.section)]), serial=serial)


def drawn(folder: Path, sections: int, added: int) -> set[str]:
    pictures = RunPictures(RunFolder(folder), sections)
    for number in range(1, added + 1):
        pictures.add(found(number))
    pictures.finish()
    return {path.name for path in (folder / "pictures").glob("montage*")}


def test_a_short_run_has_one_montage(tmp_path: Path) -> None:
    assert drawn(tmp_path, IN_A_MONTAGE, IN_A_MONTAGE) == {"montage.png"}


def test_a_long_run_has_one_for_every_dozen(tmp_path: Path) -> None:
    assert drawn(tmp_path, 40, 14) == {"montage_S0001-S0012.png", "montage_S0013-S0014.png"}


def test_what_is_drawn_is_not_drawn_again(tmp_path: Path) -> None:
    drawn(tmp_path, 2, 2)
    (tmp_path / "pictures" / "S0001.png").write_bytes(b"an earlier program")
    drawn(tmp_path, 2, 2)
    assert (tmp_path / "pictures" / "S0001.png").read_bytes() == b"an earlier program"


def test_a_disk_that_takes_no_picture_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("no folder")
    pictures = RunPictures(RunFolder(tmp_path), 1)
    pictures.add(found(1))
    pictures.finish()
    assert (tmp_path / "pictures").read_text() == "no folder"


def test_a_section_that_is_not_linked_has_a_picture_of_each_field(tmp_path: Path) -> None:
    def alone(section: str, fields: int) -> Found:
        frames = [field_frame(PIXELS, section, number) for number in range(fields)]
        return Found(section, alone=tuple((frame, Detection((), 0.0, (), 1.0)) for frame in frames))

    pictures = RunPictures(RunFolder(tmp_path), 2)
    pictures.add(alone("S0001", 1))
    pictures.add(alone("S0002", 2))
    pictures.finish()
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert names == {"S0001.png", "S0002_F000.png", "S0002_F001.png"}
