"""Marking lessons as done, “My courses” in the account, and certificates."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from wagtail.models import Page

from cms_billing.core import clock
from cms_billing.core.exceptions import BillingError
from cms_billing.core.pages import keep_private, private_page

from .. import gate
from ..models import Certificate
from ..visits import live_page
from . import selectors, services
from .certificates import certificate_pdf, code_of, code_text, name_of
from .pages import CourseMixin, LessonMixin

TAB = "billing_courses"


@login_required
@require_POST
def mark_lesson(request: HttpRequest, page_id: int) -> HttpResponse:
    """Done, or with ``undo`` not done after all; on to the next lesson. Only who may read a lesson may do it."""
    lesson = _live_page(request, page_id, LessonMixin)
    course = selectors.course_of(lesson)
    if course is None or not gate.access(request, lesson).granted:
        return keep_private(redirect(lesson.get_url(request)))
    if "undo" in request.POST:
        services.reopen_lesson(user=request.user, lesson=lesson)
        return keep_private(redirect(lesson.get_url(request)))
    services.complete_lesson(user=request.user, lesson=lesson, now=clock.now())
    return keep_private(redirect(_after(request, course, lesson)))


def _after(request: HttpRequest, course: Any, lesson: Page) -> str:
    """The next lesson that may be read and is not done; the course, when there is none."""
    learning = course.learning_for(request)
    if learning.is_complete:
        _congratulate(request, course)
        return course.get_url(request)
    line = learning.line_of(selectors.key_of(lesson))
    following = learning.lines[line.number :] if line else ()
    target = next((row for row in following if row.lesson.readable and not row.is_done), None)
    return (target.page if target else course).get_url(request)


def _congratulate(request: HttpRequest, course: Any) -> None:
    messages.success(request, _("You have done all lessons of “%(course)s”.") % {"course": course.title})
    if course.gives_certificate and (name := name_of(request.user)):
        services.award_certificate(user=request.user, course=course, name=name, today=clock.today())


@login_required
@require_safe
def account_courses(request: HttpRequest) -> HttpResponse:
    context = {
        "courses": selectors.my_courses(request.user, today=clock.today()),
        "page_title": _("My courses"),
        "active_tab": TAB,
    }
    return private_page(request, "cms_billing/paywall/account/courses.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def course_certificate(request: HttpRequest, page_id: int) -> HttpResponse:
    """Leads to the certificate, asks for the name it should bear, or says what is missing."""
    course = _live_page(request, page_id, CourseMixin)
    existing = selectors.certificate_of(course, request.user)
    if existing is None and not course.gives_certificate:
        raise Http404
    if existing is not None:
        return _to(existing)
    error = ""
    if request.method == "POST":
        try:
            given = request.POST.get("name", "")
            return _to(
                services.award_certificate(user=request.user, course=course, name=given, today=clock.today())
            )
        except BillingError as problem:
            error = str(problem)
    context = {
        "course_page": course,
        "learning": selectors.learning_of(course, request.user, today=clock.today()),
        "name": request.POST.get("name", "") or name_of(request.user),
        "error": error,
        "page_title": _("Certificate"),
        "active_tab": TAB,
    }
    return private_page(request, "cms_billing/paywall/account/certificate_missing.html", context)


def _to(certificate: Certificate) -> HttpResponse:
    return keep_private(redirect("cms_billing:account_certificate", code=certificate.code))


@login_required
@require_safe
def account_certificate(request: HttpRequest, code: str) -> HttpResponse:
    certificate = get_object_or_404(Certificate, code=code, user_id=request.user.pk)
    context = {
        "certificate": certificate,
        "code": code_text(certificate.code),
        "url": _public_url(request, certificate),
        "page_title": _("Certificate"),
        "active_tab": TAB,
    }
    return private_page(request, "cms_billing/paywall/account/certificate.html", context)


@login_required
@require_safe
def account_certificate_pdf(request: HttpRequest, code: str) -> HttpResponse:
    certificate = get_object_or_404(Certificate, code=code, user_id=request.user.pk)
    pdf = certificate_pdf(certificate, url=_public_url(request, certificate))
    response = HttpResponse(pdf, content_type="application/pdf")
    name = _("certificate-%s.pdf") % certificate.code
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return keep_private(response)


@require_safe
def check_certificate(request: HttpRequest, code: str = "") -> HttpResponse:
    """For anybody who was shown a certificate: name, course and date of what bears this code, nothing else."""
    asked = code_of(code or request.GET.get("code", ""))
    certificate = Certificate.objects.filter(code=asked).first() if asked else None
    context = {"certificate": certificate, "asked": asked, "code": code_text(asked)}
    status = 404 if asked and certificate is None else 200
    response = private_page(request, "cms_billing/paywall/lessons/check.html", context, status=status)
    response["X-Robots-Tag"] = "noindex, noarchive"
    return response


def _public_url(request: HttpRequest, certificate: Certificate) -> str:
    return request.build_absolute_uri(reverse("cms_billing:check_certificate", args=[certificate.code]))


def _live_page(request: HttpRequest, page_id: int, kind: type) -> Any:
    page = live_page(request, page_id).specific
    if not isinstance(page, kind):
        raise Http404
    return page
