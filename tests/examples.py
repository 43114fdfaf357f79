"""Number of examples on which a property is tried."""

import os
from typing import Any

from hypothesis import settings

MORE = int(os.environ.get("ILEMTRACK_EXAMPLES", "1"))
"""Times as many as every day: each day the same few, in ``make long`` many others."""


def examples(number: int, **more: Any) -> settings:
    """Return the settings of a property that takes long.

    Parameters
    ----------
    number : int
        Examples of every day.
    more : dict
        Other settings.
    """
    return settings(max_examples=number * MORE, **more)
