"""A seeded mutation fuzzer: spoiled files through every door of the program. See `python -m experiments.fuzz --help`."""
