"""Files for Fiji: ROIs, an import list for TrakEM2, data sets for BigStitcher."""
