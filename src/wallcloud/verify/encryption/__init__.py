"""The part `encryption`: handshakes from the real clients' accounts, and canaries that no wire and no file may hold."""
