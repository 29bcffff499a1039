"""A page to look at: every month of every source, its runs and its figures. It reads, and changes nothing."""
