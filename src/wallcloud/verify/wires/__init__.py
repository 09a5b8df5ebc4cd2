"""The part `wires`: the walls below the firewall's rules, tried with raw frames from a hostile machine on each wire."""
