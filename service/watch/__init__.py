"""Alarms, heartbeat and watchdog, for runs that nobody watches."""
