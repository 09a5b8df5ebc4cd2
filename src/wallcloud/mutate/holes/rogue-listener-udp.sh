# Somebody waits for datagrams on the api node's management address.
# kind:  rogue listener
# node:  $api
# parts: sockets
# fails: sockets/$api/udp/$api_management:9998
open() { listen rogue "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((\"$api_management\", 9998)); print(\"ready\", flush=True); s.recv(1)"; }
close() { ends rogue; }
