"""Work that needs several rooms: the demo, training and evaluating a model, building a set, running sessions."""
