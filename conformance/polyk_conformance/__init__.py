"""polyk's conformance kit: what every backend must do, in one pytest run.

Run it by ``pytest --pyargs polyk_conformance --backend NAME``.
`cases` is the table of calls and `oracle` what they must give; `bounded` derives how far rounding
may carry a result. The tests take a backend from the command line and know none by name.
"""
