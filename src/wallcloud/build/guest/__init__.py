"""What runs inside the guest: three shell scripts and this package, on busybox and Debian's python3.11-minimal.

It imports the standard library only, and relatively itself: in the guest it is the package `guest`. README.md beside
this file is the prober's protocol.
"""
