# RabbitMQ takes a password in the place of a certificate's name.
# kind:  password login on the bus
# node:  $control
# parts: accounts
# fails: accounts/rabbitmq/mechanisms
# fails: accounts/rabbitmq/offers
open() { bus "application:set_env(rabbit, auth_mechanisms, ['PLAIN', 'AMQPLAIN', 'EXTERNAL'])"; }
close() { bus "application:set_env(rabbit, auth_mechanisms, ['EXTERNAL'])"; }
