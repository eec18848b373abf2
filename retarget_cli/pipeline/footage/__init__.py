"""What is used of a clip, and what a result is written as."""
