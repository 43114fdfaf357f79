"""Images, and what is known about them."""
