"""A cell through its sections: registered in the electron images, and laid on each other."""
