"""The documentation: references made from the code, tutorials that are run, the site, the screenshots."""
