"""What follows a bad electron image: taken again where that helps, given up, or left to a person."""
