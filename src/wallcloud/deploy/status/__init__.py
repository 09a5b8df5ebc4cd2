"""How the cloud is: every node asked at once, and what of the answers is not well."""
