"""Run SBEMimage itself, its window without a screen and its mock SEM; a script for an interpreter with Qt.

Arguments: its checkout, base directory, session file, port, and a JSON object: ``calibration``, the numbers
of images after which to ``pause``, the one after which to ``kill`` the process, the number of ``starts``.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

checkout, base, session_file, port = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
wanted = json.loads(sys.argv[5])
os.environ["QT_QPA_PLATFORM"] = "offscreen"
sys.path[:0] = [str(checkout / "src"), str(checkout / "tests")]
os.chdir(checkout)

qtpy: Any = __import__("qtpy.QtWidgets").QtWidgets
for name in ("information", "warning", "critical", "question"):
    setattr(qtpy.QMessageBox, name, staticmethod(lambda *_: qtpy.QMessageBox.Ok))
helpers: Any = __import__("test_utils")
window: Any = __import__("MainControls").MainControls

application = qtpy.QApplication(sys.argv)
helpers.init_log()
config, system = helpers.init_read_configs("mock.ini", "mock.cfg")
base.mkdir(parents=True, exist_ok=True)
config["acq"].update(
    base_dir=str(base), mock_prev_acq_dir=str(base), use_tcp="True", tcp_host="127.0.0.1", tcp_port=port
)
config["acq"].update(number_slices="0", take_overviews="True")
config["sys"]["use_microtome"] = "False"
system["stage"]["sem_calibration_params"] = json.dumps({"1500": wanted["calibration"]})
main = window(config, system, "mine.ini")
main.test_mode = True
main.gm[0].frame_size_selector, main.gm[0].pixel_size = 1, 12.5

images: list[tuple[list[float], str]] = []
at: list[float] = []


def save() -> None:
    """Save the session file, as SBEMimage does where it is not under test."""
    for one in (main.acq, main.gm, main.ovm, main.cs, main.sem):
        one.save_to_cfg()
    with session_file.open("w") as file:
        config.write(file)


def report() -> None:
    found = {
        "images": images,
        "overviews": [main.ovm[n].active for n in range(main.ovm.number_ov)],
        "boxes": {
            f"{one.array_index}.{one.roi_index}": [
                [float(side) for side in one.tile_bounding_box(tile)] for tile in range(len(one))
            ]
            for one in main.gm
        },
    }
    session_file.with_suffix(".json").write_text(json.dumps(found))


def move(position: Any, really: Any = main.stage.move_to_xy) -> Any:
    at[:] = [float(one) for one in position]
    return really(position)


def acquire(path: str, *more: Any, really: Any = main.sem.acquire_frame, **named: Any) -> Any:
    done = really(path, *more, **named)
    images.append((list(at), os.path.relpath(path, base)))
    if len(images) in wanted["pause"]:
        main.acq.pause_acquisition(1)
    if len(images) == wanted["kill"]:
        report()
        os._exit(0)
    return done


main.save_settings, main.stage.move_to_xy, main.sem.acquire_frame = save, move, acquire
save()
for start in range(wanted["starts"]):
    if start:
        main.acq.reset_acquisition()
    thread = threading.Thread(target=main.acq.run)
    thread.start()
    while thread.is_alive():
        application.processEvents()
        time.sleep(0.005)
    for _ in range(50):
        application.processEvents()
    save()
report()
os._exit(0)
