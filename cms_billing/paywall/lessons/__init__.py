"""Courses of lessons: how far somebody is, what comes next, and a certificate at the end.

``pages`` has the bases for a site's own page types, ``progress`` the rules, ``services`` the only writers.
"""
