"""One module a table of the store."""
