CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE flows (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    tags JSONB DEFAULT '[]' NOT NULL,
    labels JSONB DEFAULT '{}',
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_flows PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_flows_name ON flows (name) WHERE deleted_at IS NULL;

CREATE TABLE flow_runs (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    flow_id UUID NOT NULL,
    deployment_id UUID,
    deployment_version TEXT,
    work_queue_id UUID,
    work_queue_name TEXT,
    flow_version TEXT,
    parameters JSONB DEFAULT '{}' NOT NULL,
    idempotency_key TEXT,
    context JSONB DEFAULT '{}' NOT NULL,
    empirical_policy JSONB DEFAULT '{}' NOT NULL,
    tags JSONB DEFAULT '[]' NOT NULL,
    labels JSONB DEFAULT '{}' NOT NULL,
    parent_task_run_id UUID,
    state_id UUID,
    state_type TEXT,
    state_name TEXT,
    state_timestamp TIMESTAMP WITH TIME ZONE,
    run_count INTEGER DEFAULT 0 NOT NULL,
    expected_start_time TIMESTAMP WITH TIME ZONE,
    next_scheduled_start_time TIMESTAMP WITH TIME ZONE,
    start_time TIMESTAMP WITH TIME ZONE,
    end_time TIMESTAMP WITH TIME ZONE,
    total_run_time DOUBLE PRECISION DEFAULT 0 NOT NULL,
    auto_scheduled BOOLEAN DEFAULT false NOT NULL,
    infrastructure_document_id UUID,
    infrastructure_pid TEXT,
    created_by JSONB,
    job_variables JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_flow_runs PRIMARY KEY (id),
    CONSTRAINT fk_flow_runs_flow_id FOREIGN KEY(flow_id) REFERENCES flows (id) ON DELETE CASCADE
);

CREATE INDEX ix_flow_runs_deployment_id ON flow_runs (deployment_id, id) WHERE deployment_id IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_end_time ON flow_runs (end_time DESC NULLS LAST, id DESC) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_expected_start_time ON flow_runs (expected_start_time, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_flow_id ON flow_runs (flow_id, id);

CREATE INDEX ix_flow_runs_name ON flow_runs (name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_next_scheduled_start_time ON flow_runs (next_scheduled_start_time) WHERE next_scheduled_start_time IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_parent_task_run_id ON flow_runs (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_start_time ON flow_runs (coalesce(start_time, expected_start_time), id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_state_name ON flow_runs (state_name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_state_type ON flow_runs (state_type, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_tags ON flow_runs USING gin (tags) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_flow_runs_idempotency_key ON flow_runs (flow_id, idempotency_key) WHERE idempotency_key IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE flow_run_states (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    flow_run_id UUID NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    message TEXT,
    data JSONB,
    state_details JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_flow_run_states PRIMARY KEY (id),
    CONSTRAINT fk_flow_run_states_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_runs (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX uq_flow_run_states_timestamp ON flow_run_states (flow_run_id, timestamp);

CREATE TABLE task_runs (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    flow_run_id UUID,
    task_key TEXT NOT NULL,
    dynamic_key TEXT NOT NULL,
    cache_key TEXT,
    cache_expiration TIMESTAMP WITH TIME ZONE,
    task_version TEXT,
    empirical_policy JSONB DEFAULT '{}' NOT NULL,
    tags JSONB DEFAULT '[]' NOT NULL,
    labels JSONB DEFAULT '{}',
    task_inputs JSONB DEFAULT '{}' NOT NULL,
    state_id UUID,
    state_type TEXT,
    state_name TEXT,
    state_timestamp TIMESTAMP WITH TIME ZONE,
    run_count INTEGER DEFAULT 0 NOT NULL,
    expected_start_time TIMESTAMP WITH TIME ZONE,
    next_scheduled_start_time TIMESTAMP WITH TIME ZONE,
    start_time TIMESTAMP WITH TIME ZONE,
    end_time TIMESTAMP WITH TIME ZONE,
    total_run_time DOUBLE PRECISION DEFAULT 0 NOT NULL,
    flow_run_run_count INTEGER DEFAULT 0 NOT NULL,
    field_stamps JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_task_runs PRIMARY KEY (id),
    CONSTRAINT fk_task_runs_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_runs (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_runs_end_time ON task_runs (end_time DESC NULLS LAST, id DESC) WHERE deleted_at IS NULL;

CREATE INDEX ix_task_runs_expected_start_time ON task_runs (expected_start_time, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_task_runs_flow_run_id ON task_runs (flow_run_id, id);

CREATE INDEX ix_task_runs_name ON task_runs (name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_task_runs_next_scheduled_start_time ON task_runs (next_scheduled_start_time) WHERE next_scheduled_start_time IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_task_runs_start_time ON task_runs (start_time) WHERE start_time IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_task_runs_state_type ON task_runs (state_type, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_task_runs_tags ON task_runs USING gin (tags) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_task_runs_key ON task_runs (flow_run_id, task_key, dynamic_key) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_task_runs_key_outside_flows ON task_runs (task_key, dynamic_key) WHERE flow_run_id IS NULL AND deleted_at IS NULL;

CREATE TABLE task_run_states (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    task_run_id UUID NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    message TEXT,
    data JSONB,
    state_details JSONB DEFAULT '{}' NOT NULL,
    CONSTRAINT pk_task_run_states PRIMARY KEY (id),
    CONSTRAINT fk_task_run_states_task_run_id FOREIGN KEY(task_run_id) REFERENCES task_runs (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_run_states_timestamp ON task_run_states (task_run_id, timestamp);

CREATE TABLE task_run_state_cache (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    cache_key TEXT NOT NULL,
    cache_expiration TIMESTAMP WITH TIME ZONE,
    task_run_state_id UUID NOT NULL,
    CONSTRAINT pk_task_run_state_cache PRIMARY KEY (id)
);

CREATE INDEX ix_task_run_state_cache_cache_key ON task_run_state_cache (cache_key, id);

CREATE TABLE logs (
    timestamp TIMESTAMP WITH TIME ZONE NOT NULL,
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    level INTEGER NOT NULL,
    message TEXT NOT NULL,
    flow_run_id UUID,
    task_run_id UUID,
    CONSTRAINT pk_logs PRIMARY KEY (timestamp, id)
);

CREATE INDEX ix_logs_flow_run_id ON logs (flow_run_id, timestamp, id);

CREATE INDEX ix_logs_task_run_id ON logs (task_run_id, timestamp, id) WHERE task_run_id IS NOT NULL;

CREATE TABLE flow_run_input (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    flow_run_id UUID NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    sender TEXT,
    CONSTRAINT pk_flow_run_input PRIMARY KEY (id),
    CONSTRAINT fk_flow_run_input_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_runs (id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX uq_flow_run_input_key ON flow_run_input (flow_run_id, key);

CREATE TABLE tallies (
    noun TEXT NOT NULL,
    slot INTEGER NOT NULL,
    total BIGINT NOT NULL,
    CONSTRAINT pk_tallies PRIMARY KEY (noun, slot)
);

CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS $tally$
DECLARE
    change bigint;
BEGIN
    CASE TG_OP
        WHEN 'INSERT' THEN SELECT count(*) INTO change FROM changed WHERE deleted_at IS NULL;
        WHEN 'DELETE' THEN SELECT -count(*) INTO change FROM changed WHERE deleted_at IS NULL;
        ELSE change := CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END;
    END CASE;
    IF change <> 0 THEN
        INSERT INTO tallies (noun, slot, total) VALUES (TG_TABLE_NAME, pg_backend_pid() % 1024, change)
        ON CONFLICT (noun, slot) DO UPDATE SET total = tallies.total + excluded.total;
    END IF;
    RETURN NULL;
END $tally$;

CREATE TRIGGER tally_insert AFTER INSERT ON flow_runs REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally();

CREATE TRIGGER tally_delete AFTER DELETE ON flow_runs REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally();

CREATE TRIGGER tally_mark AFTER UPDATE OF deleted_at ON flow_runs FOR EACH ROW WHEN ((OLD.deleted_at IS NULL) IS DISTINCT FROM (NEW.deleted_at IS NULL)) EXECUTE FUNCTION tally();

CREATE TRIGGER tally_insert AFTER INSERT ON task_runs REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally();

CREATE TRIGGER tally_delete AFTER DELETE ON task_runs REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally();

CREATE TRIGGER tally_mark AFTER UPDATE OF deleted_at ON task_runs FOR EACH ROW WHEN ((OLD.deleted_at IS NULL) IS DISTINCT FROM (NEW.deleted_at IS NULL)) EXECUTE FUNCTION tally();

INSERT INTO alembic_version (version_num) VALUES ('0002');
