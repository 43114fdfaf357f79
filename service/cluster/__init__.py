"""The same function over many values: in this process, on workers of this computer, or on a Dask cluster."""
