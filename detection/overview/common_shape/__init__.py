"""The shape that all sections of an overview share, and the regions from which it is learned."""
