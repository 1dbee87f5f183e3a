"""The program ``querist``, where it was installed with the package."""

from __future__ import annotations

import os
import signal
import sys

from . import _querist


def main() -> None:
    """Runs the command line of this process, and ends it."""
    # The interpreter would only note a Ctrl-C, and look at it when the work is done.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    code = _querist.main(["querist", *sys.argv[1:]])
    # Nothing of Python's is left to be done.
    os._exit(code)
