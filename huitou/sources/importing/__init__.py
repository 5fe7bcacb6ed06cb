"""From a file as shops export it to checked rows: read, detect, normalize, reject with reasons, stage."""
