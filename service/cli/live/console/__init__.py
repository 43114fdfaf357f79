"""The command `ilemtrack console`, and what it does on this computer."""
