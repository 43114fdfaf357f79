"""SEM frames that cover what must be imaged."""
