"""SEM, stage and chamber behind a Quanta-style server; `wire` describes what goes over the socket."""
