"""Run ``python -m polyk`` as the ``polyk`` command."""

from polyk.cli import main

main(prog_name="polyk")
