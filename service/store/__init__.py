"""Everything that a session must not forget: SQLite, the queue, the exposure ledger."""
