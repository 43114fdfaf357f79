"""The part of `odemis.util` that a worker uses."""
