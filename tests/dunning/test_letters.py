"""What the letters say."""

import json
from datetime import date
from typing import NamedTuple

import pytest

from cms_billing.dunning import texts
from cms_billing.dunning.models import Level, LevelText
from cms_billing.dunning.services import create_default_procedure
from cms_billing.faktura.models import Delivery, LedgerEntry, Rendering
from cms_billing.testing.factories import IssuerFactory

from .conftest import invoice_due, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)


class Expected(NamedTuple):
    subjects: list[str]
    amount: str
    pay_until: list[str]
    announced: str
    locked: str
    notices: list[str]


DAYS = (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19))


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "de",
            Expected(
                ["Zahlungserinnerung", "Zweite Mahnung", "Letzte Mahnung"],
                "9,90\xa0€",
                ["1. Februar 2026", "15. Februar 2026", "1. März 2026"],
                "werden wir mit der nächsten Mahnung den Zugang",
                "ab heute gesperrt",
                [
                    "Mit der nächsten Mahnung gesperrt werden, wenn keine Zahlung eingeht, "
                    "die Inhalte zu: RE-2026-000001.",
                    "Bis zur Zahlung gesperrt sind die Inhalte zu: RE-2026-000001.",
                ],
            ),
        ),
        (
            "en",
            Expected(
                ["Payment reminder", "Second reminder", "Final reminder"],
                "€9.90",
                ["February 1, 2026", "February 15, 2026", "March 1, 2026"],
                "we will lock the content",
                "is locked from today",
                [
                    "Locked with our next letter, unless payment arrives: the content that belongs to RE-2026-000001.",
                    "Locked until payment: the content that belongs to RE-2026-000001.",
                ],
            ),
        ),
    ],
)
def test_letters_speak_the_customers_language(issuer, customer, language, expected):
    customer.language = language
    customer.save()
    invoice_due(customer, DUE)
    letters = [run(issuer, day)[0] for day in DAYS]
    assert [letter.extra["subject"] for letter in letters] == expected.subjects
    for letter, until in zip(letters, expected.pay_until, strict=True):
        text = letter.extra["text"]
        assert "Anna Berg" in text
        assert expected.amount in text
        assert until in text
        assert "{" not in text
        # The closing comes after the claims, from the template.
        assert "Grüße" not in text
        assert "regards" not in text
    assert [expected.announced in letter.extra["text"] for letter in letters] == [False, True, False]
    assert [expected.locked in letter.extra["text"] for letter in letters] == [False, False, True]
    # The first letter reminds; it neither threatens nor locks.
    assert [letter.extra["lock_notice"] for letter in letters] == ["", *expected.notices]
    json.dumps(letters[2].extra)


def test_a_letter_is_rendered_like_every_document_and_owes_nothing_itself(issuer, customer):
    invoice_due(customer, DUE)
    (letter,) = run(issuer, DAYS[0])
    assert Rendering.objects.filter(document=letter).exists()
    assert not Delivery.objects.filter(document=letter).exists()
    assert not hasattr(letter, "open_item")
    assert (letter.gross_minor, letter.currency) == (0, "EUR")


def test_a_fee_is_owed_on_the_document_and_asked_for_by_the_letter(issuer, customer):
    Level.objects.filter(procedure__issuer=issuer, number=2).update(fee_minor=76)
    old = invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    newer = invoice_due(customer, date(2026, 1, 29))
    (second,) = run(issuer, DAYS[1])
    assert (second.extra["fee_minor"], second.extra["total_minor"]) == (76, 990 + 990 + 76)
    old.open_item.refresh_from_db()
    newer.open_item.refresh_from_db()
    assert (old.open_item.open_minor, newer.open_item.open_minor) == (1066, 990)
    entry = LedgerEntry.objects.get(kind="fee")
    assert (entry.amount_minor, entry.document_id, entry.related_document_id) == (76, old.pk, second.pk)
    (third,) = run(issuer, DAYS[2])
    assert [claim["open_minor"] for claim in third.extra["claims"]] == [1066, 990]


def test_an_editors_own_text_with_placeholders(issuer, procedure, customer):
    level_text = LevelText.objects.get(level__procedure=procedure, level__number=1, language="de")
    level_text.subject = "Erinnerung {documents} für {customer_number}"
    level_text.body = "Bitte {total}, {fee} – {unknown} {name.__class__} {{total}}"
    level_text.save()
    invoice = invoice_due(customer, DUE)
    (letter,) = run(issuer, DAYS[0])
    assert letter.extra["subject"] == f"Erinnerung {invoice.number} für K-1"
    assert letter.extra["text"].startswith("Bitte 9,90\xa0€, 0,00\xa0€ – {unknown} {name.__class__}")


