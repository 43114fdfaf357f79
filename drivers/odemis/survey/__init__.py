"""Survey of a SECOM, from its description by Odemis."""
