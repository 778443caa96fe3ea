"""`python -m govchat`: the same command as `govchat`, on exactly this interpreter.

`govchat up` starts its parts before the database is there and holds them: they load their modules meanwhile, the slowest of what
they do, and go on at a line on standard input.
"""

import importlib
import os
import sys

from govchat.cli.main import main

if held := os.environ.pop("GOVCHAT_HELD", ""):
    importlib.import_module(held)
    if not sys.stdin.buffer.readline():  # whoever held us is gone
        sys.exit()
main()
