"""Documents and images that only some may have: rules of collections, where the files lie, and who gets them.

``names`` and ``storage`` say where a file is, ``moving`` brings it there, ``gate`` decides, ``views`` answer.
"""
