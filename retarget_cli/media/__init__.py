"""Reading and writing video with exact time: PyAV and numpy, bounded memory, one mapping of errors."""
