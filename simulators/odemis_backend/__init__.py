"""A back-end of Odemis that is none: its names, its sockets and its failures, on the simulated microscope."""
