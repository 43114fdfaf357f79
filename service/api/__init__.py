"""ZeroMQ API of a session: handler and client, messages, sockets."""
