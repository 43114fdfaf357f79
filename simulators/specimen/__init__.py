"""The simulated specimen: sections, cells and artefacts."""
