"""Follows ``docs/installation.md`` literally on a project that ``wagtail start`` has just made.

On SQLite the site runs with the page's settings for development, on PostgreSQL with those for production. Only one
thing is shortened: the migrations of Wagtail and Oscar come from the tests' template where it has them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import database
from tests.installation_page import Block, Shell, blocks, follow
from tests.settings import DATABASES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
ON_POSTGRES = os.environ.get("CMS_BILLING_TEST_DB") == "postgres"
PRODUCTION = {"DJANGO_SETTINGS_MODULE": "mysite.settings.production"}
# Long and random as the page's reader would make it; SECURITY checks look at it.
SECRET_KEY = "".join(chr(33 + (n * 53 + n * n * 7) % 90) for n in range(64)).replace("'", "x")

MIGRATE_OTHERS = """
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

executor = MigrationExecutor(connection)
leaves = executor.loader.graph.leaf_nodes()
executor.migrate([leaf for leaf in leaves if not leaf[0].startswith("cms_billing")])
"""

HOST = "www.example.org"
VISITS = """
import json

from django.contrib.auth import get_user_model
from django.test import Client
from home.models import HomePage

from cms_billing.faktura.models import Issuer
from cms_billing.memberships.models import Plan
from cms_billing.paywall.services import set_rule

EMAIL, PASSWORD = "mara@example.org", "a-long-passphrase-7"

def visit(client, path, data=None):
    call = client.post if data else client.get
    answer = call(path, data or None, secure=True)
    return {
        "status": answer.status_code,
        "location": answer.headers.get("Location", ""),
        "text": answer.content.decode(errors="replace"),
    }

users = get_user_model()
member = users.objects.create_user("mara", EMAIL, PASSWORD)
users.objects.create_superuser("root", "root@example.org", PASSWORD)

home = HomePage.objects.get()
home.add_child(instance=HomePage(title="Closed magazine", slug="magazine", search_description="Short and free."))
issuer = Issuer.objects.create(name="Example Academy", legal_name="Example Academy GmbH")
plan = Plan.objects.create(issuer=issuer, code="month", name="Monthly membership")
set_rule(page=HomePage.objects.get(slug="magazine"), plans=[plan])

guest, mara, root = (Client(SERVER_NAME="%s") for _ in range(3))
mara.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
root.force_login(users.objects.get(username="root"), backend="django.contrib.auth.backends.ModelBackend")

print(json.dumps({
    "home": visit(guest, "/"),
    "search": visit(guest, "/search/?query=magazine"),
    "shop": visit(guest, "/shop/catalogue/"),
    "basket": visit(guest, "/shop/basket/"),
    "account of a guest": visit(guest, "/billing/account/invoices/"),
    "teaser": visit(guest, "/magazine/"),
    "login": visit(guest, "/shop/accounts/login/?next=/billing/account/invoices/", {
        "login-username": EMAIL, "login-password": PASSWORD, "login-redirect_url": "/billing/account/invoices/",
        "login_submit": "1",
    }),
    "account": visit(mara, "/billing/account/invoices/"),
    "contracts": visit(mara, "/billing/account/contracts/"),
    "orders": visit(mara, "/shop/accounts/orders/"),
    "admin": visit(root, "/admin/"),
    "issuers": visit(root, "/admin/billing-issuer/"),
    "to do": visit(root, "/admin/billing/"),
    "dashboard": visit(root, "/shop/dashboard/"),
}))
""".replace("%s", HOST)

SALE = """
import json

from django.core import mail
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse
from oscar.core.loading import get_model

from cms_billing.core import clock
from cms_billing.daily.services import run_daily
from cms_billing.faktura.models import Document
from cms_billing.testing.factories import IssuerFactory, UserFactory
from tests.shop.shop import Visitor, euro, partner_of, plan_product

