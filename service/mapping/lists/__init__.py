"""Section lists: YAML and JSON, CSV, MagFinder's .magc, SBEMimage's .mass.json."""
