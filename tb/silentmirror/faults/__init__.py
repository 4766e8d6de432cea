"""`make faults`: bad input to the RTL from every side, each point followed by a good command.

`points` derives the points of a campaign from its seed; `to_target`, `to_group`, `to_initiator` and `to_registers` hold
their classes. `runner` gives them to simulations, `case` plays them there (`bad_initiator`, `bad_target`, `bad_host`),
`summary` writes what came of them. docs/testplan.md states the bounds.
"""
