"""Places of the documents in the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
"""Pages made from the code."""

TUTORIALS = DOCS / "tutorials"
PICTURES = DOCS / "pictures"
