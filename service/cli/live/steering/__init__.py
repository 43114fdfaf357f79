"""Commands that change what a session images: its queue, and the choice of cells."""
