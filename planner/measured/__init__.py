"""Stage positions whose field is measured by an overview: its ground, and the frames planned again."""
