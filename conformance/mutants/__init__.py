"""Planted bugs: small, realistic defects of a backend, each of which the kit must find.

A kit that no bug can fail proves nothing. ``python -m mutants`` (in ``conformance/``) plants every
defect of the tables in the NumPy backend, one at a time, and runs the checks of the ops concerned;
``docs/mutants.md`` says which check found which. A mutant that survives is a hole in the kit.
"""
