"""Shots of a clip: where it goes from one to the next, at once or gradually."""
