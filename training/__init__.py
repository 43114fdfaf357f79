"""Training of the network from simulated frames: `python -m training`; see docs/network.md."""
