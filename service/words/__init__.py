"""Values of the API in the words and units of people, for the command line and the console."""
