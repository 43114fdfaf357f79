from pathlib import Path

import numpy as np
import pytest
import yaml

from config.loading import parse
from drivers.pose import FmToSem
from tests.service.saying import Said

TRUTH = FmToSem((12e-6, -7e-6), 0.004, 1.002, 0.001)


def _csv(path: Path, noise_m: float = 0.0, delimiter: str = ",", wrong: int | None = None) -> Path:
    rng = np.random.default_rng(1)
    fm = rng.uniform(-2e-3, 2e-3, (8, 2))
    sem = TRUTH.to_sem(fm) + rng.normal(0, noise_m, fm.shape) if noise_m else TRUTH.to_sem(fm)
    if wrong is not None:
        sem[wrong] += 2e-5
    lines = [delimiter.join(("name", "fm_x_um", "fm_y_um", "sem_x_um", "sem_y_um"))]
    for n, row in enumerate(np.hstack([fm, sem]) * 1e6):
        lines.append(delimiter.join((f"corner {n}", *(f"{v:.6f}" for v in row))))
    path.write_text("\n".join(lines) + "\n\n")
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_calibrate_prints_what_a_profile_takes(say: Said, tmp_path: Path, delimiter: str) -> None:
    points = _csv(tmp_path / "points.csv", delimiter=delimiter)
    out, picture = tmp_path / "calibration.yaml", tmp_path / "fit.png"
    options = ("--measured-on", "2026-11-20", "--out", str(out), "--figure", str(picture), "--json")
    status, document, _ = say("calibrate", str(points), *options)
    assert status == 0
    assert document["pairs"] == 8
    assert document["rms_um"] < 1e-4
    assert document["points"][3]["name"] == "corner 3"
    found = parse(out.read_text(), "calibration.yaml").calibration
    assert found.shift_um == pytest.approx((12, -7), abs=1e-3)
    assert found.rotation_mrad == pytest.approx(4, abs=1e-3)
    assert found.scale == pytest.approx(1.002, abs=1e-6)
    assert found.shear == pytest.approx(0.001, abs=1e-6)
    assert str(found.measured_on) == "2026-11-20"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_few_pairs_are_told_to_hide_a_wrong_one(say: Said, tmp_path: Path) -> None:
    lines = _csv(tmp_path / "points.csv").read_text().splitlines()
    for pairs, told in ((3, True), (4, False)):
        (tmp_path / "few.csv").write_text("\n".join(lines[: pairs + 1]))
        status, _, err = say("calibrate", str(tmp_path / "few.csv"))
        assert status == 0
        assert ("fewer than 4 pairs" in err) == told


def test_a_wrong_pair_is_told(say: Said, tmp_path: Path) -> None:
    status, out, err = say("calibrate", str(_csv(tmp_path / "points.csv", noise_m=1e-7, wrong=5)))
    assert status == 1
    assert "corner 5" in err
    assert "inconsistent with the others" in err
    assert list(yaml.safe_load(out)) == ["calibration"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no column fm_x_um"),
        ("fm_x_um,fm_y_um,sem_x_um\n1,2,3\n", "has no column sem_y_um"),
        ("fm_x_um,fm_y_um,sem_x_um,sem_y_um\n", "at least 2 pairs of points, not 0"),
        (
            "fm_x_um,fm_y_um,sem_x_um,sem_y_um\n1,2,3,4\n1,x,3,4\n",
            "line 3: fm_y_um must be a number, not 'x'",
        ),
        ("fm_x_um,fm_y_um,sem_x_um,sem_y_um\n1,2,3,nan\n", "line 2: sem_y_um must be a number"),
        ("fm_x_um,fm_y_um,sem_x_um,sem_y_um\n1,2,3\n", "line 2: sem_y_um must be a number"),
        ("fm_x_um,fm_y_um,sem_x_um,sem_y_um\n0,0,0,0\n1,0,3,0\n", "scale"),
        ("fm_x_um,fm_y_um,sem_x_um,sem_y_um\n0,0,0,0\n1,0,0,1\n", "rotation_mrad"),
        ("fm_x_um,fm_y_um,sem_x_um,sem_y_um\n0,0,9000,0\n1,0,9001,0\n", "shift_um = (9000.0, 0.0)"),
        ("fm_x_um,fm_y_um,sem_x_um,sem_y_um\n0,0,0,0\n12,0,12,0\n", "within 12 um of each other"),
    ],
)
def test_bad_points_are_one_sentence(say: Said, tmp_path: Path, text: str, says: str) -> None:
    points = tmp_path / "points.csv"
    points.write_text(text)
    status, out, err = say("calibrate", str(points))
    assert status == 2
    assert says in err
    assert not out


def test_files_that_cannot_be_read_or_written(say: Said, tmp_path: Path) -> None:
    assert say("calibrate", str(tmp_path / "none.csv"))[0] == 2
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\xff\xfe")
    assert "UTF-8" in say("calibrate", str(tmp_path / "picture.csv"))[2]
    points = _csv(tmp_path / "points.csv")
    assert say("calibrate", str(points), "--measured-on", "yesterday")[0] == 2
    assert say("calibrate", str(points), "--out", str(tmp_path / "no" / "c.yaml"))[0] == 2
    assert say("calibrate", str(points), "--figure", str(tmp_path / "no" / "c.png"))[0] == 2
