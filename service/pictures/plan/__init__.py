"""Figure of a plan: fields, cells, frames in the order of the route, and their dose."""
