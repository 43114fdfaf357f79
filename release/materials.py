"""The bill of materials in CycloneDX: every package of the wheelhouse with licence, checksum and needs."""

import json
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename

from release.commands import ReleaseError, run
from release.licences import Licence
from release.wheelhouse import checksum


def make(
    tools: Path, project: Path, environment: Path, wheels: Path, licences: list[Licence], target: Path
) -> None:
    """Write the bill of materials of an environment that was installed from a wheelhouse.

    Parameters
    ----------
    tools : Path
        Folder `bin` of an environment with `cyclonedx-py`.
    project : Path
        Our `pyproject.toml`.
    environment : Path
        Interpreter of the environment.
    wheels : Path
        Folder of the wheels, for their checksums.
    licences : list of Licence
        The licence of each package as we read it.
    target : Path
        File to write, JSON.

    Raises
    ------
    ReleaseError
        A package of the environment has no wheel or no licence, or the bill does not fit its schema.
    """
    run(
        *(tools / "cyclonedx-py", "environment", "--spec-version", "1.6", "--output-reproducible"),
        *("--pyproject", project, "--mc-type", "application", "-o", target, environment),
    )
    bill = json.loads(target.read_text(encoding="utf-8"))
    sums = {parse_wheel_filename(path.name)[0]: checksum(path) for path in wheels.glob("*.whl")}
    expressions = {canonicalize_name(one.package): one.expression for one in licences}
    # What a new environment has by itself: no part of the program.
    own = {"pip", "setuptools"}
    dropped = {one["bom-ref"] for one in bill["components"] if one["name"] in own}
    bill["components"] = [one for one in bill["components"] if one["bom-ref"] not in dropped]
    bill["dependencies"] = [one for one in bill["dependencies"] if one["ref"] not in dropped]
    every = [bill["metadata"]["component"], *bill["components"]]
    for one in every:
        name = canonicalize_name(one["name"])
        if name not in sums or name not in expressions:
            raise ReleaseError(f"{target.name}: {name} has no wheel or no licence")
        one["hashes"] = [{"alg": "SHA-256", "content": sums[name]}]
        one["licenses"] = [{"expression": expressions[name]}]
    if len(every) != len(sums):
        raise ReleaseError(f"{target.name}: {len(every)} packages of {len(sums)} wheels")
    target.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    run(tools / "python", "-c", _VALIDATE, target)


_VALIDATE = """
import sys
from pathlib import Path
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(sys.argv[1]).read_text(encoding="utf-8"))
sys.exit(str(fault) if fault else 0)
"""
