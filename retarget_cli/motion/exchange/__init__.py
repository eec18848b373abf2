"""Motion as other programs take it, in pixels of the full frame."""
