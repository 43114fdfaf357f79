"""Pictures as the documents have them."""

import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

from docs_tools.places import PICTURES
from service.console.view import THEME_COOKIE

SCREEN, PHONE = (1280, 720), (390, 844)
_COLOURS = 256
"""Colours of a picture: a third of the bytes, and nobody sees it."""
_SETTLED_MS = 2500
"""Until a page has read its data and its pictures have been drawn."""


def opened(browser: Browser, url: str, size: tuple[int, int] = SCREEN, theme: str = "dark") -> Page:
    """Return a new page of a console with a size and colours."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, base_url=url, reduced_motion="reduce"
    )
    context.add_cookies([{"name": THEME_COOKIE, "value": theme, "url": url}])
    # A computer that is busy draws slowly.
    context.set_default_timeout(120_000)
    return context.new_page()


def take_picture(page: Page, name: str) -> None:
    """Take the picture of a page once it has settled."""
    page.wait_for_timeout(_SETTLED_MS)
    keep(page.screenshot(), name)


def keep(png: bytes, name: str, widest: int = 1280) -> None:
    """Write a picture into the documents, with few colours and not wider than a screen."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.thumbnail((widest, widest))
    small = image.quantize(_COLOURS, dither=Image.Dither.NONE)
    path: Path = PICTURES / f"{name}.png"
    small.save(path, optimize=True)
    print(f"{path.name}: {image.width} x {image.height}, {path.stat().st_size / 1e3:.0f} kB")
