"""The same small site in every framework, in the grammar of 2.7; a test starts one under a real server.

`/run/<word>` hands `arg` to a shell; `/form` does so with a posted field; `/login` and `/logout` are the framework's
own; `/error` raises; `/go` asks another service; `/answer/<how>` answers in parts, or with a file. There is one user:
"ada" with the password "lovelace", id 1.
"""
