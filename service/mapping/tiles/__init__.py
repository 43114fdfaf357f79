"""An overview of the holder from tiles of the fluorescence camera: planned, kept, stitched."""
