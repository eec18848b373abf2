"""Many pairs at once: a list becomes a graph of cached stages, which is run here, on Ray, or by SLURM."""
