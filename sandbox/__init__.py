"""A runnable Wagtail and Oscar site that shows everything cms_billing does."""