issuer = IssuerFactory(name="Academy with a shop")
product = plan_product(partner_of(issuer), issuer=issuer, price=euro("9.90"))
category = get_model("catalogue", "Category").add_root(name="Memberships")
product.categories.add(category)
user = UserFactory(first_name="Anna", last_name="Muster", email="anna@example.org")
visitor = Visitor(Client(SERVER_NAME="%s", HTTP_X_FORWARDED_PROTO="https"), user)
with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
    mail.outbox = []
    placed = visitor.order(product)
    run_daily(issuer=issuer, today=clock.today(issuer))
    invoice = Document.objects.get(issuer=issuer)
    print(json.dumps({
        "led to": placed.url,
        "thanks": visitor.client.get(reverse("checkout:thank-you")).content.decode(),
        "shop": visitor.client.get("/shop/catalogue/").content.decode(),
        "category": visitor.client.get(category.get_absolute_url()).content.decode(),
        "found": visitor.client.get("/shop/search/?q=Mitglied").content.decode(),
        "product": visitor.client.get(product.get_absolute_url()).status_code,
        "number": invoice.number,
        "gross": invoice.gross_minor,
        "attachments": [name for m in mail.outbox if m.to == [user.email] for name, _bytes, _type in m.attachments],
        "text": "".join(m.body for m in mail.outbox if m.to == [user.email]),
    }))
""".replace("%s", HOST)


# -- the site -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("installation")


@pytest.fixture(scope="module")
def bare_project(folder: Path) -> Path:
    start = (
        "import sys; from wagtail.bin.wagtail import main; sys.argv = ['wagtail', 'start', 'mysite']; main()"
    )
    Shell(folder, environment())("python", "-c", start)
    return folder / "mysite"


@pytest.fixture(scope="module")
def manage(bare_project: Path, folder: Path) -> Iterator[Shell]:
    """The site as the page leaves it, its commands run; what they printed is in ``output``."""
    project = Path(shutil.copytree(bare_project, folder / "complete" / "mysite"))
    shell = Shell(project, environment())
    for block in blocks():
        if block.path or block.commands[0][0] == "mv":
            follow(block, project=project, run=shell)
    with database_with_wagtail_and_oscar(project) as settings:
        ready = Shell(project, environment(**settings))
        for block in commands_of_start():
            follow(block, project=project, run=ready)
        if ON_POSTGRES:
            ready("python", "manage.py", "createcachetable")
            ready("python", "manage.py", "collectstatic", "--no-input", "--verbosity=0")
        yield ready


def environment(**changes: str) -> dict[str, str]:
    ours = ("DJANGO_", "CMS_BILLING_", "PYTEST")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "SECRET_KEY": SECRET_KEY,
        **changes,
    }


def commands_of_start() -> list[Block]:
    return [block for block in blocks() if not block.path and block.commands[0][0] == "python"]


@contextmanager
def database_with_wagtail_and_oscar(project: Path) -> Iterator[dict[str, str]]:
    """A copy of a template that lacks only our own tables; gives the settings to work on it.

    The template is kept beside those of the other tests. It is the project's own work: its first migration has to run
    before some of Wagtail's.
    """
    backend = database.backend_in_use()
    name = backend.run_name("installation") if ON_POSTGRES else str(project / "db.sqlite3")
    template = backend.template_name("installation", key_of_template())

    def migrate(unfinished: str) -> None:
        backend.create(name)
        shell = Shell(project, environment(**settings_for(name)))
        shell("python", "manage.py", "shell", "--no-imports", "--command", MIGRATE_OTHERS)
        backend.copy(name, unfinished)

    with backend.only_one_process_at_a_time():
        if not backend.exists(template):
            database.build(backend, template, migrate)
            backend.prune()
    backend.copy(template, name)
    yield settings_for(name)
    backend.drop(name)


def key_of_template() -> str:
    settings = [
        block.text
        for block in blocks()
        if block.order.startswith(("replace INSTALLED_APPS", "replace LANGUAGE_CODE"))
    ]
    return database.digest(database.dependencies_hash(), MIGRATE_OTHERS, *settings)


def settings_for(name: str) -> dict[str, str]:
    """Environment in which the project works on its database: SQLite's lies in its folder."""
    if not ON_POSTGRES:
        return {}
    server = DATABASES["default"]
    return {
        **PRODUCTION,
        "PGDATABASE": name,
        "PGHOST": server["HOST"],
        "PGPORT": server["PORT"],
        "PGUSER": server["USER"],
        "PGPASSWORD": server["PASSWORD"],
    }


