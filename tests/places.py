"""Places of files that tests need."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""

REAL_FRAMES = ROOT.parent / "shared" / "data" / "irf"
"""Real frames; they lie beside the checkout where they are at hand."""
