"""The brain of a Cowitness node: it judges requests, joins both witnesses and answers questions."""
