"""Billing for Wagtail and django-oscar: memberships and courses, from the sale to the collection agency."""

__version__ = "0.1.0"
