"""Results of a render: what they are written as, and handing them over."""
