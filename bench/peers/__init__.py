"""What others would write instead: each a program ``python -m bench.peers.NAME REPORT PART``."""
