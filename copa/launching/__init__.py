"""Running the roles of a run on the nodes of a Ray cluster.

role.py      on a node: one role's process, inside a Ray actor      messages.py  what the two sides tell each other
placed.py    in the launcher: that process, for the supervisor      crew.py      all of them
placement.py what each reserves, and where it may be                cluster.py   reaching, or starting, Ray

Ray pickles what its calls carry, so they carry nothing but text.
"""
