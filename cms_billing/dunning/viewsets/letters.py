"""A letter of a case once more from the archive."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import path
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy

from cms_billing.core.admin import Action, ActionView
from cms_billing.faktura.archive import PDF
from cms_billing.faktura.models import Document, DocumentKind
from cms_billing.faktura.viewsets.sending import SEND, HowAgainForm, send_once_more

from ..models import Case


def letters_of(case: Case) -> QuerySet[Document]:
    """Those whose PDF is archived, the latest first."""
    return (
        Document.objects.filter(
            kind=DocumentKind.DUNNING_LETTER, dunning_steps__case=case, archive_records__content_type=PDF
        )
        .distinct()
        .order_by("-pk")
    )


class LetterChoice(forms.ModelChoiceField):
    def label_from_instance(self, letter: Any) -> str:
        day = date_format(letter.issued_on, "SHORT_DATE_FORMAT")
        return f"{letter.number} · {day} · {letter.extra.get('subject', '')}"


class LetterAgainForm(HowAgainForm):
    letter = LetterChoice(label=gettext_lazy("Letter"), queryset=Document.objects.none(), empty_label=None)
    field_order = ("letter", *HowAgainForm.field_order)

    def __init__(self, *args: Any, letters: QuerySet[Document], **kwargs: Any) -> None:
        super().__init__(*args, document=letters[0], **kwargs)
        choice: Any = self.fields["letter"]
        choice.queryset = letters


class LetterAgainView(ActionView):
    """Asks for the permission to send documents: the case is only where the letter is found."""

    model = Case
    permission = SEND
    page_title = gettext_lazy("Send a letter again")
    action_label = gettext_lazy("Send again")
    form_class = LetterAgainForm
    explanation = gettext_lazy(
        "The letter is taken from the archive, unchanged: as the mail that was sent, in a new mail, or on paper. No "
        "level is reached by it and no date to pay by changes."
    )

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("customer", "document")

    def obstacle(self) -> str:
        return (
            "" if letters_of(self.object).exists() else str(gettext_lazy("There is no archived letter yet."))
        )

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "letters": letters_of(self.object)}

    def get_initial(self) -> dict[str, Any]:
        return {"to": self.object.customer.email}

    def perform(self, form: forms.Form) -> str:
        return send_once_more(form.cleaned_data["letter"], form.cleaned_data, self.request.user)


def case_actions() -> list[Action]:
    return [
        Action(
            gettext_lazy("Send a letter again"),
            "billing_dunning_letter_again",
            "mail",
            SEND,
            when=lambda case: letters_of(case).exists(),
            priority=5,
        )
    ]


def admin_urls() -> list[Any]:
    case = {"index_url_name": "billing-dunning:index", "inspect_url_name": "billing-dunning:inspect"}
    again = LetterAgainView.as_view(**case)
    return [path("billing/dunning-letter-again/<int:pk>/", again, name="billing_dunning_letter_again")]
