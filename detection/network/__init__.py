"""The learned detector: a small convolutional network, trained on simulated frames alone."""
