"""The ground the other tests stand on."""

import threading
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection, transaction
from wagtail.models import Page, Site

from tests import database
from tests.distribution import TOGETHER
from tests.testsite.models import ArticlePage


def wagtails_initial_data_are_there() -> bool:
    return Page.objects.filter(depth=1).exists() and Site.objects.filter(is_default_site=True).exists()


@pytest.mark.django_db
def test_a_test_in_a_transaction_finds_the_initial_data():
    assert wagtails_initial_data_are_there()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", ["first", "second"])
def test_a_test_that_commits_finds_the_initial_data_and_nothing_else(turn):
    assert wagtails_initial_data_are_there()
    assert not ArticlePage.objects.exists()
    Page.objects.get(depth=2).add_child(instance=ArticlePage(title="Left behind"))


@pytest.mark.django_db(transaction=True)
def test_threads_see_what_has_been_committed():
    seen = []

    def look():
        try:
            seen.append(ArticlePage.objects.count())
        finally:
            connection.close()

    Page.objects.get(depth=2).add_child(instance=ArticlePage(title="Committed"))
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [1]


@pytest.mark.django_db(transaction=True)
def test_commands_work_on_the_database_of_the_run(manage):
    Page.objects.get(depth=2).add_child(instance=ArticlePage(title="Committed"))
    shown = manage(
        "shell", "--no-imports", "-c", "from wagtail.models import Page; print(Page.objects.count())"
    )
    assert shown.stdout.strip() == str(Page.objects.count())


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_rows_can_be_locked():
    with transaction.atomic():
        assert Page.objects.select_for_update(skip_locked=True).filter(depth=1).count() == 1


@pytest.mark.django_db
def test_a_page_can_be_read(client):
    home = Page.objects.get(depth=2)
    article = home.add_child(instance=ArticlePage(title="Scales for beginners", teaser="Start slowly."))
    assert b"Start slowly." in client.get(article.url).content


@pytest.mark.parametrize("start", TOGETHER)
def test_tests_that_stay_together_are_there(start):
    assert (database.ROOT / start).exists()


# -- a database is brought back -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def copy() -> Iterator[database.RunDatabase]:
    """A database beside that of the run, as another test process has it."""
    made = database.make_run_database("harness", say=print)
    yield made
    made.drop()


@pytest.fixture(scope="module")
def began(copy: database.RunDatabase) -> dict[str, list]:
    return everything_in(copy)


@pytest.mark.postgres
def test_what_was_committed_is_taken_back_and_what_was_deleted_is_there_again(copy, began):
    with copy.backend.connect(copy.name) as session:
        session.execute("INSERT INTO django_site (domain, name) VALUES ('b.example', 'B')")
        session.execute("INSERT INTO taggit_tag (name, slug) SELECT n, n FROM generate_series(1, 1000) n")
        session.execute("UPDATE wagtailcore_page SET title = 'Changed' WHERE depth = 2")
        session.execute("DELETE FROM cms_billing_faktura_taxrate")
        session.execute("SELECT nextval('basket_basket_id_seq')")
    assert everything_in(copy) != began
    assert copy.beginning.bring_back()
    assert everything_in(copy) == began


@pytest.mark.postgres
def test_whoever_is_still_connected_is_sent_away(copy):
    with copy.backend.connect(copy.name) as left_open:
        left_open.execute("BEGIN")
        left_open.execute("LOCK TABLE django_site")
        left_open.execute("DELETE FROM django_site")
        copy.restore()
        with pytest.raises(psycopg.OperationalError):
            left_open.execute("COMMIT")


@pytest.mark.postgres
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE left_behind (id int)",
        "DROP TABLE order_lineattribute",
        "TRUNCATE basket_lineattribute",
        "ALTER TABLE auth_group ADD COLUMN colour text",
        "ALTER TABLE auth_group ALTER COLUMN name SET DEFAULT 'x'",
        "ALTER TABLE auth_group ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE auth_group DISABLE TRIGGER ALL",
        "ALTER TABLE auth_group DROP CONSTRAINT auth_group_name_key",
        "CREATE FUNCTION left_behind() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_a_changed_schema_asks_for_a_fresh_copy(copy, statement):
    beginning = copy.backend.beginning_of(copy.name)
    assert beginning.bring_back()
    with copy.backend.connect(copy.name) as session:
        session.execute(statement)
    assert not beginning.bring_back()


@pytest.mark.postgres
def test_a_fresh_copy_is_made_where_the_schema_has_changed(copy, began):
    with copy.backend.connect(copy.name) as session:
        session.execute("DROP TABLE basket_lineattribute")
    copy.restore()
    assert everything_in(copy) == began


def everything_in(copy: database.RunDatabase) -> dict[str, list]:
    with copy.backend.connect(copy.name) as session:
        tables = [name for (name,) in session.execute("SELECT relname FROM pg_stat_user_tables")]
        rows = {table: session.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
        sequences = session.execute("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1").fetchall()
        return {**rows, "sequences": sequences}
