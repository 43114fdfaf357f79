import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model import Config
from config.odemis import OdemisConfig
from drivers.errors import DriverError
from drivers.odemis import protocol
from drivers.odemis.chamber import Position, position_for
from drivers.odemis.errors import MicroscopeIncompleteError, OdemisStartError
from drivers.odemis.lane import LAUNCH, Lane
from drivers.odemis.microscope import check, needed
from simulators.odemis_backend.interpreter import write_python
from tests.drivers.odemis.bench import OdemisRig, rig
from tests.drivers.test_contract import SETTINGS
from tests.examples import examples

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@examples(25)
@given(st.text(), st.dictionaries(st.text(), PLAIN))
def test_a_request_crosses_unchanged(method: str, params: dict[str, object]) -> None:
    header = protocol.read(protocol.request(method, params))
    assert header["method"] == method
    assert header["params"] == params


@given(st.binary(max_size=200))
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(protocol.ProtocolError):
        protocol.read(message)


@pytest.mark.parametrize("version", [None, 0, 1, 3, "2"])
def test_another_version_is_refused_with_both_numbers(version: object) -> None:
    with pytest.raises(
        protocol.ProtocolError, match=f"version {version} of the protocol, this one version 2"
    ):
        protocol.read(json.dumps({"v": version}).encode())


def test_no_number_that_json_lacks_crosses() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        protocol.success({"pressure_pa": float("nan")})


def test_a_worker_of_another_version_is_not_used(tmp_path: Path) -> None:
    """An installation that was renewed on one side only."""
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'import sys, zmq\n"
        "s = zmq.Context().socket(zmq.REP)\ns.bind(sys.argv[2])\ns.recv()\n"
        's.send(b"{\\"v\\": 1, \\"ok\\": true, \\"result\\": {}}")\nsys.stdin.read()\' "$@"\n'
    )
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    lane = Lane(OdemisConfig(python=str(python), start_s=30), guard=False)
    with pytest.raises(OdemisStartError, match="version 1 of the protocol, this one version 2"):
        lane.ensure()


def test_a_worker_whose_driver_was_killed_before_its_first_request_ends(tmp_path: Path) -> None:
    command = [str(write_python(tmp_path)), str(LAUNCH), f"ipc://{tmp_path}/w", "--guard"]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        assert worker.stdin is not None
        worker.stdin.close()
        assert worker.wait(200) == 0
    finally:
        worker.kill()
        worker.wait()


@pytest.fixture(scope="module")
def odemis() -> Iterator[OdemisRig]:
    with rig(SETTINGS) as made:
        yield made


def test_a_frame_is_not_copied_on_this_side(odemis: OdemisRig) -> None:
    bench = odemis.bench()
    frame = bench.devices.camera.expose(bench.settings, 60)
    assert not frame.pixels.flags.owndata
    assert frame.pixels.dtype == np.dtype("<u2")


def test_a_failed_call_leaves_the_worker_usable(odemis: OdemisRig) -> None:
    odemis.fresh()
    with pytest.raises(DriverError, match="the worker has no method dance"):
        odemis.client.quick("dance")
    assert odemis.client.quick("beam_state") == {"blanked": True, "automatic": False}


SECOM: list[Position] = [(1e5, "vented"), (200.0, "low-vacuum"), (0.01, "vacuum")]


@pytest.mark.parametrize(
    ("pressure_pa", "name", "key"),
    [(200, None, 200.0), (130, None, 200.0), (1e-3, None, 0.01), (1e5, None, 1e5), (200, "VACUUM", 0.01)],
)
def test_a_chamber_position_by_name_or_by_pressure(pressure_pa: float, name: str | None, key: float) -> None:
    assert position_for(SECOM, pressure_pa, name, "odemis.fluorescence_position") == key


def test_a_chamber_without_a_position_that_serves() -> None:
    with pytest.raises(
        MicroscopeIncompleteError, match=r"no position near 200 Pa; it has vacuum \(0\.01 Pa\)"
    ):
        position_for([(1e5, "vented"), (0.01, "vacuum")], 200, None, "odemis.fluorescence_position")
    with pytest.raises(MicroscopeIncompleteError, match=r"no position 'esem'; it has .*low-vacuum"):
        position_for(SECOM, 200, "esem", "odemis.fluorescence_position")


def test_everything_that_is_missing_is_named_at_once() -> None:
    parts = {
        part: {"settings": dict.fromkeys(settings), "axes": dict.fromkeys(axes)}
        for part, (settings, axes) in needed(Config()).items()
    }
    detectors = {"chosen": "bs-detector", "there": ["bs-detector"]}
    described = {"parts": parts, "roles": ["ccd"], "detectors": detectors, "ghosts": {}}
    check(Config(), described)
    del parts["camera"]
    del parts["stage"]["axes"]["y"]
    del parts["ebeam"]["settings"]["blanker"]
    with pytest.raises(MicroscopeIncompleteError) as caught:
        check(Config(), described)
    for words in ("role ccd", "stage has no axis y", "e-beam has no blanker", "has the roles ccd"):
        assert words in str(caught.value)
