"""Review of the cells by a person: edits, margins, and their effect on what is imaged."""
