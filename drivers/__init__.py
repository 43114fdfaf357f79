"""Device protocols, and the drivers that implement them."""
