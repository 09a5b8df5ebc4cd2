# A compute's account at RabbitMQ may read and write everything in Neutron's virtual host too.
# kind:  bus permission on another virtual host
# node:  $control
# parts: accounts
# fails: accounts/rabbitmq/nova-compute@$compute/on/neutron
open() { bus "ok = rabbit_auth_backend_internal:set_permissions(<<\"nova-compute@$compute\">>, <<\"neutron\">>, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"hole\">>)"; }
close() { bus "rabbit_auth_backend_internal:clear_permissions(<<\"nova-compute@$compute\">>, <<\"neutron\">>, <<\"hole\">>)"; }
