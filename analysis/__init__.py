"""What the answers say: signal detection, ROC, retest agreement, figures and the report."""
