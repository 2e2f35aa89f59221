"""The base rate of § 247 BGB since 2002, a row a change; an editor adds those to come."""

from datetime import date
from decimal import Decimal

from django.db import migrations

SOURCE = "Deutsche Bundesbank, Basiszinssatz nach § 247 BGB"
RATES = [
    (date(2002, 1, 1), "2.57"),
    (date(2002, 7, 1), "2.47"),
    (date(2003, 1, 1), "1.97"),
    (date(2003, 7, 1), "1.22"),
    (date(2004, 1, 1), "1.14"),
    (date(2004, 7, 1), "1.13"),
    (date(2005, 1, 1), "1.21"),
    (date(2005, 7, 1), "1.17"),
    (date(2006, 1, 1), "1.37"),
    (date(2006, 7, 1), "1.95"),
    (date(2007, 1, 1), "2.70"),
    (date(2007, 7, 1), "3.19"),
    (date(2008, 1, 1), "3.32"),
    (date(2008, 7, 1), "3.19"),
    (date(2009, 1, 1), "1.62"),
    (date(2009, 7, 1), "0.12"),
    (date(2011, 7, 1), "0.37"),
    (date(2012, 1, 1), "0.12"),
    (date(2013, 1, 1), "-0.13"),
    (date(2013, 7, 1), "-0.38"),
    (date(2014, 1, 1), "-0.63"),
    (date(2014, 7, 1), "-0.73"),
    (date(2015, 1, 1), "-0.83"),
    (date(2016, 7, 1), "-0.88"),
    (date(2023, 1, 1), "1.62"),
    (date(2023, 7, 1), "3.12"),
    (date(2024, 1, 1), "3.62"),
    (date(2024, 7, 1), "3.37"),
    (date(2025, 1, 1), "2.27"),
    (date(2025, 7, 1), "1.27"),
    # Announced as unchanged; that of 1 July 2026 has to be entered by an editor.
    (date(2026, 1, 1), "1.27"),
]


def seed(apps, schema_editor):
    BaseRate = apps.get_model("cms_billing_dunning", "BaseRate")
    for valid_from, percent in RATES:
        BaseRate.objects.get_or_create(
            valid_from=valid_from, defaults={"percent": Decimal(percent), "source": SOURCE}
        )


class Migration(migrations.Migration):
    dependencies = [("cms_billing_dunning", "0008_agreements")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
