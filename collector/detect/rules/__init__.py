"""Rules: declarative, each with examples that are its tests. The compiled set is `ruleset.RuleSet`."""
