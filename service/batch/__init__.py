"""Detection over archives: many frames, or long stacks in windows, on one computer or many."""
