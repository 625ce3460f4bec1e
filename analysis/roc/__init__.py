"""The ROC of one observer or several: curves, areas, intervals, comparisons."""
