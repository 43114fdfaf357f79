"""Alarms, heartbeat and watchdog: nobody watches a run."""
