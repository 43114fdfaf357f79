"""Pages of reference, made from the program itself."""
