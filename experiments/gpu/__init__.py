"""The first thing to run on a GPU: what is recorded, how fast it is, and whether a whole pair comes out."""
