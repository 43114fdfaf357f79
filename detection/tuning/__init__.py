"""Fine-tuning of the network to a person's own marks, without PyTorch."""
