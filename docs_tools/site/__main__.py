"""Build the site into build/site."""

import sys

from docs_tools.site.build import SiteError, build


def main() -> None:
    """Build, and end with status 1 if a link is broken."""
    try:
        site = build()
    except SiteError as error:
        sys.exit(f"{error}")
    print(f"open {site / 'index.html'}")


if __name__ == "__main__":
    main()
