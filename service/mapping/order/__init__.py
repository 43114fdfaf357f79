"""Order of cutting: along ribbons by adjacency, of scattered sections by similarity."""
