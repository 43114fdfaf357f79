"""`ilemtrack replay RUN_DIR`: another detector or policy over a finished run."""
