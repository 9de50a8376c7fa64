"""NetX HDF5: the sole owner of the file format's key names."""
