"""polyk's conformance kit: what every backend must do, proved by ``pytest --pyargs polyk_conformance``.

`cases` is the table of calls and `oracle` what they must give; `bounded` derives how far rounding
may carry a result. The tests take a backend from the command line and know none by name.
"""
