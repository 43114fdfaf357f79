"""Metadata keys of frames, as in Odemis."""

MD_ACQ_DATE = "Acquisition date"
MD_BASELINE = "Baseline value"
MD_DWELL_TIME = "Pixel dwell time"
MD_EXP_TIME = "Exposure time"
MD_PIXEL_SIZE = "Pixel size"
MD_POS = "Centre position"
MD_ROTATION = "Rotation"
