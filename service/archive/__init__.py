"""Detection on recorded frames and stacks."""