def test_without_a_text_in_the_customers_language_the_issuers_is_used(issuer, customer):
    customer.language = "en"
    customer.save()
    LevelText.objects.filter(language="en").delete()
    invoice_due(customer, DUE)
    (letter,) = run(issuer, DAYS[0])
    assert letter.extra["subject"] == "Zahlungserinnerung"


def test_without_any_text_the_shipped_one_is_used(issuer, customer):
    LevelText.objects.all().delete()
    invoice_due(customer, DUE)
    (letter,) = run(issuer, DAYS[0])
    assert letter.extra["subject"] == "Zahlungserinnerung"


def test_unknown_placeholders_are_found():
    assert texts.unknown_placeholders("{name} {total} {nam} {x.y}") == ["nam", "x.y"]
    for subject, body in texts.DEFAULT_TEXTS.values():
        assert texts.unknown_placeholders(subject + body) == []


def test_lines_about_sums_there_are_not_are_left_out():
    text = "Bitte {total}.\nZinsen {interest}.\nPauschale {flat}.\n\n{lock}\n\nGebühr {fee}"
    values = {"total": "10 €", "fee": "0 €", "interest": "1 €", "flat": "", "lock": ""}
    assert texts.fill(text, values) == "Bitte 10 €.\nZinsen 1 €.\n\nGebühr 0 €"


def test_the_text_names_the_scope_of_the_lock(issuer, customer):
    """All contracts announced and locked, or nothing at all: no letter threatens what its level does not do."""
    Level.objects.filter(number=3).update(lock_scope="customer")
    invoice_due(customer, DUE)
    _first, second, third = [run(issuer, day)[0] for day in DAYS]
    assert "aller Ihrer Verträge bei uns sperren" in second.extra["text"]
    assert "aller Ihrer Verträge bei uns ab heute gesperrt" in third.extra["text"]
    assert second.extra["lock_notice"].startswith("Mit der nächsten Mahnung gesperrt werden")
    assert third.extra["lock_notice"] == (
        "Bis zur Zahlung gesperrt sind die Inhalte aller Ihrer Verträge. Unbezahlt: RE-2026-000001."
    )


def test_a_letter_that_locks_one_contract_announces_the_rest(issuer, customer):
    Level.objects.filter(number=2).update(lock_scope="contract")
    Level.objects.filter(number=3).update(lock_scope="customer")
    invoice_due(customer, DUE)
    first, second, third = [run(issuer, day)[0] for day in DAYS]
    assert "Inhalten sperren, die mit diesen Rechnungen" in first.extra["text"]
    assert "ab heute gesperrt" in second.extra["text"]
    assert "aller Ihrer Verträge bei uns sperren" in second.extra["text"]
    assert second.extra["lock_notice"].splitlines() == [
        "Bis zur Zahlung gesperrt sind die Inhalte zu: RE-2026-000001.",
        "Mit der nächsten Mahnung gesperrt werden, wenn keine Zahlung eingeht, die Inhalte aller Ihrer Verträge. "
        "Unbezahlt: RE-2026-000001.",
    ]
    assert "sperren" not in third.extra["text"]


def test_without_a_locking_level_no_letter_speaks_of_one(issuer, customer):
    Level.objects.update(lock_scope="")
    invoice_due(customer, DUE)
    for letter in [run(issuer, day)[0] for day in DAYS]:
        assert "sperr" not in letter.extra["text"] + letter.extra["lock_notice"]


def test_businesses_have_their_own_texts_and_terms(issuer, procedure):
    business = issuer.dunning_procedures.get(customer_kind="business")
    assert (business.interest_points, business.flat_minor, business.charges_left) == (9, 4000, "claim")
    assert list(business.levels.values_list("claims_interest", "claims_flat")) == [
        (False, False),
        (True, True),
        (True, True),
    ]
    assert (procedure.interest_points, procedure.flat_minor, procedure.charges_left) == (5, 0, "waive")
    assert not procedure.levels.filter(claims_interest=True).exists()
    body = LevelText.objects.get(level__procedure=business, level__number=3, language="de").body
    assert "trägt der Schuldner im Verzug" in body
    assert issuer.dunning_procedures.count() == 2


def test_forty_euros_are_not_asked_in_francs(db):
    swiss = IssuerFactory(currency="CHF")
    create_default_procedure(swiss)
    assert not swiss.dunning_procedures.filter(flat_minor__gt=0).exists()
    assert not Level.objects.filter(procedure__issuer=swiss, claims_flat=True).exists()
