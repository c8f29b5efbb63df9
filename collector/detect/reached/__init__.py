"""Does an input stand, as code, in an operation? One module for each kind; `detect.reach` chooses."""
