"""The picture of a focus over the array."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from service.errors import InputError
from service.model.focus import Focus, FocusBeam, FocusState
from service.pictures.focus import draw_focus, draw_focuses
from service.session.folders.run_folder import RunFolder

RED_BGR = (91, 73, 209)


def book(count: int) -> list[Focus]:
    found = []
    for n in range(count):
        place = (n % 5 * 1e-3, n // 5 * 1e-3)
        z_m = 5.8e-3 + 2e-3 * place[0]
        name, state = f"S{n:04d}", FocusState.USED
        found.append(Focus(FocusBeam.ELECTRON, name, place, state, found_m=z_m, used_m=z_m, id=n + 1))
    return found


def drawn(path: Path, focuses: list[Focus]) -> NDArray[np.uint8]:
    draw_focus(path, focuses)
    picture = cv2.imread(str(path))
    assert picture is not None
    return np.asarray(picture, dtype=np.uint8)


def red_pixels(picture: NDArray[np.uint8]) -> int:
    return int((np.abs(picture.astype(int) - RED_BGR).max(axis=2) < 12).sum())


def test_what_is_off_the_plane_is_red(tmp_path: Path) -> None:
    good = book(10)
    wrong = replace(good[6], state=FocusState.OUTLIER, found_m=5.84e-3)
    plain = drawn(tmp_path / "a.png", good)
    marked = drawn(tmp_path / "b.png", [*good[:6], wrong, *good[7:]])
    # The legend has one red dot in any case.
    assert red_pixels(marked) > red_pixels(plain) + 200


@pytest.mark.parametrize("count", [1, 2, 80])
def test_few_and_many_sections_are_drawn(tmp_path: Path, count: int) -> None:
    none = Focus(FocusBeam.ELECTRON, "S9999", (1e-3, 1e-3), FocusState.NOT_FOUND, used_m=5.8e-3, id=999)
    assert drawn(tmp_path / "a.png", [*book(count), none]).shape[1] > 1000


def test_sections_in_a_row_are_a_map_of_some_height(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []
    monkeypatch.setattr("service.pictures.focus.save_figure", lambda figure, _: figures.append(figure))
    for count in (2, 5):
        draw_focus(tmp_path / "a.png", book(count))
    few, row = (figure.axes[0] for figure in figures)
    assert np.ptp(row.get_ylim()) > 0.4 * np.ptp(row.get_xlim())
    assert "no plane is known: it takes 4 sections" in few.get_title(loc="left")
    assert "plane +2.00, +0.00 mrad along x, y" in row.get_title(loc="left")


def test_a_run_has_a_picture_of_each_beam_that_found_something(tmp_path: Path) -> None:
    light = Focus(FocusBeam.LIGHT, "S0001", (0.0, 0.0), FocusState.NOT_FOUND, used_m=0.0, id=99)
    draw_focuses(RunFolder(tmp_path), [*book(5), light])
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["focus_electron.png"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        draw_focus(tmp_path / "nowhere" / "a.png", book(5))
