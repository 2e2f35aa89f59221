from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('cms_billing_faktura', '0006_letterheads'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='issuer',
            name='accent_color',
        ),
        migrations.RemoveField(
            model_name='issuer',
            name='letter_footer',
        ),
        migrations.RemoveField(
            model_name='issuer',
            name='logo',
        ),
    ]
