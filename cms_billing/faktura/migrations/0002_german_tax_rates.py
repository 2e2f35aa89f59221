"""German VAT rates as dated rows; an editor adds others (§ 12 UStG; second half of 2020: § 28 UStG)."""

from datetime import date

from django.db import migrations

RATES = [
    ("standard", "19.00", date(2007, 1, 1), ""),
    ("standard", "16.00", date(2020, 7, 1), ""),
    ("standard", "19.00", date(2021, 1, 1), ""),
    ("reduced", "7.00", date(1983, 7, 1), ""),
    ("reduced", "5.00", date(2020, 7, 1), ""),
    ("reduced", "7.00", date(2021, 1, 1), ""),
    ("zero", "0.00", date(2000, 1, 1), ""),
    ("exempt", "0.00", date(2000, 1, 1), "Steuerfrei nach § 4 UStG."),
]


def seed(apps, schema_editor):
    TaxRate = apps.get_model("cms_billing_faktura", "TaxRate")
    for code, percent, valid_from, notice in RATES:
        TaxRate.objects.get_or_create(
            country="DE", code=code, valid_from=valid_from, defaults={"percent": percent, "notice": notice}
        )


class Migration(migrations.Migration):
    dependencies = [("cms_billing_faktura", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
