"""Codes sent to another recording, such as EEG or eye tracking, when something happens: each way out is one module."""
