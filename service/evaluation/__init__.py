"""Truth, Fiji ROIs, training and synthetic data, from and to files."""
