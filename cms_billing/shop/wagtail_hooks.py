from wagtail import hooks

from .viewsets import VIEWSETS, movements_of_document


@hooks.register("register_admin_viewset")
def register_viewsets() -> list:
    return [viewset() for viewset in VIEWSETS]


hooks.register("billing_document_sections", movements_of_document)
