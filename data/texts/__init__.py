"""What participants read: the phrases in English, and a language file for each further language."""
