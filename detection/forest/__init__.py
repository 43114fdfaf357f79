"""A random forest on the features of the paper, trained on a person's marks."""
