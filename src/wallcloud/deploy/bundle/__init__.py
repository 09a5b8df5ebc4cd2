"""One file for support: what the cloud is, was told and says, without its secrets."""
