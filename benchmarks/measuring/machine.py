"""The computer that figures were measured on, so that those of two versions can be compared."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("numpy", "scipy", "opencv-python-headless", "onnxruntime", "shapely", "pyzmq", "tifffile")
"""Those that most of the time is spent in."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Processor, cores that this process may use, memory, system, and versions."""

    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str
    program: str
    packages: dict[str, str]

    def described(self) -> str:
        """Return it in one line."""
        return (
            f"ilemtrack {self.program}, {self.cpu}, {self.cores} cores, {self.memory_gb:g} GB, {self.system},"
            f" Python {self.python}"
        )


def machine() -> Machine:
    """Return this computer."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(pages / 1e9, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        program=_version("ilemtrack") or "",
        packages={name: found for name in _PACKAGES if (found := _version(name)) is not None},
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
