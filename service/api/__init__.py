"""The ZeroMQ API: messages, server, client, and where they meet."""
