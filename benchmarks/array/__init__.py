"""An array of 300 sections from beginning to end on the simulated microscope, with faults and kills."""
