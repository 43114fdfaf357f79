"""Serial sections: stacks with their truth, identity, confidences."""
