"""Pictures of the console for the documents: ``python -m tests.service.console.pictures URL FOLDER``.

Shows the pages of a console that runs without tokens: dark and light on a screen, dark on a phone.
"""

import sys
from pathlib import Path

from service.console.view import THEME_COOKIE
from tests.chromium import chromium

_SIZES = {"dark": (1280, 720), "light": (1280, 720), "phone": (390, 844)}
_PAGES = {"now": "/", "queue": "/queue", "history": "/history", "runs": "/runs"}
_SETTLED_MS = 2500


def main(url: str, folder: Path) -> None:
    """Make all pictures."""
    with chromium() as browser:
        for look, (width, height) in _SIZES.items():
            context = browser.new_context(viewport={"width": width, "height": height}, base_url=url)
            theme = "light" if look == "light" else "dark"
            context.add_cookies([{"name": THEME_COOKIE, "value": theme, "url": url}])
            page = context.new_page()
            for name, path in _PAGES.items():
                page.goto(path)
                page.wait_for_selector(".main .card")
                page.wait_for_timeout(_SETTLED_MS)
                page.screenshot(path=folder / f"console_{name}_{look}.png")
            context.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
