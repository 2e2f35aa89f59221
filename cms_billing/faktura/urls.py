"""The member's invoices and letters; included by ``cms_billing.urls``, which gives the namespace."""

from django.urls import path

from . import views

urlpatterns = [
    path("invoices/", views.account_documents, name="account_documents"),
    path("invoices/<int:pk>/pdf/", views.account_document_pdf, name="account_document_pdf"),
]
