"""`make bench`: what operations take on the wires, in simulated time, beside the sum of the standard's minimum delays.

`minimum` adds up the minima for a connection that was seen, `cases` says what is run, `case` runs it in the simulator,
`figures` finds connections and times in a transcript, `runner` runs all over many clock phases, `table` prints.
"""
