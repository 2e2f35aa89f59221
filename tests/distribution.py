"""Which tests go to the same test process.

Each process takes the next test, wherever it stands. Where many share something that takes long to make, that would be
made in each process: these stay together, and start first, so that no long group is left over at the end. (Groups of
xdist itself are lost with pytest 9.2: https://github.com/pytest-dev/pytest-xdist/issues/1386)
"""

from xdist.scheduler import LoadScopeScheduling

TOGETHER = (
    "tests/test_installation.py",  # a site, installed as the documentation says
    "tests/sandbox/",  # the demo content
    "tests/payments/providers/stripe/test_localstripe.py",  # a server
)


class TogetherWhereNeeded(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return next((start for start in TOGETHER if nodeid.startswith(start)), nodeid)
