"""The member's pages about access and courses; included by ``cms_billing.urls``, which gives the namespace."""

from django.urls import path

from . import views_account, views_feed
from .lessons import selectors as lessons
from .lessons import views as lesson_views
from .sharing import views as sharing_views

urlpatterns = [
    path("account/arrears/", views_account.account_arrears, name="account_arrears"),
    path("account/feed/", views_feed.account_feed, name="account_feed"),
    path("account/gifts/", sharing_views.account_gifts, name="account_gifts"),
    path("account/gifts/of/<int:page_id>/", sharing_views.create_gift, name="create_gift"),
    path("account/gifts/<int:pk>/take-back/", sharing_views.revoke_gift, name="revoke_gift"),
    path("read/<int:page_id>/", sharing_views.read_free, name="read_free"),
    path("gift/", sharing_views.gift_over, name="gift_over"),
    path("gift/<str:token>/", sharing_views.open_gift, name="open_gift"),
]
# A site without courses has no addresses for them.
if lessons.course_models():
    urlpatterns += [
        path("account/courses/", lesson_views.account_courses, name="account_courses"),
        path(
            "account/courses/<int:page_id>/certificate/",
            lesson_views.course_certificate,
            name="course_certificate",
        ),
        path(
            "account/certificates/<str:code>/", lesson_views.account_certificate, name="account_certificate"
        ),
        path(
            "account/certificates/<str:code>.pdf",
            lesson_views.account_certificate_pdf,
            name="account_certificate_pdf",
        ),
        path("lessons/<int:page_id>/done/", lesson_views.mark_lesson, name="mark_lesson"),
        path("certificates/", lesson_views.check_certificate, name="ask_certificate"),
        path("certificates/<str:code>/", lesson_views.check_certificate, name="check_certificate"),
    ]
