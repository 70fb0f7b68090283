DROP TABLE client_assertions;
DROP TABLE client_secrets;
DROP TABLE client_grants;
DROP TABLE clients;
