"""The pages: home, magazine, courses and the legal pages."""

from datetime import date, timedelta

from django.core.files.base import ContentFile
from wagtail.images import get_image_model
from wagtail.models import Page, Site

from sandbox.site.models import (
    ArticlePage,
    CourseIndexPage,
    CoursePage,
    HomePage,
    LessonPage,
    MagazineIndexPage,
    StandardPage,
)

from .artwork import draw_cover
from .texts import Text, rich, texts_in

SITE_NAME = "Saitenweg Akademie"
MEMBERS_SECTION = "mitglieder"
LONGER_PREVIEW = "reime-die-keine-sein-wollen"
COURSE = "songwriting-in-sechs-wochen"
SAMPLE_LESSON = "auftakt"
LAST_LESSON = "woche-6-ueberarbeiten-und-vorspielen"


def content_is_loaded() -> bool:
    return StandardPage.objects.filter(slug="widerruf").exists()


def load_content(*, today: date) -> None:
    home = build_home()
    build_magazine(home, today=today)
    build_courses(home)
    for text in texts_in("seiten"):
        build_standard_page(home, text)


def build_home() -> HomePage:
    root = Page.get_first_root_node()
    remove_welcome_page(root)
    home = HomePage(
        title=SITE_NAME,
        slug="home",
        claim="Lieder schreiben, die bleiben.",
        intro=rich(
            "Wir sind eine kleine Akademie für Songwriting und Gitarre. In unserem Magazin lesen Sie, wie "
            "Lieder entstehen; in unseren Kursen schreiben Sie Ihr eigenes."
        ),
        cover=build_cover("home", title="Schallloch und Saiten", size=(1400, 1050)),
    )
    root.add_child(instance=home)
    Site.objects.update_or_create(
        is_default_site=True,
        defaults={"hostname": "localhost", "port": 8000, "root_page": home, "site_name": SITE_NAME},
    )
    return home


def remove_welcome_page(root: Page) -> None:
    """Wagtail's first migration leaves one page and a site that points to it."""
    for page in root.get_children():
        page.delete()
    root.refresh_from_db()


def build_magazine(home: HomePage, *, today: date) -> None:
    magazine = home.add_child(
        instance=MagazineIndexPage(
            title="Magazin",
            slug="magazin",
            show_in_menus=True,
            intro=rich(
                "Alle zwei Wochen ein Text über Melodien, Wörter und das Handwerk dahinter. Mitglieder lesen "
                "alles, alle anderen den Anfang."
            ),
        )
    )
    for_members = magazine.add_child(
        instance=MagazineIndexPage(
            title="Für Mitglieder",
            slug=MEMBERS_SECTION,
            intro=rich(
                "Die meisten Texte unseres Magazins sind für Mitglieder. Wer dabei ist, liest alle in voller "
                "Länge und macht möglich, dass wir sie schreiben."
            ),
        )
    )
    for text in texts_in("magazin"):
        section = magazine if "open" in text.head else for_members
        section.add_child(instance=article_of(text, today=today))


def article_of(text: Text, *, today: date) -> ArticlePage:
    published = today - timedelta(days=int(text["days_ago"]))
    return ArticlePage(
        title=text["title"],
        slug=text["slug"],
        author=text["author"],
        date=published,
        intro=text.teaser,
        body=text.body,
        cover=build_cover(text["art"], title=text["title"]),
        search_description=plain(text.teaser),
    )


def build_courses(home: HomePage) -> None:
    courses = home.add_child(
        instance=CourseIndexPage(
            title="Kurse",
            slug="kurse",
            show_in_menus=True,
            intro=rich("Lernen im eigenen Tempo, mit einem klaren Ergebnis am Ende jeder Woche."),
        )
    )
    about, *lessons = texts_in("kurs")
    course = courses.add_child(
        instance=CoursePage(
            title=about["title"],
            slug=about["slug"],
            teacher=about["teacher"],
            effort=about["effort"],
            intro=about.teaser,
            body=about.body,
            cover=build_cover("course", title=about["title"]),
            search_description=plain(about.teaser),
            certificate_text=rich(
                "Sieben Lektionen über Melodie, Text und Form – und ein eigenes Lied, das es vorher nicht gab."
            ),
        )
    )
    for text in lessons:
        course.add_child(
            instance=LessonPage(
                title=text["title"],
                slug=text["slug"],
                minutes=int(text["minutes"]),
                intro=text.teaser,
                body=text.body,
            )
        )


def build_standard_page(home: HomePage, text: Text) -> None:
    home.add_child(
        instance=StandardPage(
            title=text["title"],
            slug=text["slug"],
            show_in_menus=text["slug"] == "ueber-uns",
            body=text.body,
        )
    )


def build_cover(name: str, *, title: str, size: tuple[int, int] = (1600, 900)):
    picture = ContentFile(draw_cover(name, size=size), name=f"{name}.jpg")
    return get_image_model().objects.create(title=title, file=picture)


def plain(html: str) -> str:
    return html.replace("<p>", "").replace("</p>", " ").strip()
