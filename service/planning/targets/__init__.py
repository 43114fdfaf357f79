"""Choice of the cells to image: which, why, and how long it takes."""
