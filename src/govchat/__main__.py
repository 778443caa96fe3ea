"""`python -m govchat`: the same command as `govchat`, on exactly this interpreter."""

from govchat.cli.main import main

main()
