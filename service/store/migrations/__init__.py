"""Stores of earlier versions; `service.store.schema` describes a new one, and a test holds both together."""
