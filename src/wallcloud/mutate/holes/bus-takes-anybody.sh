# RabbitMQ asks for no certificate of this site any more: whoever comes speaks TLS with it.
# kind:  wrong CA accepted
# node:  $control
# parts: encryption
# fails: encryption/$control:5671/*/other-ca
# fails: encryption/$control:5671/*/without
# fails: encryption/$control:5671/*/expired
options() { bus "[Ref] = [R || {R, _} <- maps:to_list(ranch:info())], T = ranch:get_transport_options(Ref), O = maps:get(socket_opts, T), P = lists:keystore(verify, 1, lists:keystore(fail_if_no_peer_cert, 1, O, {fail_if_no_peer_cert, $2}), {verify, $1}), ok = ranch:suspend_listener(Ref), ok = ranch:set_transport_options(Ref, T#{socket_opts => P}), ok = ranch:resume_listener(Ref)"; }
open() { options verify_none false; }
close() { options verify_peer true; }
