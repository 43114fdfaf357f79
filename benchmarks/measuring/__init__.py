"""Beside the benchmarks: rows of figures, CPU time, the computer, files that are kept and compared."""
