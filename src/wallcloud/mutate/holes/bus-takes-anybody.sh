# RabbitMQ believes every certificate, whoever signed it and whenever, and speaks TLS also with who shows none.
# kind:  wrong CA accepted
# node:  $control
# parts: encryption
# fails: encryption/$control:5671/*/other-ca
# fails: encryption/$control:5671/*/without
# fails: encryption/$control:5671/*/expired
# fails: encryption/$control:5671/*/self-signed
options() { bus "[Ref] = [R || {R, _} <- maps:to_list(ranch:info())], T = ranch:get_transport_options(Ref), O = maps:get(socket_opts, T), K = [E || E <- O, not is_tuple(E) orelse not lists:member(element(1, E), [verify_fun, fail_if_no_peer_cert])], ok = ranch:suspend_listener(Ref), ok = ranch:set_transport_options(Ref, T#{socket_opts => [$1 | K]}), ok = ranch:resume_listener(Ref)"; }
open() { options "{fail_if_no_peer_cert, false}, {verify_fun, {fun(_, _, State) -> {valid, State} end, []}}"; }
close() { options "{fail_if_no_peer_cert, true}"; }
