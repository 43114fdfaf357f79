"""Another detector or policy over the fluorescence of a run, without a change to the run."""
