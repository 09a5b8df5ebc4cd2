# Somebody listens on control, on every address, as nobody.
# kind:  rogue listener
# node:  $control
# parts: sockets
# fails: sockets/$control/tcp/0.0.0.0:9999
open() { listen rogue 'import os, socket; os.setuid(65534); s = socket.create_server(("0.0.0.0", 9999)); print("ready", flush=True); s.accept()'; }
close() { ends rogue; }
