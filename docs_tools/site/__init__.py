"""The documents as a site that opens without a network: ``make docs``."""
