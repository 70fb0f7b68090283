-- Systems that ask for themselves. The authority that registered one keeps its secrets and keys.
CREATE TABLE clients (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    belongs_to TEXT COLLATE "C" NOT NULL CHECK (belongs_to IN ('authority', 'organisation')),
    keys TEXT NOT NULL,
    disabled_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);

-- What an authority lets a system do. The authority may be another than the one that registered it, so that its
-- rows can be copied without that one's: nothing refers to the system but its id.
CREATE TABLE client_grants (
    la_code TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    organisation_id TEXT COLLATE "C" REFERENCES organisations (id),
    scopes TEXT NOT NULL,
    disabled_at TIMESTAMP,
    last_used_at TIMESTAMP,
    version BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (la_code, client_id)
);
-- Asked before it is known for which authority a token is.
CREATE INDEX grants_of_a_client ON client_grants (client_id);

CREATE TABLE client_secrets (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    la_code TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL REFERENCES clients (id),
    hash TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP,
    last_used_at TIMESTAMP
);
CREATE INDEX secrets_of_a_client ON client_secrets (la_code, client_id, id);

-- Assertions that were taken, so that none is taken twice.
CREATE TABLE client_assertions (
    client_id TEXT COLLATE "C" NOT NULL REFERENCES clients (id),
    jti_sha256 TEXT COLLATE "C" NOT NULL,
    la_code TEXT COLLATE "C" NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    PRIMARY KEY (client_id, jti_sha256)
);
