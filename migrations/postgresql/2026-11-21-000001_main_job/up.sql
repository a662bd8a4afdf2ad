-- Instants are microseconds since 1970 UTC; ids are text; JSON is text: one schema, read alike on both databases.

CREATE TABLE data_keys (
    key_version BIGINT NOT NULL PRIMARY KEY,
    wrapped BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE connections (
    connection_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    client_id TEXT,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    credential_key_version BIGINT,
    credential_sealed BYTEA,
    paused BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX connections_by_tenant ON connections (tenant_id);

-- What changes with every batch, apart from what an administrator set.
CREATE TABLE connection_states (
    connection_id TEXT NOT NULL PRIMARY KEY REFERENCES connections ON DELETE CASCADE,
    -- Raised inside the transaction that writes the rows they number, so a rollback leaves no gap.
    event_sequence BIGINT NOT NULL DEFAULT 0,
    log_sequence BIGINT NOT NULL DEFAULT 0,
    observation_sequence BIGINT NOT NULL DEFAULT 0,
    accounts_active BIGINT NOT NULL DEFAULT 0,
    accounts_inactive BIGINT NOT NULL DEFAULT 0,
    memberships BIGINT NOT NULL DEFAULT 0,
    teams_active BIGINT NOT NULL DEFAULT 0,
    found_by_notification BIGINT NOT NULL DEFAULT 0,
    found_by_delta BIGINT NOT NULL DEFAULT 0,
    found_by_reconcile BIGINT NOT NULL DEFAULT 0,
    last_notification_at BIGINT,
    last_delta_at BIGINT,
    last_reconcile_at BIGINT,
    initial_cycle_at BIGINT,
    delta_due_at BIGINT,
    reconcile_due_at BIGINT,
    trouble_cause TEXT,
    trouble_detail TEXT,
    trouble_since BIGINT,
    trouble_count BIGINT NOT NULL DEFAULT 0,
    next_attempt_at BIGINT
);

CREATE TABLE subscriptions (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    resource TEXT NOT NULL,
    subscription_id TEXT,
    client_state_key_version BIGINT NOT NULL,
    expires_at BIGINT,
    lifetime_seconds BIGINT,
    error TEXT,
    attempt_count BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    renewed_at BIGINT,
    PRIMARY KEY (connection_id, resource)
);

CREATE TABLE delta_links (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    resource TEXT NOT NULL,
    link TEXT NOT NULL,
    observation BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, resource)
);

-- The mirror of memberships: only groups that matter (scope, nested below, team groups).
CREATE TABLE mirror_groups (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    group_id TEXT NOT NULL,
    display_name TEXT,
    description TEXT,
    -- The observation of the last listing that was read whole; 0 while none was.
    listed_observation BIGINT NOT NULL DEFAULT 0,
    gone_at BIGINT,
    PRIMARY KEY (connection_id, group_id)
);

CREATE TABLE mirror_edges (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    group_id TEXT NOT NULL,
    member_id TEXT NOT NULL,
    is_group BOOLEAN NOT NULL,
    PRIMARY KEY (connection_id, group_id, member_id)
);
CREATE INDEX mirror_edges_by_member ON mirror_edges (connection_id, member_id);

CREATE TABLE accounts (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    account_id TEXT NOT NULL,
    external_id TEXT,
    -- Lower-cased: unique among active accounts, checked after a whole batch so that two people may swap.
    user_name_key TEXT NOT NULL,
    search_text TEXT NOT NULL,
    profile TEXT NOT NULL,
    profile_hash TEXT NOT NULL,
    manager_external_id TEXT,
    active BOOLEAN NOT NULL,
    deactivated_reason TEXT,
    deactivated_at BIGINT,
    observation BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, account_id)
);
CREATE UNIQUE INDEX accounts_by_external_id ON accounts (connection_id, external_id);
CREATE INDEX accounts_by_user_name ON accounts (connection_id, user_name_key);
CREATE INDEX accounts_by_manager ON accounts (connection_id, manager_external_id);

CREATE TABLE teams (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    team_id TEXT NOT NULL,
    external_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    active BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, team_id)
);
CREATE UNIQUE INDEX teams_by_external_id ON teams (connection_id, external_id);

CREATE TABLE team_members (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    team_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    PRIMARY KEY (connection_id, team_id, account_id)
);
CREATE INDEX team_members_by_account ON team_members (connection_id, account_id);

CREATE TABLE work_items (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    lane TEXT NOT NULL,
    object_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    hint TEXT,
    found_by TEXT NOT NULL,
    -- When the first change that is still waiting was received; the applied histogram counts from here.
    received_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    -- How many second looks were taken since changed_at.
    look_count BIGINT NOT NULL DEFAULT 0,
    attempt_count BIGINT NOT NULL DEFAULT 0,
    last_error TEXT,
    buried_at BIGINT,
    lease_token TEXT,
    lease_until BIGINT,
    PRIMARY KEY (connection_id, lane, object_id)
);
CREATE INDEX work_items_due ON work_items (connection_id, lane, due_at) WHERE buried_at IS NULL;

CREATE TABLE leases (
    connection_id TEXT NOT NULL,
    name TEXT NOT NULL,
    token TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (connection_id, name)
);

CREATE TABLE runs (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    run_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    dry_run BOOLEAN NOT NULL,
    object_id TEXT,
    status TEXT NOT NULL,
    queued_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    phase TEXT NOT NULL,
    progress_done BIGINT NOT NULL DEFAULT 0,
    progress_total BIGINT,
    counts TEXT NOT NULL,
    repairs BIGINT NOT NULL DEFAULT 0,
    error TEXT,
    PRIMARY KEY (connection_id, run_id)
);
CREATE INDEX runs_by_status ON runs (connection_id, status);

-- What a dry run would do, what a held run waits to do, and what an administrator rejected.
CREATE TABLE run_items (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    run_id TEXT NOT NULL,
    -- The kind of leaver (account, membership, team) or of planned object.
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    -- The team of a membership, otherwise empty.
    team_id TEXT NOT NULL DEFAULT '',
    object_name TEXT,
    action TEXT NOT NULL,
    reason TEXT,
    changes TEXT NOT NULL,
    -- planned, held, allowed, rejected
    state TEXT NOT NULL,
    PRIMARY KEY (connection_id, run_id, kind, object_id, team_id)
);
CREATE INDEX run_items_by_object ON run_items (connection_id, kind, object_id, state);

-- Leavers applied in the last 24 hours: what the accidental-deletion guard counts.
CREATE TABLE guard_ledger (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    team_id TEXT NOT NULL DEFAULT '',
    at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, kind, object_id, team_id)
);

-- How many were active, kept by the hour: the guard's percentage is of the larger of then and now.
CREATE TABLE guard_snapshots (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    accounts BIGINT NOT NULL,
    memberships BIGINT NOT NULL,
    teams BIGINT NOT NULL,
    PRIMARY KEY (connection_id, hour)
);

CREATE TABLE provisioning_log (
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE,
    log_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    run_id TEXT,
    found_by TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    object_name TEXT,
    action TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    changes TEXT NOT NULL,
    duration_ms BIGINT NOT NULL,
    PRIMARY KEY (connection_id, log_id)
);
CREATE INDEX provisioning_log_by_object ON provisioning_log (connection_id, object_id, log_id);

CREATE TABLE events (
    connection_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    at BIGINT NOT NULL,
    data TEXT NOT NULL,
    previous TEXT NOT NULL,
    PRIMARY KEY (connection_id, sequence)
);
