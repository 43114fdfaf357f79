"""Parts of the review page: edits of cells, margins, the choice of cells, the end of the review."""
