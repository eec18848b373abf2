"""Make the thing in one video move like the thing in another."""

__version__ = "0.1.0"
