"""The ground the other tests stand on."""

import threading

import pytest
from django.db import connection, transaction
from wagtail.models import Page, Site

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
