"""Files that only some may have: the worksheet and the picture of a lesson, and what comes with a book."""

from django.core.files.base import ContentFile
from oscar.core.loading import get_model
from wagtail.documents import get_document_model
from wagtail.images import get_image_model
from wagtail.models import Collection
from weasyprint import HTML

from cms_billing.memberships.models import Plan
from cms_billing.paywall.files.services import set_collection_rule
from cms_billing.shop.models import ProductDownload
from sandbox.site.models import LessonPage

from .artwork import draw_cover

LESSON = "woche-2"
PLANS = ("kurs", "kurs-raten")
SHEET = """
<html lang="de"><style>
  @page {{ size: A4; margin: 25mm }} body {{ font: 12pt/1.6 serif }} h1 {{ font-size: 22pt }}
  li {{ margin-bottom: 14mm; border-bottom: 0.4pt solid #999 }} ol {{ padding-left: 1.4em }}
</style><h1>{title}</h1><p>{text}</p><ol>{lines}</ol></html>
"""


def files_are_loaded() -> bool:
    return ProductDownload.objects.exists()


def load_files() -> None:
    material = Collection.get_first_root_node().add_child(instance=Collection(name="Kursmaterial"))
    set_collection_rule(collection=material, plans=Plan.objects.filter(code__in=PLANS))
    add_to_lesson(material)
    add_to_book()


def add_to_lesson(material: Collection) -> None:
    sheet = get_document_model().objects.create(
        title="Arbeitsblatt: Zwei Blickwinkel",
        collection=material,
        file=pdf(
            "arbeitsblatt.pdf",
            title="Zwei Blickwinkel",
            text="Zwei Strophen zu je vier Zeilen. Dazwischen liegen zehn Jahre oder zehn Sekunden.",
            lines=8,
        ),
    )
    picture = get_image_model().objects.create(
        title="Vom Stuhl an den Ort des Geschehens",
        collection=material,
        file=ContentFile(draw_cover("course", size=(1200, 600)), name="ort-des-geschehens.jpg"),
    )
    lesson = LessonPage.objects.filter(slug__startswith=LESSON).get()
    lesson.body.append(("heading", "Zum Mitnehmen"))
    lesson.body.append(("picture", {"image": picture, "caption": "Vom Stuhl an den Ort des Geschehens."}))
    link = f'<p><a linktype="document" id="{sheet.pk}">Arbeitsblatt als PDF</a></p>'
    lesson.body.append(("text", link))
    lesson.save_revision().publish()


def add_to_book() -> None:
    record = get_model("partner", "StockRecord").objects.get(partner_sku="BUCH-LIEDER")
    ProductDownload.objects.create(
        product=record.product,
        title="Die Akkorde aller Lieder zum Ausdrucken",
        file=pdf(
            "akkorde.pdf",
            title="Das Liederbuch: alle Akkorde",
            text="Für den Notenständer, eine Zeile für jedes Lied.",
            lines=64,
        ),
    )


def pdf(name: str, *, title: str, text: str, lines: int) -> ContentFile:
    html = SHEET.format(title=title, text=text, lines="<li></li>" * lines)
    return ContentFile(HTML(string=html).write_pdf(), name=name)
