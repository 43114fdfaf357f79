"""Detection in single frames: quality by kinds of scenes, and cost."""
