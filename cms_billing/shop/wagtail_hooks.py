from wagtail import hooks

from .viewsets import VIEWSETS


@hooks.register("register_admin_viewset")
def register_viewsets() -> list:
    return [viewset() for viewset in VIEWSETS]
