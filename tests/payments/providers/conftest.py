from cms_billing.testing.pytest_plugin import clock

__all__ = ["clock"]
