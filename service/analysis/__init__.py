"""Detection and planning beside the microscope."""
