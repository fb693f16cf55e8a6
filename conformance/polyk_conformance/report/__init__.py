"""What a run leaves behind: a document, a page made of it, a badge, and cases to run again.

`collect` notes each check as it ends, `document` puts the notes together (``schema.json`` says
how), `page` and `badge` draw the document, `compare` sets two side by side; `cases` writes down a
case that failed, `shrink` makes it small first, `replay` runs it again.
"""
