"""Renew the references that are made from the code: ``python -m docs_tools``."""

from docs_tools.places import REFERENCE
from docs_tools.reference.pages import PAGES


def main() -> None:
    """Write each page anew."""
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
