"""Moving bodies in three dimensions, drawn without end: what the base is trained on.

:mod:`clips` makes clips of them, and the true answer "this body with that motion".
"""
