"""Pages of the daily work in Wagtail's admin."""

from .runs import PreviewView, ProgressView, StartRunView, progress_of, run_header_buttons, seconds
from .todo import ANY_VIEW, TodoView
from .work import FailedWorkView, PostedView, RetryView

__all__ = [
    "ANY_VIEW",
    "FailedWorkView",
    "PostedView",
    "PreviewView",
    "ProgressView",
    "RetryView",
    "StartRunView",
    "TodoView",
    "progress_of",
    "run_header_buttons",
    "seconds",
]
