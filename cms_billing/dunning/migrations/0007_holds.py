from django.db import migrations, models


def keep_the_blocks(apps, schema_editor):
    """A customer's block becomes a row of its own; whether its day is over, the next run sees."""
    Customer = apps.get_model("cms_billing_faktura", "Customer")
    Hold = apps.get_model("cms_billing_dunning", "Hold")
    Hold.objects.bulk_create(
        (
            Hold(
                issuer_id=customer.issuer_id,
                customer_id=customer.pk,
                kind="block",
                state="standing",
                until=customer.dunning_block_until,
                reason=customer.dunning_block_reason or "–",
            )
            for customer in Customer.objects.filter(dunning_block=True).order_by("pk").iterator()
        ),
        batch_size=500,
    )


def keep_the_permission(apps, schema_editor):
    """Who might block customers may set holds."""
    Permission = apps.get_model("auth", "Permission")
    ContentType = apps.get_model("contenttypes", "ContentType")
    former = Permission.objects.filter(
        content_type__app_label="cms_billing_faktura", codename="block_dunning"
    ).first()
    if former is None:
        return
    kind, _new = ContentType.objects.get_or_create(app_label="cms_billing_dunning", model="hold")
    permission, _new = Permission.objects.get_or_create(
        content_type=kind,
        codename="decide_hold",
        defaults={"name": "Can set, approve and lift dunning blocks"},
    )
    for owner in [*former.group_set.all(), *former.user_set.all()]:
        (owner.permissions if hasattr(owner, "permissions") else owner.user_permissions).add(permission)
    former.delete()


class Migration(migrations.Migration):
    dependencies = [
        ("cms_billing_dunning", "0006_charges_kept"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    # The next one there takes the columns away that are read here.
    run_before = [("cms_billing_faktura", "0016_blocks_leave_the_customer")]

    operations = [
        migrations.AlterField(
            model_name="hold",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "waits for a second person"),
                    ("standing", "stands"),
                    ("lifted", "lifted"),
                    ("refused", "refused"),
                    ("expired", "over"),
                ],
                default="standing",
                max_length=8,
                verbose_name="state",
            ),
        ),
        migrations.RunPython(keep_the_blocks, migrations.RunPython.noop),
        migrations.RunPython(keep_the_permission, migrations.RunPython.noop),
    ]
