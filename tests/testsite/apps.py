from django.apps import AppConfig


class TestSiteConfig(AppConfig):
    name = "tests.testsite"
    label = "tests_testsite"
    verbose_name = "Pages for the tests"
    default_auto_field = "django.db.models.BigAutoField"
