"""A seeded mutation fuzzer: spoiled files through every door of the program."""
