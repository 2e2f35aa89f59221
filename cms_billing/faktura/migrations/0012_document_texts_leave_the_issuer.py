from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("cms_billing_faktura", "0011_document_texts"),
    ]

    operations = [
        migrations.RemoveField(
            model_name='issuer',
            name='invoice_closing',
        ),
        migrations.RemoveField(
            model_name='issuer',
            name='invoice_intro',
        ),
    ]
