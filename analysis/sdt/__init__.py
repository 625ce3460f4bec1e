"""Signal detection for one participant: rates, d′ and the criterion, confidence, meta-d′."""
