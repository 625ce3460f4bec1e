"""Response boxes, whose buttons stand for keys: each device is one module."""
