# RabbitMQ has its well-known guest again, an administrator.
# kind:  guest account on the bus
# node:  $control
# parts: accounts
# fails: accounts/rabbitmq/guest
open() { bus 'ok = rabbit_auth_backend_internal:add_user(<<"guest">>, <<"guest">>, <<"hole">>), ok = rabbit_auth_backend_internal:set_tags(<<"guest">>, [administrator], <<"hole">>), ok = rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"nova">>, <<".*">>, <<".*">>, <<".*">>, <<"hole">>)'; }
close() { bus 'case rabbit_auth_backend_internal:exists(<<"guest">>) of true -> rabbit_auth_backend_internal:delete_user(<<"guest">>, <<"hole">>); _ -> ok end'; }
