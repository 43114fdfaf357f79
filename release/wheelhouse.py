"""The wheelhouse: all that a computer without internet needs, as wheels in one folder and one archive."""

import hashlib
import tarfile
from pathlib import Path

from packaging.utils import parse_wheel_filename

from release.commands import ReleaseError, run
from release.run_time import EXTRAS, PROGRAM

PYTHON = "3.11"
GLIBC = (28, 27, 26, 24, 17)
"""Minor versions of the C library, 2.x, that wheels are taken for; Debian 10 has 2.28."""

_README = f"""ilemtrack for a computer without internet: Linux x86_64, Python {PYTHON}, glibc 2.28 or newer.

    python{PYTHON} -m venv /opt/ilemtrack
    /opt/ilemtrack/bin/pip install --no-index --find-links wheels --require-hashes -r requirements.txt
    /opt/ilemtrack/bin/ilemtrack --version
    /opt/ilemtrack/bin/ilemtrack dry-run --sections 2 --fields 1 --out try

requirements.txt has the checksum of every wheel. SHA256SUMS lets you check the copy: sha256sum -c SHA256SUMS
"""


def make(python: Path, wheel: Path, constraints: Path, folder: Path) -> Path:
    """Fill a new folder with all wheels, their checksums and instructions; returns an archive of it.

    Parameters
    ----------
    python : Path
        Interpreter with pip, which fetches the wheels as it is configured.
    wheel : Path
        Our wheel.
    constraints : Path
        The versions that are tested.
    folder : Path
        Its name is that of the archive and of the folder in it.

    Raises
    ------
    ReleaseError
        The interpreter has another version, or a package has no such wheel.
    """
    # Which packages are needed, pip asks the interpreter that it runs with.
    if (running := run(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()) != PYTHON:
        raise ReleaseError(f"a wheelhouse for Python {PYTHON} is made with that version, not with {running}")
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    platforms = [*(f"manylinux_2_{minor}_x86_64" for minor in GLIBC), "manylinux2014_x86_64", "linux_x86_64"]
    run(
        *(python, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest", wheels),
        *("--constraint", constraints, "--python-version", PYTHON, "--implementation", "cp"),
        *(word for abi in ("cp311", "abi3", "none") for word in ("--abi", abi)),
        *(word for platform in platforms for word in ("--platform", platform)),
        f"{PROGRAM}[{','.join(EXTRAS)}] @ {wheel.resolve().as_uri()}",
    )
    found = sorted(wheels.glob("*.whl"))
    (folder / "requirements.txt").write_text(
        "".join(f"{_pinned(path)} --hash=sha256:{checksum(path)}\n" for path in found), encoding="utf-8"
    )
    (folder / "README.txt").write_text(_README, encoding="utf-8")
    files = [*found, folder / "requirements.txt", folder / "README.txt"]
    (folder / "SHA256SUMS").write_text(
        "".join(f"{checksum(path)}  {path.relative_to(folder)}\n" for path in files), encoding="utf-8"
    )
    # Wheels are compressed already.
    archive = folder.with_name(f"{folder.name}.tar")
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, arcname=folder.name)
    return archive


def _pinned(wheel: Path) -> str:
    name, version, _, _ = parse_wheel_filename(wheel.name)
    return f"{name}=={version}"


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
