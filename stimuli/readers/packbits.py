"""PackBits, the run lengths of TIFF and of DICOM's RLE: how much a piece of it unpacks to.

Decoders fill up what is missing, or leave out what is too much, without a word.

References
----------
TIFF revision 6.0, section 9; DICOM PS3.5, G.3.
"""

from __future__ import annotations


def unpacked_length(packed: bytes, enough: int) -> int:
    """How many bytes `packed` unpacks to, as far as there are `enough`; a last run that is cut short does not count."""
    place = length = 0
    while place < len(packed) and length < enough:
        head = packed[place]
        if head == 128:  # nothing
            place += 1
            continue
        copied, stored = (head + 1, head + 1) if head < 128 else (257 - head, 1)
        place += 1 + stored
        if place > len(packed):
            break
        length += copied
    return length