@pytest.fixture(scope="module")
def visits(manage: Shell) -> dict[str, dict]:
    return said_by(manage, VISITS)


@pytest.fixture(scope="module")
def sale(manage: Shell) -> dict:
    return said_by(manage, SALE)


def said_by(manage: Shell, script: str) -> dict:
    """What the script prints last, in the site's shell."""
    result = manage("python", "manage.py", "shell", "--no-imports", "--command", script)
    return json.loads(result.stdout.splitlines()[-1])


# -- the cases ------------------------------------------------------------------------------------------------------


def test_two_apps_called_search_stop_the_project(bare_project, folder):
    """Why the page renames one: Oscar is added, the rename left out."""
    project = Path(shutil.copytree(bare_project, folder / "clash" / "mysite"))
    apps = next(block for block in blocks() if block.order == "replace INSTALLED_APPS")
    as_it_was = Block(apps.path, apps.order, apps.text.replace('"site_search"', '"search"'))
    follow(as_it_was, project=project, run=lambda *command: None)
    result = Shell(project, environment())("python", "manage.py", "check", check=False)
    assert result.returncode
    assert "Application labels aren't unique, duplicates: search" in result.stderr


def test_settings_for_production_pass_every_check_for_deployment(manage):
    manage("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)


def test_database_has_nothing_to_complain_about(manage):
    result = manage("python", "manage.py", "check", "--database", "default", "--fail-level", "WARNING")
    assert "no issues" in result.stdout


def test_no_migration_is_missing(manage):
    manage("python", "manage.py", "makemigrations", "--check", "--dry-run")


def test_schedules_are_there_once_after_calling_twice(manage):
    manage("python", "manage.py", "billing_schedule")
    count = "from django_q.models import Schedule; print(Schedule.objects.count())"
    assert manage("python", "manage.py", "shell", "--no-imports", "--command", count).stdout.strip() == "5"


@pytest.mark.parametrize(
    "page",
    [
        "home",
        "search",
        "shop",
        "basket",
        "teaser",
        "account",
        "contracts",
        "orders",
        "admin",
        "issuers",
        "to do",
    ],
)
def test_pages_open(visits, page):
    assert visits[page]["status"] == 200, visits[page]["text"][-2000:]


def test_guests_are_sent_to_the_one_login_and_back(visits):
    answer = visits["account of a guest"]
    assert (answer["status"], answer["location"]) == (
        302,
        "/shop/accounts/login/?next=/billing/account/invoices/",
    )
    assert (visits["login"]["status"], visits["login"]["location"]) == (302, "/billing/account/invoices/")


def test_closed_page_shows_teaser_plan_and_the_same_login(visits):
    text = visits["teaser"]["text"]
    assert "Short and free." in text
    assert "Monthly membership" in text
    assert "/shop/accounts/login/?next=%2Fmagazine%2F" in text


def test_pages_for_members_stand_in_the_frame_of_the_site(visits):
    assert "css/mysite" in visits["account"]["text"]
    assert "css/mysite" in visits["teaser"]["text"]
    assert '<html lang="de">' in visits["account"]["text"]


def test_menu_of_the_admin_has_billing(visits):
    assert "/admin/billing-issuer/" in visits["admin"]["text"]
    assert "Example Academy" in visits["issuers"]["text"]


def test_daily_run_works_and_a_worker_starts(manage, visits):
    assert "Example Academy" in manage("python", "manage.py", "billing_daily").stdout
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "qcluster", "--run-once"],
        cwd=manage.folder,
        env=dict(manage.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _errors = worker.communicate(timeout=120)
    finally:
        worker.kill()
    assert worker.returncode == 0, said


def test_sale_in_the_shop_becomes_an_invoice_in_the_mail(sale):
    assert sale["led to"] == "/shop/checkout/thank-you/"
    assert sale["gross"] == 990
    assert sale["number"] in sale["thanks"]
    assert [name for name in sale["attachments"] if name.endswith(".pdf") and sale["number"] in name]
    assert "/billing/pay/" in sale["text"]


def test_shop_shows_what_it_sells(sale):
    assert sale["product"] == 200
    for page in ("shop", "category", "found"):
        assert "9,90" in sale[page] or "9.90" in sale[page], page
