from sandbox.site.demo.texts import blocks, inline_html, rich, texts_in


def test_paragraphs_and_lists_become_one_text_block():
    assert blocks("Erster Satz.\n\n- eins\n- zwei") == [
        {"type": "text", "value": "<p>Erster Satz.</p><ul><li>eins</li><li>zwei</li></ul>"}
    ]


def test_headings_quotes_and_exercises_are_blocks_of_their_own():
    found = blocks("## Titel\n\n> Ein Satz. — Jemand\n\n!! Üben\nSo geht es.")

    assert [block["type"] for block in found] == ["heading", "quote", "exercise"]
    assert found[1]["value"] == {"text": "Ein Satz.", "source": "Jemand"}
    assert found[2]["value"] == {"title": "Üben", "text": "<p>So geht es.</p>"}


def test_marked_words_become_bold_and_italic_and_markup_is_escaped():
    assert inline_html("**fett**, *schräg*, 1 < 2") == "<b>fett</b>, <i>schräg</i>, 1 &lt; 2"


def test_numbered_lines_become_an_ordered_list():
    assert rich("1. eins\n2. zwei") == "<ol><li>eins</li><li>zwei</li></ol>"


def test_every_article_has_a_teaser_and_enough_to_read():
    articles = texts_in("magazin")

    assert len(articles) == 8
    assert all(article.teaser.startswith("<p>") for article in articles)
    assert all(len(str(article.body).split()) > 350 for article in articles)


def test_the_course_has_its_introduction_first_and_seven_lessons_in_order():
    about, *lessons = texts_in("kurs")

    assert about["slug"] == "songwriting-in-sechs-wochen"
    assert [int(lesson["number"]) for lesson in lessons] == [1, 2, 3, 4, 5, 6, 7]
