"""Studies of more than one thing: conditions side by side, sessions of the same people, and what people bring along."""
