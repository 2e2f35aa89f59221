"""Which version of a procedure a letter was written from, what changed between two, and what a change cannot do."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cms_billing.dunning.models import CaseStep, Level, LevelText, Procedure, ProcedureVersion
from cms_billing.dunning.plans import active_procedures
from cms_billing.dunning.services import note_versions
from cms_billing.dunning.versions import changes, content_of, digest_of
from cms_billing.testing.factories import IssuerFactory

from .conftest import case_of, invoice_due, run
from .test_holds import clerk

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("procedure")]

DUE = date(2026, 1, 15)
DAYS = (date(2026, 1, 22), date(2026, 2, 5), date(2026, 2, 19))


def used(issuer) -> Procedure:
    """The one for consumers, as the customers of these tests are."""
    return Procedure.objects.get(issuer=issuer, customer_kind__in=["consumer", "all"])


def level(issuer, number: int) -> Level:
    return used(issuer).levels.get(number=number)


def versions_of(document) -> list[tuple[str, int | None]]:
    steps = CaseStep.objects.filter(case=case_of(document)).order_by("pk")
    return list(steps.values_list("kind", "version__number"))


def test_each_step_of_a_run_names_the_version_it_followed(issuer, customer):
    invoice = invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    LevelText.objects.filter(level=level(issuer, 2), language="de").update(subject="Neu")
    for day in (DAYS[1], DAYS[2], date(2026, 3, 2)):
        run(issuer, day)
    assert versions_of(invoice) == [
        ("opened", 1),
        ("letter", 1),
        ("letter", 2),
        ("letter", 2),
        ("ready", 2),
    ]
    assert list(used(issuer).versions.order_by("number").values_list("number", flat=True)) == [1, 2]


def test_what_did_not_change_is_no_new_version(issuer):
    procedures = list(active_procedures(issuer).values())
    first = note_versions(procedures)
    with CaptureQueriesContext(connection) as captured:
        assert note_versions(list(active_procedures(issuer).values())) == first
    selects = [q for q in captured if "procedureversion" in q["sql"]]
    assert len(selects) == 1
    used(issuer).save()
    Procedure.objects.filter(issuer=issuer).update(is_active=True)
    note_versions(list(active_procedures(issuer).values()))
    assert used(issuer).versions.count() == 1


def test_a_change_that_is_taken_back_is_a_version_of_its_own(issuer):
    for days in (14, 10, 14):
        Level.objects.filter(pk=level(issuer, 2).pk).update(days_after=days)
        note_versions(list(active_procedures(issuer).values()))
    versions = list(used(issuer).versions.order_by("number"))
    assert [version.number for version in versions] == [1, 2, 3]
    assert versions[0].digest == versions[2].digest != versions[1].digest


def test_what_changed_is_told_field_by_field(issuer):
    before = content_of(used(issuer))
    Level.objects.filter(pk=level(issuer, 2).pk).update(days_after=20)
    LevelText.objects.filter(level=level(issuer, 1), language="en").update(subject="Please")
    Procedure.objects.filter(pk=used(issuer).pk).update(avoid_weekends=True)
    level(issuer, 3).delete()
    found = {
        change.where: (change.before, change.after) for change in changes(before, content_of(used(issuer)))
    }
    subject = found.pop("Level 1 · en · Subject")
    assert subject[1] == "Please"
    assert found == {
        "Not at weekends": (False, True),
        "Level 2 · Days after": (14, 20),
        "Level 3": ("there", None),
    }


def test_a_number_is_one_number_however_it_is_written(issuer):
    procedure = used(issuer)
    digests = set()
    for points in ("5", "5.0", "5.00"):
        from decimal import Decimal

        procedure.interest_points = Decimal(points)
        digests.add(digest_of(content_of(procedure)))
    assert len(digests) == 1


def test_a_changed_procedure_never_locks_what_was_not_announced(issuer, customer):
    """The second letter announced nothing, as the third did not lock then: changed meanwhile, it still does not."""
    Level.objects.filter(pk=level(issuer, 3).pk).update(lock_scope="")
    invoice = invoice_due(customer, DUE)
    for day in DAYS[:2]:
        run(issuer, day)
    Level.objects.filter(pk=level(issuer, 3).pk).update(lock_scope="customer")
    (letter,) = run(issuer, DAYS[2])
    assert (letter.extra["level"], letter.extra["lock_notice"]) == (3, "")
    assert not case_of(invoice).locked


def test_a_wider_lock_than_announced_stays_as_wide_as_announced(issuer, customer):
    invoice = invoice_due(customer, DUE)
    for day in DAYS[:2]:
        run(issuer, day)
    Level.objects.filter(pk=level(issuer, 3).pk).update(lock_scope="customer")
    run(issuer, DAYS[2])
    assert case_of(invoice).lock_scope == "contract"


def test_a_level_taken_away_ends_the_letters_of_running_cases(issuer, customer):
    invoice = invoice_due(customer, DUE)
    for day in DAYS[:2]:
        run(issuer, day)
    level(issuer, 3).delete()
    assert run(issuer, DAYS[2]) == []
    assert (case_of(invoice).state, case_of(invoice).level) == ("ready_for_collection", 2)


def test_the_admin_shows_versions_and_what_changed(client, issuer, customer):
    invoice_due(customer, DUE)
    run(issuer, DAYS[0])
    Level.objects.filter(pk=level(issuer, 2).pk).update(days_after=20)
    run(issuer, date(2026, 2, 11))
    clerk(client, issuer, "view_procedure", "change_procedure")
    url = reverse("billing-dunning-procedure:versions", args=[used(issuer).pk])
    assert url in client.get(reverse("billing-dunning-procedure:index")).content.decode()
    page = client.get(url).content.decode()
    assert "Version 2" in page
    assert "Level 2 · Days after: 14 → 20" in page
    assert page.index("Version 2") < page.index("Version 1")


def test_the_neighbours_versions_are_not_there(client, issuer):
    clerk(client, IssuerFactory(), "view_procedure", "change_procedure")
    url = reverse("billing-dunning-procedure:versions", args=[used(issuer).pk])
    assert client.get(url).status_code == 404


def test_versions_are_numbered_a_procedure(issuer):
    note_versions(list(active_procedures(issuer).values()))
    assert set(ProcedureVersion.objects.values_list("number", flat=True)) == {1}
