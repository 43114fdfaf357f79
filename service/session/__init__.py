"""One session: its context, its folder, its layout."""
