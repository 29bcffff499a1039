"""How fast, in how much memory, and beside whom: `make bench`. No part of what is installed."""
