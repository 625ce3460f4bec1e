"""The cells of a file as text: delimited text, workbooks, JSON records; the header is found."""
