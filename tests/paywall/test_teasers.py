"""What everybody may read of a closed page: never more than the rule says, never all of it."""

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from wagtail.models import Site

from cms_billing.paywall.previews import before_line, first_words, top_level, words_in
from cms_billing.paywall.rules import Rule, RulePlan
from cms_billing.paywall.teasers import first_blocks, first_percent, teaser_of, text_fields
from tests.testsite.models import ArticlePage, ChapterPage, StoryPage


def rule(preview: str, amount: int | None = None, **terms) -> Rule:
    plans = (RulePlan(1, "Membership"),)
    return Rule(page_id=1, page_title="x", plans=plans, preview=preview, preview_amount=amount, **terms)


def story(*blocks, intro: str = "<p>the intro</p>") -> StoryPage:
    return StoryPage(title="Story", intro=intro, body=list(blocks))


def quote(text: str, visible_to: str = "everyone") -> tuple:
    return "quote", {"text": text, "visible_to": visible_to, "visible_plans": []}


THREE = [("line", "alpha"), ("text", "<p>beta gamma delta epsilon</p>"), ("line", "omega")]


def test_divider_shows_what_stands_above_it():
    page = story(
        ("line", "alpha"), ("divider", None), ("line", "secret"), ("divider", None), ("line", "more")
    )
    shown = teaser_of(page, rule("divider"))
    assert "alpha" in shown
    assert "secret" not in shown
    assert "more" not in shown


def test_block_with_a_divider_inside_ends_the_preview_before_it():
    wrapped = {
        "visible_to": "everyone",
        "content": [("line", "inner"), ("divider", None), ("line", "secret")],
    }
    shown = teaser_of(story(("line", "alpha"), ("for_some", wrapped), ("line", "secret")), rule("divider"))
    assert "alpha" in shown
    assert "inner" not in shown
    assert "secret" not in shown


@pytest.mark.parametrize("blocks", [THREE, [("divider", None), *THREE]])
def test_without_anything_above_a_divider_it_is_the_pages_own_teaser(blocks):
    assert teaser_of(story(*blocks), rule("divider")) == "<p>the intro</p>"


def test_horizontal_line_is_the_divider_of_rich_text():
    page = ChapterPage(body="<p>alpha</p><hr/><p>secret</p><hr/><p>more</p>")
    assert teaser_of(page, rule("divider")) == "<p>alpha</p>"
    assert before_line("<p>a</p>") is None


def test_first_blocks():
    shown = teaser_of(story(*THREE), rule("blocks", 1))
    assert "alpha" in shown
    assert "beta" not in shown
    both = teaser_of(story(*THREE), rule("blocks", 2))
    assert "epsilon" in both
    assert "omega" not in both


@pytest.mark.parametrize("amount", [3, 4, 99])
def test_first_blocks_never_show_the_last_one(amount):
    assert "omega" not in teaser_of(story(*THREE), rule("blocks", amount))


def test_of_a_single_block_at_most_half_is_shown():
    page = story(("text", "<p>one two <b>three</b> four</p><p>five six</p>"))
    shown = teaser_of(page, rule("blocks", 5))
    assert BeautifulSoup(shown, "html.parser").get_text().split() == ["one", "two", "three", "…"]


def test_blocks_that_guests_do_not_see_neither_count_nor_show():
    page = story(quote("hidden", "members"), ("line", "alpha"), ("line", "beta"), ("line", "omega"))
    shown = teaser_of(page, rule("blocks", 2))
    assert "hidden" not in shown
    assert "beta" in shown


def test_paragraphs_are_the_blocks_of_rich_and_plain_text():
    chapter = ChapterPage(body="<p>alpha</p><h2>beta</h2><p>omega</p>")
    assert teaser_of(chapter, rule("blocks", 2)) == "<p>alpha</p><h2>beta</h2>"
    article = ArticlePage(teaser="t", body="alpha\n\nbeta\n\nomega")
    assert teaser_of(article, rule("blocks", 1)) == "<p>alpha</p>"


def test_percent_is_cut_between_words_and_the_html_stays_whole():
    page = story(("text", "<p>one two <b>three four</b> five</p><ul><li>six</li><li>seven eight</li></ul>"))
    shown = teaser_of(page, rule("percent", 40))
    assert "<p>one two <b>three …</b></p>" in shown
    assert "four" not in shown
    assert "six" not in shown


def test_percent_over_several_blocks():
    page = story(("line", "one two"), ("line", "three four"), ("line", "five six seven eight nine ten"))
    shown = BeautifulSoup(teaser_of(page, rule("percent", 30)), "html.parser").get_text(" ").split()
    assert shown == ["one", "two", "three", "…"]


