"""The language of ModSecurity's rules, enough of it to run the OWASP Core Rule Set as it is shipped.

Texts are strings of one character a byte (Latin-1), since the language is about bytes.
(https://github.com/owasp-modsecurity/ModSecurity/wiki/Reference-Manual-(v3.x))
"""
