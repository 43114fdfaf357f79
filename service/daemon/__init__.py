"""The process, its main loop and the thread that drives the microscope."""
