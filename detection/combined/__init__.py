"""The default detector: the network and recall-first together."""
