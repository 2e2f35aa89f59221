import pytest

from sandbox.databases import database_from


def test_without_a_url_the_sandbox_uses_sqlite_in_its_own_folder(tmp_path):
    database = database_from({}, folder=tmp_path / "var")

    assert database["NAME"] == tmp_path / "var" / "db.sqlite3"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert (tmp_path / "var").is_dir()


def test_a_postgres_url_is_taken_apart(tmp_path):
    database = database_from(
        {"SANDBOX_DATABASE_URL": "postgres://anna:p%40ss@db.example:5433/shop"}, folder=tmp_path
    )

    assert database["ENGINE"].endswith("postgresql")
    assert (database["USER"], database["PASSWORD"]) == ("anna", "p@ss")
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example", "5433", "shop")


def test_an_unknown_url_says_what_is_expected(tmp_path):
    with pytest.raises(ValueError, match="must look like postgres://"):
        database_from({"SANDBOX_DATABASE_URL": "mysql://x"}, folder=tmp_path)
