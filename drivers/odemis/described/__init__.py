"""What a description by Odemis says for a session, before any device is constructed."""
