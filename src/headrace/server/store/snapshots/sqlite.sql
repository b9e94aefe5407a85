CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE flows (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    name TEXT NOT NULL,
    tags TEXT DEFAULT '[]' NOT NULL,
    labels TEXT DEFAULT '{}',
    deleted_at INTEGER,
    CONSTRAINT pk_flows PRIMARY KEY (id)
)
 STRICT;

CREATE UNIQUE INDEX uq_flows_name ON flows (name) WHERE deleted_at IS NULL;

CREATE TABLE flow_runs (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    name TEXT NOT NULL,
    flow_id TEXT NOT NULL,
    deployment_id TEXT,
    deployment_version TEXT,
    work_queue_id TEXT,
    work_queue_name TEXT,
    flow_version TEXT,
    parameters TEXT DEFAULT '{}' NOT NULL,
    idempotency_key TEXT,
    context TEXT DEFAULT '{}' NOT NULL,
    empirical_policy TEXT DEFAULT '{}' NOT NULL,
    tags TEXT DEFAULT '[]' NOT NULL,
    labels TEXT DEFAULT '{}' NOT NULL,
    parent_task_run_id TEXT,
    state_id TEXT,
    state_type TEXT,
    state_name TEXT,
    state_timestamp INTEGER,
    run_count INTEGER DEFAULT 0 NOT NULL,
    expected_start_time INTEGER,
    next_scheduled_start_time INTEGER,
    start_time INTEGER,
    end_time INTEGER,
    total_run_time REAL DEFAULT 0 NOT NULL,
    auto_scheduled INTEGER DEFAULT 0 NOT NULL,
    infrastructure_document_id TEXT,
    infrastructure_pid TEXT,
    created_by TEXT,
    job_variables TEXT,
    deleted_at INTEGER,
    CONSTRAINT pk_flow_runs PRIMARY KEY (id),
    CONSTRAINT fk_flow_runs_flow_id FOREIGN KEY(flow_id) REFERENCES flows (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_flow_runs_deployment_id ON flow_runs (deployment_id, id) WHERE deployment_id IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_end_time ON flow_runs (end_time, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_expected_start_time ON flow_runs (expected_start_time, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_flow_id ON flow_runs (flow_id, id);

CREATE INDEX ix_flow_runs_name ON flow_runs (name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_next_scheduled_start_time ON flow_runs (next_scheduled_start_time) WHERE next_scheduled_start_time IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_parent_task_run_id ON flow_runs (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_start_time ON flow_runs (coalesce(start_time, expected_start_time), id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_state_name ON flow_runs (state_name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_state_type ON flow_runs (state_type, id) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_flow_runs_idempotency_key ON flow_runs (flow_id, idempotency_key) WHERE idempotency_key IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE flow_run_states (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    flow_run_id TEXT NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    message TEXT,
    data TEXT,
    state_details TEXT DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_flow_run_states PRIMARY KEY (id),
    CONSTRAINT fk_flow_run_states_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_runs (id) ON DELETE CASCADE
)
 STRICT;

CREATE UNIQUE INDEX uq_flow_run_states_timestamp ON flow_run_states (flow_run_id, timestamp);

CREATE TABLE task_runs (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    name TEXT NOT NULL,
    flow_run_id TEXT,
    task_key TEXT NOT NULL,
    dynamic_key TEXT NOT NULL,
    cache_key TEXT,
    cache_expiration INTEGER,
    task_version TEXT,
    empirical_policy TEXT DEFAULT '{}' NOT NULL,
    tags TEXT DEFAULT '[]' NOT NULL,
    labels TEXT DEFAULT '{}',
    task_inputs TEXT DEFAULT '{}' NOT NULL,
    state_id TEXT,
    state_type TEXT,
    state_name TEXT,
    state_timestamp INTEGER,
    run_count INTEGER DEFAULT 0 NOT NULL,
    expected_start_time INTEGER,
    next_scheduled_start_time INTEGER,
    start_time INTEGER,
    end_time INTEGER,
    total_run_time REAL DEFAULT 0 NOT NULL,
    flow_run_run_count INTEGER DEFAULT 0 NOT NULL,
    field_stamps TEXT,
    deleted_at INTEGER,
    CONSTRAINT pk_task_runs PRIMARY KEY (id),
    CONSTRAINT fk_task_runs_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_runs (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_task_runs_end_time ON task_runs (end_time, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_task_runs_expected_start_time ON task_runs (expected_start_time, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_task_runs_flow_run_id ON task_runs (flow_run_id, id);

CREATE INDEX ix_task_runs_name ON task_runs (name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_task_runs_next_scheduled_start_time ON task_runs (next_scheduled_start_time) WHERE next_scheduled_start_time IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_task_runs_start_time ON task_runs (start_time) WHERE start_time IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_task_runs_state_type ON task_runs (state_type, id) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_task_runs_key ON task_runs (flow_run_id, task_key, dynamic_key) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_task_runs_key_outside_flows ON task_runs (task_key, dynamic_key) WHERE flow_run_id IS NULL AND deleted_at IS NULL;

CREATE TABLE task_run_states (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    task_run_id TEXT NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    message TEXT,
    data TEXT,
    state_details TEXT DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_task_run_states PRIMARY KEY (id),
    CONSTRAINT fk_task_run_states_task_run_id FOREIGN KEY(task_run_id) REFERENCES task_runs (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_task_run_states_timestamp ON task_run_states (task_run_id, timestamp);

CREATE TABLE task_run_state_cache (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    cache_key TEXT NOT NULL,
    cache_expiration INTEGER,
    task_run_state_id TEXT NOT NULL,
    CONSTRAINT pk_task_run_state_cache PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_task_run_state_cache_cache_key ON task_run_state_cache (cache_key, id);

CREATE TABLE logs (
    timestamp INTEGER NOT NULL,
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    name TEXT NOT NULL,
    level INTEGER NOT NULL,
    message TEXT NOT NULL,
    flow_run_id TEXT,
    task_run_id TEXT,
    CONSTRAINT pk_logs PRIMARY KEY (timestamp, id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_logs_flow_run_id ON logs (flow_run_id, timestamp, id);

CREATE INDEX ix_logs_task_run_id ON logs (task_run_id, timestamp, id) WHERE task_run_id IS NOT NULL;

CREATE TABLE flow_run_input (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    flow_run_id TEXT NOT NULL,
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    sender TEXT,
    CONSTRAINT pk_flow_run_input PRIMARY KEY (id),
    CONSTRAINT fk_flow_run_input_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_runs (id) ON DELETE CASCADE
)
 STRICT;

CREATE UNIQUE INDEX uq_flow_run_input_key ON flow_run_input (flow_run_id, "key");

CREATE TABLE tallies (
    noun TEXT NOT NULL,
    slot INTEGER NOT NULL,
    total INTEGER NOT NULL,
    CONSTRAINT pk_tallies PRIMARY KEY (noun, slot)
)
 WITHOUT ROWID,
 STRICT;

CREATE TRIGGER tally_flow_runs_insert AFTER INSERT ON flow_runs WHEN NEW.deleted_at IS NULL
BEGIN
    INSERT INTO tallies (noun, slot, total) VALUES ('flow_runs', 0, 1)
    ON CONFLICT (noun, slot) DO UPDATE SET total = total + excluded.total;
END;

CREATE TRIGGER tally_flow_runs_delete AFTER DELETE ON flow_runs WHEN OLD.deleted_at IS NULL
BEGIN
    INSERT INTO tallies (noun, slot, total) VALUES ('flow_runs', 0, -1)
    ON CONFLICT (noun, slot) DO UPDATE SET total = total + excluded.total;
END;

CREATE TRIGGER tally_flow_runs_mark AFTER UPDATE OF deleted_at ON flow_runs WHEN (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)
BEGIN
    INSERT INTO tallies (noun, slot, total) VALUES ('flow_runs', 0, CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END)
    ON CONFLICT (noun, slot) DO UPDATE SET total = total + excluded.total;
END;

CREATE TRIGGER tally_task_runs_insert AFTER INSERT ON task_runs WHEN NEW.deleted_at IS NULL
BEGIN
    INSERT INTO tallies (noun, slot, total) VALUES ('task_runs', 0, 1)
    ON CONFLICT (noun, slot) DO UPDATE SET total = total + excluded.total;
END;

CREATE TRIGGER tally_task_runs_delete AFTER DELETE ON task_runs WHEN OLD.deleted_at IS NULL
BEGIN
    INSERT INTO tallies (noun, slot, total) VALUES ('task_runs', 0, -1)
    ON CONFLICT (noun, slot) DO UPDATE SET total = total + excluded.total;
END;

CREATE TRIGGER tally_task_runs_mark AFTER UPDATE OF deleted_at ON task_runs WHEN (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)
BEGIN
    INSERT INTO tallies (noun, slot, total) VALUES ('task_runs', 0, CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END)
    ON CONFLICT (noun, slot) DO UPDATE SET total = total + excluded.total;
END;

INSERT INTO alembic_version (version_num) VALUES ('0002');
