"""Python loads this at its start where the folder stands in PYTHONPATH: so Ray's processes know the fake method too."""

import os

if os.environ.get("RETARGET_FAKE_METHOD"):
    import fake_method

    fake_method.register()
