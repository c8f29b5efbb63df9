"""Does an input stand, as code, in an operation? One module for each kind; `compare` chooses.

Every comparison returns the part of the operation's text that the input made, or "" (spec: protection, "Exploit
prevention at operations").
"""
