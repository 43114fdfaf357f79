"""A running session: the API, the console, long queues, stopping."""