def test_of_nothing_to_cut_it_is_the_pages_own_teaser():
    assert teaser_of(story(), rule("percent", 50)) == "<p>the intro</p>"
    assert teaser_of(story(("line", "alone")), rule("percent", 90)) == "<p>the intro</p>"
    assert teaser_of(story(*THREE), rule("blocks", 0)) == "<p>the intro</p>"


def test_text_and_title():
    assert teaser_of(story(*THREE), rule("text", teaser_text="Buy <this>")) == "<p>Buy &lt;this&gt;</p>"
    assert teaser_of(story(*THREE), rule("title")) == ""


def test_page_says_where_its_text_is(monkeypatch):
    monkeypatch.setattr(StoryPage, "paywall_body", "intro", raising=False)
    page = story(*THREE, intro="<p>alpha</p><p>omega</p>")
    assert teaser_of(page, rule("blocks", 1)) == "<p>alpha</p>"


def test_of_several_texts_only_streams_are_cut():
    """A field of plain text beside a stream may be the editors' notes."""
    assert text_fields(StoryPage()) == ["body"]
    assert text_fields(ChapterPage()) == ["body"]
    assert text_fields(ArticlePage()) == ["body"]


@pytest.mark.django_db
def test_pages_without_their_own_class_are_looked_up():
    home = Site.objects.get(is_default_site=True).root_page
    page = home.add_child(instance=ArticlePage(title="x", body="alpha\n\nomega"))
    plain = type(home).objects.get(pk=page.pk)
    assert teaser_of(plain, rule("blocks", 1)) == "<p>alpha</p>"


# --- never anything from after the cut

WORDS = st.lists(st.text("abcdefghij&<>äß漢字", min_size=1, max_size=8), min_size=1, max_size=12)
TAGS = st.sampled_from(["p", "b", "ul", "blockquote", "figure"])


@st.composite
def html(draw, depth=2):
    """Nested markup with numbered words, so that each can be told from the others."""
    soup = BeautifulSoup("", "html.parser")

    def fill(tag, left):
        for _n in range(draw(st.integers(0, 3))):
            kind = draw(st.sampled_from(["words", "tag", "picture", "script", "comment"]))
            if kind == "words":
                tag.append(" ".join(draw(WORDS)) + draw(st.sampled_from(["", " "])))
            elif kind == "tag" and left:
                inner = soup.new_tag(draw(TAGS))
                tag.append(inner)
                fill(inner, left - 1)
            elif kind == "picture":
                tag.append(soup.new_tag("img", alt=draw(st.text("abc", max_size=4))))
            elif kind == "script":
                script = soup.new_tag("script")
                script.string = "run()"
                tag.append(script)
            else:
                tag.append(BeautifulSoup("<!-- x -->", "html.parser"))

    fill(soup, depth)
    return str(soup)


def visible(markup: str) -> list[str]:
    soup = BeautifulSoup(markup, "html.parser")
    for tag in soup(["script"]):
        tag.extract()
    return soup.get_text("\0").replace("…", "").replace("\0", " ").split()


@given(html(), st.integers(0, 30))
def test_first_words_are_the_beginning_and_not_one_more(markup, count):
    shown = first_words(markup, count)
    assert words_in(shown.replace("…", "")) == min(count, words_in(markup))
    joined, whole = "".join(visible(shown)), "".join(visible(markup))
    assert whole.startswith(joined)
    assert str(BeautifulSoup(shown, "html.parser")) == shown


@given(st.lists(html(), max_size=4), st.integers(-5, 120))
def test_percent_never_shows_more_than_asked_nor_all(pieces, percent):
    total = sum(map(words_in, pieces))
    shown = words_in(first_percent(pieces, percent).replace("…", ""))
    assert shown <= max(0, total * percent // 100)
    assert shown < total or total == 0


@given(st.lists(html(), max_size=4), st.integers(-5, 6))
def test_blocks_never_show_more_than_asked_nor_all(pieces, count):
    shown = first_blocks(pieces, count)
    total = sum(map(words_in, pieces))
    if len(pieces) == 1:
        assert words_in(shown.replace("…", "")) <= total // 2
    else:
        assert shown == "".join(pieces[: max(0, min(count, len(pieces) - 1))])


@given(html())
def test_top_level_pieces_are_the_text(markup):
    assert sum(map(words_in, top_level(markup))) == words_in(markup)
