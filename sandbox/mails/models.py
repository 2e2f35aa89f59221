"""Every message the sandbox would have sent, kept to be read in the browser."""

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cms_billing.core import clock


class SentMail(models.Model):
    sent_at = models.DateTimeField(_("sent at"), default=clock.now)
    sender = models.CharField(_("from"), max_length=255)
    recipients = models.TextField(_("to"), help_text=_("One address a line."))
    subject = models.CharField(_("subject"), max_length=998)
    text = models.TextField(_("text"), blank=True)
    html = models.TextField(_("HTML"), blank=True)
    source = models.BinaryField(_("message as sent"))

    class Meta:
        ordering = ["-pk"]
        verbose_name = _("sent mail")
        verbose_name_plural = _("sent mails")

    def __str__(self) -> str:
        return self.subject

    def get_absolute_url(self) -> str:
        return reverse("sandbox_mails:detail", args=[self.pk])


class Attachment(models.Model):
    mail = models.ForeignKey(SentMail, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=255)
    size = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("sandbox_mails:attachment", args=[self.mail_id, self.pk])
