"""A SECOM through Odemis: drivers in this process, Odemis itself in another."""
