"""The daemon: state machine, queue, ledger, API, images, command line."""
