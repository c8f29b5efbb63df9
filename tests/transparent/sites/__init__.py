"""Sites that read and answer in every way that the protocols allow, and in some that they do not.

What the app sees (reads, exceptions, close calls) is noted in a journal, one for each value of the header `X-Case`, and
read by `/journal`; `/agent` is the agent's status, `/state` what the process holds. Those that WSGI needs are in the
grammar of 2.7.
"""
