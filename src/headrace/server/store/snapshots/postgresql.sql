CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE artifact_collections (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    key TEXT NOT NULL,
    latest_id UUID NOT NULL,
    type TEXT,
    data JSONB,
    description TEXT,
    metadata_ JSONB,
    flow_run_id UUID,
    task_run_id UUID,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_artifact_collections PRIMARY KEY (id)
);

CREATE INDEX ix_artifact_collections_latest_id ON artifact_collections (latest_id) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_artifact_collections_key ON artifact_collections (key) WHERE deleted_at IS NULL;

CREATE TABLE artifacts (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    key TEXT,
    type TEXT,
    data JSONB,
    description TEXT,
    metadata_ JSONB,
    flow_run_id UUID,
    task_run_id UUID,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by UUID,
    CONSTRAINT pk_artifacts PRIMARY KEY (id)
);

CREATE INDEX ix_artifacts_deleted_at ON artifacts (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_artifacts_flow_run_id ON artifacts (flow_run_id, id) WHERE flow_run_id IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_artifacts_key ON artifacts (key, id) WHERE key IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_artifacts_task_run_id ON artifacts (task_run_id, id) WHERE task_run_id IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE automation_actions (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    automation_id UUID NOT NULL,
    firing_id UUID NOT NULL,
    position INTEGER NOT NULL,
    action JSON NOT NULL,
    event JSON,
    status TEXT DEFAULT 'PENDING' NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    due TIMESTAMP WITH TIME ZONE NOT NULL,
    claimed_until TIMESTAMP WITH TIME ZONE,
    ended TIMESTAMP WITH TIME ZONE,
    reason TEXT,
    result JSON,
    CONSTRAINT pk_automation_actions PRIMARY KEY (id)
);

CREATE INDEX ix_automation_actions_automation_id ON automation_actions (automation_id, created);

CREATE INDEX ix_automation_actions_due ON automation_actions (due) WHERE status IN ('PENDING', 'RUNNING');

CREATE INDEX ix_automation_actions_firing_id ON automation_actions (firing_id);

CREATE TABLE automation_firings (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    automation_id UUID NOT NULL,
    trigger_id UUID NOT NULL,
    posture TEXT,
    state TEXT NOT NULL,
    fired_at TIMESTAMP WITH TIME ZONE NOT NULL,
    key TEXT DEFAULT '[]' NOT NULL,
    event_id UUID,
    event JSON,
    firing JSON NOT NULL,
    CONSTRAINT pk_automation_firings PRIMARY KEY (id)
);

CREATE INDEX ix_automation_firings_automation_id ON automation_firings (automation_id, fired_at);

CREATE INDEX ix_automation_firings_fired_at ON automation_firings (fired_at);

CREATE TABLE automations (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    enabled BOOLEAN DEFAULT true NOT NULL,
    tags JSONB DEFAULT '[]' NOT NULL,
    trigger JSON NOT NULL,
    actions JSON DEFAULT '[]' NOT NULL,
    actions_on_trigger JSON DEFAULT '[]' NOT NULL,
    actions_on_resolve JSON DEFAULT '[]' NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by UUID,
    CONSTRAINT pk_automations PRIMARY KEY (id)
);

CREATE INDEX ix_automations_deleted_at ON automations (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_automations_name ON automations (name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_automations_tags ON automations USING gin (tags) WHERE deleted_at IS NULL;

CREATE INDEX ix_automations_updated ON automations (updated, id) WHERE deleted_at IS NULL;

CREATE TABLE block_types (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    logo_url TEXT,
    documentation_url TEXT,
    description TEXT,
    code_example TEXT,
    is_protected BOOLEAN DEFAULT false NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_block_types PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_block_types_slug ON block_types (slug) WHERE deleted_at IS NULL;

CREATE TABLE concurrency_leases (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    holder_type TEXT,
    holder_id UUID,
    slots INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_concurrency_leases PRIMARY KEY (id)
);

CREATE INDEX ix_concurrency_leases_expires_at ON concurrency_leases (expires_at);

CREATE INDEX ix_concurrency_leases_holder_id ON concurrency_leases (holder_id);

CREATE TABLE concurrency_limits (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    slot_limit INTEGER NOT NULL,
    active_slots INTEGER DEFAULT 0 NOT NULL,
    denied_slots INTEGER DEFAULT 0 NOT NULL,
    slot_decay_per_second DOUBLE PRECISION DEFAULT 0 NOT NULL,
    avg_slot_occupancy_seconds DOUBLE PRECISION DEFAULT 2 NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_concurrency_limits PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_concurrency_limits_name ON concurrency_limits (name) WHERE deleted_at IS NULL;

CREATE TABLE configuration (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    key TEXT NOT NULL,
    value JSONB NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_configuration PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_configuration_key ON configuration (key) WHERE deleted_at IS NULL;

CREATE TABLE event_consumers (
    name TEXT NOT NULL,
    seq BIGINT DEFAULT 0 NOT NULL,
    handled BIGINT DEFAULT 0 NOT NULL,
    quarantined BIGINT DEFAULT 0 NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_event_consumers PRIMARY KEY (name)
);

CREATE TABLE event_followers (
    consumer TEXT NOT NULL,
    seq BIGINT NOT NULL,
    id UUID NOT NULL,
    follows UUID NOT NULL,
    received TIMESTAMP WITH TIME ZONE NOT NULL,
    occurred TIMESTAMP WITH TIME ZONE NOT NULL,
    ready BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_event_followers PRIMARY KEY (consumer, seq)
);

CREATE INDEX ix_event_followers_follows ON event_followers (consumer, follows);

CREATE INDEX ix_event_followers_id ON event_followers (consumer, id);

CREATE INDEX ix_event_followers_ready ON event_followers (consumer, occurred, seq) WHERE ready;

CREATE INDEX ix_event_followers_received ON event_followers (consumer, received);

CREATE TABLE event_quarantine (
    id UUID NOT NULL,
    quarantined_at TIMESTAMP WITH TIME ZONE NOT NULL,
    consumer TEXT,
    event_id UUID,
    event TEXT,
    seq BIGINT,
    reason TEXT NOT NULL,
    body BYTEA NOT NULL,
    bytes INTEGER NOT NULL,
    CONSTRAINT pk_event_quarantine PRIMARY KEY (id)
);

CREATE INDEX ix_event_quarantine_consumer ON event_quarantine (consumer, quarantined_at);

CREATE INDEX ix_event_quarantine_quarantined_at ON event_quarantine (quarantined_at);

CREATE TABLE event_resources (
    resource_id TEXT COLLATE "C" NOT NULL,
    occurred TIMESTAMP WITH TIME ZONE NOT NULL,
    seq BIGINT NOT NULL,
    position INTEGER NOT NULL,
    role TEXT,
    CONSTRAINT pk_event_resources PRIMARY KEY (resource_id, occurred, seq, position)
);

CREATE TABLE events (
    seq BIGINT GENERATED BY DEFAULT AS IDENTITY,
    id UUID NOT NULL,
    occurred TIMESTAMP WITH TIME ZONE NOT NULL,
    received TIMESTAMP WITH TIME ZONE NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    resource JSONB NOT NULL,
    related JSONB DEFAULT '[]' NOT NULL,
    payload TEXT NOT NULL,
    follows UUID,
    CONSTRAINT pk_events PRIMARY KEY (seq)
);

CREATE INDEX ix_events_event ON events (event, occurred, seq);

CREATE INDEX ix_events_occurred ON events (occurred, seq);

CREATE UNIQUE INDEX uq_events_id ON events (id);

CREATE TABLE flows (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    tags JSONB DEFAULT '[]' NOT NULL,
    labels JSONB DEFAULT '{}',
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by UUID,
    CONSTRAINT pk_flows PRIMARY KEY (id)
);

CREATE INDEX ix_flows_deleted_at ON flows (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE UNIQUE INDEX uq_flows_name ON flows (name) WHERE deleted_at IS NULL;

CREATE TABLE hidden_runs (
    id UUID NOT NULL,
    operation_id UUID NOT NULL,
    CONSTRAINT pk_hidden_runs PRIMARY KEY (id)
);

CREATE INDEX ix_hidden_runs_operation_id ON hidden_runs (operation_id, id);

CREATE TABLE history_changes (
    noun TEXT NOT NULL,
    span INTEGER NOT NULL
);

CREATE INDEX ix_history_changes_span ON history_changes (noun, span);

CREATE TABLE history_spans (
    noun TEXT NOT NULL,
    span INTEGER NOT NULL,
    counting UUID NOT NULL,
    is_counted BOOLEAN DEFAULT false NOT NULL,
    sums JSON,
    CONSTRAINT pk_history_spans PRIMARY KEY (noun, span)
);

CREATE TABLE history_steps (
    noun TEXT NOT NULL,
    step INTEGER NOT NULL,
    sums JSON NOT NULL,
    CONSTRAINT pk_history_steps PRIMARY KEY (noun, step)
);

CREATE TABLE log_arrivals (
    seq BIGINT GENERATED BY DEFAULT AS IDENTITY,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    lines JSONB NOT NULL,
    CONSTRAINT pk_log_arrivals PRIMARY KEY (seq)
);

CREATE INDEX ix_log_arrivals_created ON log_arrivals (created);

CREATE TABLE log_trims (
    log TEXT NOT NULL,
    seq BIGINT DEFAULT 0 NOT NULL,
    removed BIGINT DEFAULT 0 NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_log_trims PRIMARY KEY (log)
);

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
)
 PARTITION BY RANGE (timestamp);

CREATE INDEX ix_logs_flow_run_id ON logs (flow_run_id, timestamp, id);

CREATE INDEX ix_logs_task_run_id ON logs (task_run_id, timestamp, id) WHERE task_run_id IS NOT NULL;

CREATE TABLE logs_default PARTITION OF logs DEFAULT;

CREATE TABLE operation_items (
    operation_id UUID NOT NULL,
    position BIGINT NOT NULL,
    noun TEXT NOT NULL,
    id UUID NOT NULL,
    status TEXT,
    error TEXT,
    CONSTRAINT pk_operation_items PRIMARY KEY (operation_id, position)
);

CREATE INDEX ix_operation_items_status ON operation_items (operation_id, status, position) WHERE status IS NOT NULL;

CREATE TABLE operations (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT NOT NULL,
    noun TEXT NOT NULL,
    status TEXT NOT NULL,
    target JSONB DEFAULT '{}' NOT NULL,
    given_ids BYTEA,
    items_of UUID,
    options JSONB DEFAULT '{}' NOT NULL,
    reason TEXT,
    created_by JSONB,
    policy TEXT,
    idempotency_key TEXT,
    fingerprint TEXT,
    undoes UUID,
    undone_by UUID,
    abort_requested BOOLEAN DEFAULT false NOT NULL,
    frozen TIMESTAMP WITH TIME ZONE,
    started TIMESTAMP WITH TIME ZONE,
    finished TIMESTAMP WITH TIME ZONE,
    holder TEXT,
    held_until TIMESTAMP WITH TIME ZONE,
    total BIGINT DEFAULT 0 NOT NULL,
    position BIGINT DEFAULT 0 NOT NULL,
    changed BIGINT DEFAULT 0 NOT NULL,
    skipped BIGINT DEFAULT 0 NOT NULL,
    failed BIGINT DEFAULT 0 NOT NULL,
    counts JSONB DEFAULT '{}' NOT NULL,
    error TEXT,
    purge_at TIMESTAMP WITH TIME ZONE,
    purge_position BIGINT DEFAULT 0 NOT NULL,
    purged TIMESTAMP WITH TIME ZONE,
    purged_rows BIGINT DEFAULT 0 NOT NULL,
    purged_bytes BIGINT DEFAULT 0 NOT NULL,
    forgotten TIMESTAMP WITH TIME ZONE,
    emptied TIMESTAMP WITH TIME ZONE,
    failures JSONB,
    CONSTRAINT pk_operations PRIMARY KEY (id)
);

CREATE INDEX ix_operations_created ON operations (created, id);

CREATE INDEX ix_operations_items_of ON operations (items_of) WHERE items_of IS NOT NULL;

CREATE INDEX ix_operations_kept ON operations (finished) WHERE finished IS NOT NULL AND emptied IS NULL AND (purge_at IS NULL OR purged IS NOT NULL);

CREATE INDEX ix_operations_open ON operations (created) WHERE finished IS NULL;

CREATE INDEX ix_operations_purge_at ON operations (purge_at) WHERE purge_at IS NOT NULL AND purged IS NULL;

CREATE UNIQUE INDEX uq_operations_idempotency_key ON operations (idempotency_key);

CREATE TABLE retention_policies (
    name TEXT NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    max_age DOUBLE PRECISION,
    keep_last INTEGER,
    last_run TIMESTAMP WITH TIME ZONE,
    started TIMESTAMP WITH TIME ZONE,
    passed TIMESTAMP WITH TIME ZONE,
    last_removed BIGINT DEFAULT 0 NOT NULL,
    removed BIGINT DEFAULT 0 NOT NULL,
    operation_id UUID,
    CONSTRAINT pk_retention_policies PRIMARY KEY (name)
);

CREATE TABLE saved_searches (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    filters JSONB DEFAULT '[]' NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_saved_searches PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_saved_searches_name ON saved_searches (name) WHERE deleted_at IS NULL;

CREATE TABLE services (
    name TEXT NOT NULL,
    paused BOOLEAN DEFAULT false NOT NULL,
    holder TEXT,
    held_until TIMESTAMP WITH TIME ZONE,
    run_requested_at TIMESTAMP WITH TIME ZONE,
    ticks BIGINT DEFAULT 0 NOT NULL,
    last_tick TIMESTAMP WITH TIME ZONE,
    duration DOUBLE PRECISION,
    lag DOUBLE PRECISION,
    errors BIGINT DEFAULT 0 NOT NULL,
    failures INTEGER DEFAULT 0 NOT NULL,
    last_error TEXT,
    last_error_at TIMESTAMP WITH TIME ZONE,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_services PRIMARY KEY (name)
);

CREATE TABLE tallies (
    noun TEXT NOT NULL,
    slot INTEGER NOT NULL,
    total BIGINT NOT NULL,
    CONSTRAINT pk_tallies PRIMARY KEY (noun, slot)
);

CREATE TABLE task_run_state_cache (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    cache_key TEXT NOT NULL,
    cache_expiration TIMESTAMP WITH TIME ZONE,
    task_run_state_id UUID NOT NULL,
    CONSTRAINT pk_task_run_state_cache PRIMARY KEY (id)
);

CREATE INDEX ix_task_run_state_cache_cache_key ON task_run_state_cache (cache_key, id);

CREATE INDEX ix_task_run_state_cache_state_id ON task_run_state_cache (task_run_state_id);

CREATE TABLE task_workers (
    id UUID NOT NULL,
    identifier TEXT NOT NULL,
    task_keys JSONB DEFAULT '[]' NOT NULL,
    last_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_task_workers PRIMARY KEY (id)
);

CREATE TABLE variables (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    value JSONB,
    tags JSONB DEFAULT '[]' NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by UUID,
    CONSTRAINT pk_variables PRIMARY KEY (id)
);

CREATE INDEX ix_variables_deleted_at ON variables (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE UNIQUE INDEX uq_variables_name ON variables (name) WHERE deleted_at IS NULL;

CREATE TABLE work_pools (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    type TEXT NOT NULL,
    base_job_template JSON DEFAULT '{}' NOT NULL,
    is_paused BOOLEAN DEFAULT false NOT NULL,
    concurrency_limit INTEGER,
    default_queue_id UUID,
    status TEXT,
    last_status_event_id UUID,
    last_transitioned_status_at TIMESTAMP WITH TIME ZONE,
    storage_configuration JSONB DEFAULT '{}' NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_work_pools PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_work_pools_name ON work_pools (name) WHERE deleted_at IS NULL;

CREATE TABLE automation_buckets (
    automation_id UUID NOT NULL,
    trigger_id UUID NOT NULL,
    key TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    count INTEGER DEFAULT 0 NOT NULL,
    last_event JSON,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_automation_buckets PRIMARY KEY (trigger_id, key),
    CONSTRAINT fk_automation_buckets_automation_id FOREIGN KEY(automation_id) REFERENCES automations (id) ON DELETE CASCADE
);

CREATE INDEX ix_automation_buckets_automation_id ON automation_buckets (automation_id);

CREATE INDEX ix_automation_buckets_until ON automation_buckets (until);

CREATE TABLE automation_child_firings (
    automation_id UUID NOT NULL,
    parent_trigger_id UUID NOT NULL,
    child_trigger_id UUID NOT NULL,
    id UUID NOT NULL,
    fired_at TIMESTAMP WITH TIME ZONE NOT NULL,
    firing JSON NOT NULL,
    CONSTRAINT pk_automation_child_firings PRIMARY KEY (parent_trigger_id, child_trigger_id),
    CONSTRAINT fk_automation_child_firings_automation_id FOREIGN KEY(automation_id) REFERENCES automations (id) ON DELETE CASCADE
);

CREATE INDEX ix_automation_child_firings_automation_id ON automation_child_firings (automation_id);

CREATE INDEX ix_automation_child_firings_fired_at ON automation_child_firings (fired_at);

CREATE TABLE automation_resources (
    automation_id UUID NOT NULL,
    resource_id TEXT NOT NULL,
    owns BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_automation_resources PRIMARY KEY (automation_id, resource_id),
    CONSTRAINT fk_automation_resources_automation_id FOREIGN KEY(automation_id) REFERENCES automations (id) ON DELETE CASCADE
);

CREATE INDEX ix_automation_resources_resource_id ON automation_resources (resource_id, automation_id);

CREATE TABLE block_schemas (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    checksum TEXT NOT NULL,
    fields JSON DEFAULT '{}' NOT NULL,
    capabilities JSONB DEFAULT '[]' NOT NULL,
    version TEXT NOT NULL,
    block_type_id UUID NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_block_schemas PRIMARY KEY (id),
    CONSTRAINT fk_block_schemas_block_type_id FOREIGN KEY(block_type_id) REFERENCES block_types (id) ON DELETE CASCADE
);

CREATE INDEX ix_block_schemas_block_type_id ON block_schemas (block_type_id);

CREATE UNIQUE INDEX uq_block_schemas_checksum ON block_schemas (checksum, version) WHERE deleted_at IS NULL;

CREATE TABLE concurrency_lease_limits (
    lease_id UUID NOT NULL,
    limit_id UUID NOT NULL,
    CONSTRAINT pk_concurrency_lease_limits PRIMARY KEY (lease_id, limit_id),
    CONSTRAINT fk_concurrency_lease_limits_lease_id FOREIGN KEY(lease_id) REFERENCES concurrency_leases (id) ON DELETE CASCADE,
    CONSTRAINT fk_concurrency_lease_limits_limit_id FOREIGN KEY(limit_id) REFERENCES concurrency_limits (id) ON DELETE CASCADE
);

CREATE INDEX ix_concurrency_lease_limits_limit_id ON concurrency_lease_limits (limit_id);

CREATE TABLE deployments (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    version TEXT,
    description TEXT,
    flow_id UUID NOT NULL,
    paused BOOLEAN DEFAULT false NOT NULL,
    tags JSONB DEFAULT '[]' NOT NULL,
    labels JSONB DEFAULT '{}' NOT NULL,
    parameters JSONB DEFAULT '{}' NOT NULL,
    parameter_openapi_schema JSON,
    enforce_parameter_schema BOOLEAN DEFAULT true NOT NULL,
    entrypoint TEXT,
    path TEXT,
    pull_steps JSONB,
    job_variables JSONB DEFAULT '{}' NOT NULL,
    concurrency_limit_id UUID,
    concurrency_options JSONB,
    work_queue_id UUID,
    work_queue_name TEXT,
    storage_document_id UUID,
    infrastructure_document_id UUID,
    last_polled TIMESTAMP WITH TIME ZONE,
    status TEXT DEFAULT 'NOT_READY' NOT NULL,
    created_by JSONB,
    updated_by JSONB,
    version_id UUID,
    version_info JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by UUID,
    CONSTRAINT pk_deployments PRIMARY KEY (id),
    CONSTRAINT fk_deployments_flow_id FOREIGN KEY(flow_id) REFERENCES flows (id) ON DELETE CASCADE
);

CREATE INDEX ix_deployments_deleted_at ON deployments (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_deployments_flow_id ON deployments (flow_id);

CREATE INDEX ix_deployments_name ON deployments (name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_deployments_work_queue_id ON deployments (work_queue_id) WHERE work_queue_id IS NOT NULL AND deleted_at IS NULL;

CREATE UNIQUE INDEX uq_deployments_name ON deployments (flow_id, name) WHERE deleted_at IS NULL;

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
    deadline TIMESTAMP WITH TIME ZONE,
    lease_seconds DOUBLE PRECISION,
    lease_holder TEXT,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by UUID,
    CONSTRAINT pk_flow_runs PRIMARY KEY (id),
    CONSTRAINT fk_flow_runs_flow_id FOREIGN KEY(flow_id) REFERENCES flows (id) ON DELETE CASCADE
);

CREATE INDEX ix_flow_runs_deadline ON flow_runs (deadline) WHERE deadline IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_deleted_at ON flow_runs (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_flow_runs_deployment_id ON flow_runs (deployment_id, id) WHERE deployment_id IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_deployment_next_scheduled ON flow_runs (deployment_id, next_scheduled_start_time) WHERE deployment_id IS NOT NULL AND next_scheduled_start_time IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_end_time ON flow_runs (end_time DESC NULLS LAST, id DESC) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_expected_start_time ON flow_runs (expected_start_time, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_flow_id ON flow_runs (flow_id, id);

CREATE INDEX ix_flow_runs_id ON flow_runs (id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_name ON flow_runs (name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_next_scheduled_start_time ON flow_runs (next_scheduled_start_time) WHERE next_scheduled_start_time IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_not_late ON flow_runs (next_scheduled_start_time) WHERE state_name = 'Scheduled' AND next_scheduled_start_time IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_parent_task_run_id ON flow_runs (parent_task_run_id) WHERE parent_task_run_id IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_start_time ON flow_runs (coalesce(start_time, expected_start_time), id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_state_name ON flow_runs (state_name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_state_type ON flow_runs (state_type, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_tags ON flow_runs USING gin (tags) WHERE deleted_at IS NULL;

CREATE INDEX ix_flow_runs_under_way ON flow_runs (deployment_id) WHERE deployment_id IS NOT NULL AND end_time IS NULL AND (state_type <> 'SCHEDULED' OR run_count > 0) AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_work_queue_id ON flow_runs (work_queue_id, state_type, next_scheduled_start_time) WHERE work_queue_id IS NOT NULL AND deleted_at IS NULL;

CREATE UNIQUE INDEX uq_flow_runs_idempotency_key ON flow_runs (flow_id, idempotency_key) WHERE idempotency_key IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE work_queues (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    work_pool_id UUID NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    is_paused BOOLEAN DEFAULT false NOT NULL,
    concurrency_limit INTEGER,
    priority INTEGER DEFAULT 1 NOT NULL,
    last_polled TIMESTAMP WITH TIME ZONE,
    status TEXT,
    filter JSONB,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_work_queues PRIMARY KEY (id),
    CONSTRAINT fk_work_queues_work_pool_id FOREIGN KEY(work_pool_id) REFERENCES work_pools (id) ON DELETE CASCADE
);

CREATE INDEX ix_work_queues_work_pool_id ON work_queues (work_pool_id, priority);

CREATE UNIQUE INDEX uq_work_queues_name ON work_queues (work_pool_id, name) WHERE deleted_at IS NULL;

CREATE TABLE workers (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    work_pool_id UUID NOT NULL,
    name TEXT NOT NULL,
    last_heartbeat_time TIMESTAMP WITH TIME ZONE,
    heartbeat_interval_seconds INTEGER,
    status TEXT,
    deleted_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_workers PRIMARY KEY (id),
    CONSTRAINT fk_workers_work_pool_id FOREIGN KEY(work_pool_id) REFERENCES work_pools (id) ON DELETE CASCADE
);

CREATE INDEX ix_workers_work_pool_id ON workers (work_pool_id);

CREATE UNIQUE INDEX uq_workers_name ON workers (work_pool_id, name) WHERE deleted_at IS NULL;

CREATE TABLE block_documents (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    is_anonymous BOOLEAN DEFAULT false NOT NULL,
    block_type_id UUID NOT NULL,
    block_type_name TEXT,
    block_schema_id UUID NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by UUID,
    CONSTRAINT pk_block_documents PRIMARY KEY (id),
    CONSTRAINT fk_block_documents_block_type_id FOREIGN KEY(block_type_id) REFERENCES block_types (id) ON DELETE CASCADE,
    CONSTRAINT fk_block_documents_block_schema_id FOREIGN KEY(block_schema_id) REFERENCES block_schemas (id) ON DELETE CASCADE
);

CREATE INDEX ix_block_documents_block_schema_id ON block_documents (block_schema_id);

CREATE INDEX ix_block_documents_block_type_id ON block_documents (block_type_id);

CREATE INDEX ix_block_documents_deleted_at ON block_documents (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_block_documents_name ON block_documents (name, id) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_block_documents_name ON block_documents (block_type_id, name) WHERE deleted_at IS NULL;

CREATE TABLE block_schema_references (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    parent_block_schema_id UUID NOT NULL,
    reference_block_schema_id UUID NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_block_schema_references PRIMARY KEY (id),
    CONSTRAINT fk_block_schema_references_parent_block_schema_id FOREIGN KEY(parent_block_schema_id) REFERENCES block_schemas (id) ON DELETE CASCADE,
    CONSTRAINT fk_block_schema_references_reference_block_schema_id FOREIGN KEY(reference_block_schema_id) REFERENCES block_schemas (id) ON DELETE CASCADE
);

CREATE INDEX ix_block_schema_references_reference_id ON block_schema_references (reference_block_schema_id);

CREATE UNIQUE INDEX uq_block_schema_references_name ON block_schema_references (parent_block_schema_id, name, reference_block_schema_id);

CREATE TABLE cancellations (
    flow_run_id UUID NOT NULL,
    root_id UUID NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    requested_by JSONB,
    deadline TIMESTAMP WITH TIME ZONE,
    spread_at TIMESTAMP WITH TIME ZONE,
    told_at TIMESTAMP WITH TIME ZONE,
    told TEXT,
    killed_at TIMESTAMP WITH TIME ZONE,
    killed TEXT,
    final_at TIMESTAMP WITH TIME ZONE,
    final_by TEXT,
    infrastructure TEXT DEFAULT 'unknown' NOT NULL,
    message TEXT,
    CONSTRAINT pk_cancellations PRIMARY KEY (flow_run_id),
    CONSTRAINT fk_cancellations_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_runs (id) ON DELETE CASCADE
);

CREATE INDEX ix_cancellations_open ON cancellations (requested_at) WHERE final_at IS NULL;

CREATE INDEX ix_cancellations_root_id ON cancellations (root_id);

CREATE TABLE deployment_schedules (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    deployment_id UUID NOT NULL,
    active BOOLEAN DEFAULT true NOT NULL,
    schedule JSON NOT NULL,
    parameters JSONB DEFAULT '{}' NOT NULL,
    slug TEXT,
    max_scheduled_runs INTEGER,
    catchup TEXT DEFAULT 'none' NOT NULL,
    max_queued INTEGER,
    if_running TEXT DEFAULT 'start' NOT NULL,
    scheduled_until TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE,
    error TEXT,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by UUID,
    CONSTRAINT pk_deployment_schedules PRIMARY KEY (id),
    CONSTRAINT fk_deployment_schedules_deployment_id FOREIGN KEY(deployment_id) REFERENCES deployments (id) ON DELETE CASCADE
);

CREATE INDEX ix_deployment_schedules_deleted_at ON deployment_schedules (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_deployment_schedules_deployment_id ON deployment_schedules (deployment_id);

CREATE INDEX ix_deployment_schedules_due_at ON deployment_schedules (due_at) WHERE due_at IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_deployment_schedules_if_running ON deployment_schedules (deployment_id) WHERE if_running <> 'start' AND deleted_at IS NULL;

CREATE UNIQUE INDEX uq_deployment_schedules_slug ON deployment_schedules (deployment_id, slug) WHERE deleted_at IS NULL;

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
    deadline TIMESTAMP WITH TIME ZONE,
    lease_id UUID,
    deleted_at TIMESTAMP WITH TIME ZONE,
    deleted_by UUID,
    CONSTRAINT pk_task_runs PRIMARY KEY (id),
    CONSTRAINT fk_task_runs_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_runs (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_runs_deadline ON task_runs (deadline) WHERE deadline IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_task_runs_deleted_at ON task_runs (deleted_at, id) WHERE deleted_at IS NOT NULL;

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

CREATE TABLE block_document_references (
    id UUID NOT NULL,
    created TIMESTAMP WITH TIME ZONE NOT NULL,
    updated TIMESTAMP WITH TIME ZONE NOT NULL,
    parent_block_document_id UUID NOT NULL,
    reference_block_document_id UUID NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_block_document_references PRIMARY KEY (id),
    CONSTRAINT fk_block_document_references_parent_block_document_id FOREIGN KEY(parent_block_document_id) REFERENCES block_documents (id) ON DELETE CASCADE,
    CONSTRAINT fk_block_document_references_reference_block_document_id FOREIGN KEY(reference_block_document_id) REFERENCES block_documents (id) ON DELETE CASCADE
);

CREATE INDEX ix_block_document_references_reference_id ON block_document_references (reference_block_document_id);

CREATE UNIQUE INDEX uq_block_document_references_name ON block_document_references (parent_block_document_id, name);

CREATE TABLE task_queue (
    task_run_id UUID NOT NULL,
    task_key TEXT NOT NULL,
    place INTEGER DEFAULT 1 NOT NULL,
    available_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deliveries INTEGER DEFAULT 0 NOT NULL,
    delivery_id UUID,
    CONSTRAINT pk_task_queue PRIMARY KEY (task_run_id),
    CONSTRAINT fk_task_queue_task_run_id FOREIGN KEY(task_run_id) REFERENCES task_runs (id) ON DELETE CASCADE
);

CREATE INDEX ix_task_queue_available_at ON task_queue (task_key, place, available_at);

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

CREATE TRIGGER tally_mark AFTER UPDATE OF deleted_at ON flow_runs FOR EACH ROW WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) AND OLD.deleted_by IS NULL AND NEW.deleted_by IS NULL) EXECUTE FUNCTION tally();

CREATE TRIGGER tally_insert AFTER INSERT ON task_runs REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally();

CREATE TRIGGER tally_delete AFTER DELETE ON task_runs REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tally();

CREATE TRIGGER tally_mark AFTER UPDATE OF deleted_at ON task_runs FOR EACH ROW WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) AND OLD.deleted_by IS NULL AND NEW.deleted_by IS NULL) EXECUTE FUNCTION tally();

CREATE FUNCTION release() RETURNS trigger LANGUAGE plpgsql AS $release$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM concurrency_leases WHERE id IN (
            SELECT l.id FROM concurrency_leases l JOIN gone g ON g.id = l.holder_id ORDER BY l.id FOR UPDATE OF l
        );
    ELSE
        DELETE FROM concurrency_leases WHERE id IN (
            SELECT l.id FROM concurrency_leases l WHERE l.holder_id = NEW.id ORDER BY l.id FOR UPDATE
        );
    END IF;
    RETURN NULL;
END $release$;

CREATE TRIGGER release_delete AFTER DELETE ON flow_runs REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION release();

CREATE TRIGGER release_mark AFTER UPDATE OF deleted_at ON flow_runs FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL AND NEW.deleted_by IS NULL) EXECUTE FUNCTION release();

CREATE TRIGGER release_delete AFTER DELETE ON task_runs REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION release();

CREATE TRIGGER release_mark AFTER UPDATE OF deleted_at ON task_runs FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL AND NEW.deleted_by IS NULL) EXECUTE FUNCTION release();

CREATE FUNCTION change_history() RETURNS trigger LANGUAGE plpgsql AS $change$
DECLARE
    old_span integer;
    new_span integer;
BEGIN
    IF TG_OP <> 'INSERT' THEN old_span := floor(extract(epoch FROM OLD.expected_start_time) / 900)::integer; END IF;
    IF TG_OP <> 'DELETE' THEN new_span := floor(extract(epoch FROM NEW.expected_start_time) / 900)::integer; END IF;
    PERFORM pg_advisory_xact_lock_shared(7465227041);
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = TG_TABLE_NAME AND span IN (old_span, new_span)
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = TG_TABLE_NAME AND span = counted.span);
    RETURN NULL;
END $change$;

CREATE TRIGGER history_insert AFTER INSERT ON flow_runs FOR EACH ROW WHEN (NEW.expected_start_time < clock_timestamp() - interval '600 seconds') EXECUTE FUNCTION change_history();

CREATE TRIGGER history_delete AFTER DELETE ON flow_runs FOR EACH ROW WHEN ((OLD.expected_start_time < clock_timestamp() - interval '600 seconds') AND OLD.deleted_by IS NULL) EXECUTE FUNCTION change_history();

CREATE TRIGGER history_update AFTER UPDATE OF expected_start_time, state_type, state_name, state_timestamp, start_time, total_run_time, deleted_at ON flow_runs FOR EACH ROW WHEN ((OLD.expected_start_time < clock_timestamp() - interval '600 seconds' OR NEW.expected_start_time < clock_timestamp() - interval '600 seconds') AND OLD.deleted_by IS NULL AND NEW.deleted_by IS NULL) EXECUTE FUNCTION change_history();

CREATE TRIGGER history_insert AFTER INSERT ON task_runs FOR EACH ROW WHEN (NEW.expected_start_time < clock_timestamp() - interval '600 seconds') EXECUTE FUNCTION change_history();

CREATE TRIGGER history_delete AFTER DELETE ON task_runs FOR EACH ROW WHEN ((OLD.expected_start_time < clock_timestamp() - interval '600 seconds') AND OLD.deleted_by IS NULL) EXECUTE FUNCTION change_history();

CREATE TRIGGER history_update AFTER UPDATE OF expected_start_time, state_type, state_name, state_timestamp, start_time, total_run_time, deleted_at ON task_runs FOR EACH ROW WHEN ((OLD.expected_start_time < clock_timestamp() - interval '600 seconds' OR NEW.expected_start_time < clock_timestamp() - interval '600 seconds') AND OLD.deleted_by IS NULL AND NEW.deleted_by IS NULL) EXECUTE FUNCTION change_history();

INSERT INTO alembic_version (version_num) VALUES ('0012');
