"""What PsychoPy windows show and hear: a session's screen, the dial, test patterns, levels to measure."""
