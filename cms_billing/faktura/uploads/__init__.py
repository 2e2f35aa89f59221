"""Files that people upload for letterheads: cleaned once, in a process of their own, then kept by content.

upload → ``sandbox`` (child process with limits: ``background.py``, ``raster.py``, ``svg.py``) → bytes that hold only
what is to be seen → ``store.keep`` under their SHA-256 in the archive's storage, which is not public.

Nothing that was uploaded is shown, parsed or rendered in the site's own process before it went through. This package
imports nothing by itself: the child process has no Django.
"""
