"""The page of `retarget studio`: a view of the workspace in the browser.

`server` answers the browser, `project` holds what a person says about clips and motions, `jobs` runs commands in
processes of their own, `pictures` and `poses` compute what is looked at. The page itself is in ``page/``.
"""
