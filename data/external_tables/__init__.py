"""Tables of answers from elsewhere: any encoding, separator and layout, the exports of known programs, and folders."""
