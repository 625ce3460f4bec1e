"""How collections are delivered: one module per layout, each with the same two functions.

`tables(folder, given)` names the files that say where lesions are, if the folder (or the table that was given) is of
this layout; `lesions(folder, tables)` yields one `Found` for each lesion that they list.
"""
