"""The simulated specimen: sections, cells and what is wrong with them."""
