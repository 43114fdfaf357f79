"""The program that the Python with Odemis runs: Python 3.10 to 3.12, zmq, numpy and odemis only."""
