"""Understanding Chinese texts: the shipped model, rules of intents, keywords, and what operators corrected."""
