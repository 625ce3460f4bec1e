"""What a report shows: the ROC figure and the others, drawn from numbers, and written as SVG, PDF or PNG."""
