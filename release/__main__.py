"""``make release`` and ``make wheelhouse``: made, checked, tried; the first fault ends it with status 1.

``python -m release`` makes all into build/release, ``python -m release wheelhouse`` the wheelhouse alone.
"""

import shutil
import sys
from pathlib import Path

from release import materials, wheelhouse
from release.commands import ReleaseError, run
from release.licences import licences_in, table
from release.trial import install, try_without_network
from release.wheels import build, check_complete, check_same, wheel_of

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "build" / "release-tools" / "bin"
"""Environment with twine and cyclonedx-py, made by the Makefile."""

PYTHON = Path(sys.executable)


def main(words: list[str]) -> None:
    """Do what the command line asks for."""
    try:
        if words == ["wheelhouse"]:
            make_wheelhouse(ROOT / "build" / "wheelhouse")
        elif not words:
            make_release(ROOT / "build" / "release")
        else:
            sys.exit("python -m release [wheelhouse]")
    except ReleaseError as error:
        sys.exit(f"{error}")


def make_wheelhouse(out: Path) -> None:
    """Build the wheel and the wheelhouse, and run a session with it."""
    _empty(out)
    _, wheel = build(PYTHON, ROOT, out / "dist")
    _wheelhouse(wheel, out)
    shutil.rmtree(out / "env")


def make_release(out: Path) -> None:
    """Make everything that is given to others."""
    _empty(out)
    sdist, wheel = build(PYTHON, ROOT, out / "dist")
    check_complete(sdist, run("git", "ls-files", folder=ROOT).splitlines())
    check_same(wheel, wheel_of(PYTHON, sdist, out / "from-source"))
    shutil.rmtree(out / "from-source")
    run(TOOLS / "python", "-m", "twine", "check", "--strict", sdist, wheel)
    print(f"the same wheel from the checkout and from the source: {sdist.name}, {wheel.name}")
    house, environment = _wheelhouse(wheel, out)
    (site,) = (out / "env" / "lib").glob("python*/site-packages")
    found = licences_in(site)
    (out / "licences.txt").write_text(table(found), encoding="utf-8")
    if refused := [one for one in found if not one.allowed]:
        raise ReleaseError(f"licences that nobody has allowed (release/licences.py):\n{table(refused)}")
    bill = out / f"{wheel.name.split('-py3')[0]}.cdx.json"
    materials.make(TOOLS, ROOT / "pyproject.toml", environment, house / "wheels", found, bill)
    print(f"{len(found)} packages, all with a licence that is allowed: licences.txt, {bill.name}")
    shutil.rmtree(out / "env")


def _empty(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    (out / "dist").mkdir(parents=True)


def _wheelhouse(wheel: Path, out: Path) -> tuple[Path, Path]:
    """Make the wheelhouse and install it; returns its folder and the interpreter of the environment."""
    house = out / f"{wheel.name.split('-py3')[0]}-cp311-linux_x86_64"
    archive = wheelhouse.make(PYTHON, wheel, ROOT / "constraints.txt", house)
    environment = install(PYTHON, house, out / "env")
    said = try_without_network(environment, out / "trial")
    shutil.rmtree(out / "trial")
    print(f"{archive.name}: installed and run without a network: {said}")
    return house, environment


if __name__ == "__main__":
    main(sys.argv[1:])
