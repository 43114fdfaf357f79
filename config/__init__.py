"""Everything a person may set: frozen models, profiles, loading."""
