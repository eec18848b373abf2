"""Image sequences: their names, their headers, and writing them."""
