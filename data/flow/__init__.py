"""How a session's trials follow one another, and the devices that it uses: settings of a task file."""
