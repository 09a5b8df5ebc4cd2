"""What runs inside OpenStack's own processes: standard library only; on a node this folder is `wallcloud_plugins`."""
