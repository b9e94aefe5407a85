CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE artifact_collections (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    latest_id TEXT NOT NULL,
    type TEXT,
    data TEXT,
    description TEXT,
    metadata_ TEXT,
    flow_run_id TEXT,
    task_run_id TEXT,
    deleted_at INTEGER,
    CONSTRAINT pk_artifact_collections PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_artifact_collections_latest_id ON artifact_collections (latest_id) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_artifact_collections_key ON artifact_collections ("key") WHERE deleted_at IS NULL;

CREATE TABLE artifacts (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    "key" TEXT,
    type TEXT,
    data TEXT,
    description TEXT,
    metadata_ TEXT,
    flow_run_id TEXT,
    task_run_id TEXT,
    deleted_at INTEGER,
    deleted_by TEXT,
    CONSTRAINT pk_artifacts PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_artifacts_deleted_at ON artifacts (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_artifacts_flow_run_id ON artifacts (flow_run_id, id) WHERE flow_run_id IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_artifacts_key ON artifacts ("key", id) WHERE key IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_artifacts_task_run_id ON artifacts (task_run_id, id) WHERE task_run_id IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE automation_actions (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    automation_id TEXT NOT NULL,
    firing_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    action TEXT NOT NULL,
    event TEXT,
    status TEXT DEFAULT 'PENDING' NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    due INTEGER NOT NULL,
    claimed_until INTEGER,
    ended INTEGER,
    reason TEXT,
    result TEXT,
    CONSTRAINT pk_automation_actions PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_automation_actions_automation_id ON automation_actions (automation_id, created);

CREATE INDEX ix_automation_actions_due ON automation_actions (due) WHERE status IN ('PENDING', 'RUNNING');

CREATE INDEX ix_automation_actions_firing_id ON automation_actions (firing_id);

CREATE TABLE automation_firings (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    automation_id TEXT NOT NULL,
    trigger_id TEXT NOT NULL,
    posture TEXT,
    state TEXT NOT NULL,
    fired_at INTEGER NOT NULL,
    "key" TEXT DEFAULT '[]' NOT NULL,
    event_id TEXT,
    event TEXT,
    firing TEXT NOT NULL,
    CONSTRAINT pk_automation_firings PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_automation_firings_automation_id ON automation_firings (automation_id, fired_at);

CREATE INDEX ix_automation_firings_fired_at ON automation_firings (fired_at);

CREATE TABLE automations (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    enabled INTEGER DEFAULT 1 NOT NULL,
    tags TEXT DEFAULT '[]' NOT NULL,
    "trigger" TEXT NOT NULL,
    actions TEXT DEFAULT '[]' NOT NULL,
    actions_on_trigger TEXT DEFAULT '[]' NOT NULL,
    actions_on_resolve TEXT DEFAULT '[]' NOT NULL,
    deleted_at INTEGER,
    deleted_by TEXT,
    CONSTRAINT pk_automations PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_automations_deleted_at ON automations (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_automations_name ON automations (name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_automations_updated ON automations (updated, id) WHERE deleted_at IS NULL;

CREATE TABLE block_types (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    logo_url TEXT,
    documentation_url TEXT,
    description TEXT,
    code_example TEXT,
    is_protected INTEGER DEFAULT 0 NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT pk_block_types PRIMARY KEY (id)
)
 STRICT;

CREATE UNIQUE INDEX uq_block_types_slug ON block_types (slug) WHERE deleted_at IS NULL;

CREATE TABLE concurrency_leases (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires_at INTEGER,
    holder_type TEXT,
    holder_id TEXT,
    slots INTEGER DEFAULT 1 NOT NULL,
    CONSTRAINT pk_concurrency_leases PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_concurrency_leases_expires_at ON concurrency_leases (expires_at);

CREATE INDEX ix_concurrency_leases_holder_id ON concurrency_leases (holder_id);

CREATE TABLE concurrency_limits (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    name TEXT NOT NULL,
    active INTEGER DEFAULT 1 NOT NULL,
    slot_limit INTEGER NOT NULL,
    active_slots INTEGER DEFAULT 0 NOT NULL,
    denied_slots INTEGER DEFAULT 0 NOT NULL,
    slot_decay_per_second REAL DEFAULT 0 NOT NULL,
    avg_slot_occupancy_seconds REAL DEFAULT 2 NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT pk_concurrency_limits PRIMARY KEY (id)
)
 STRICT;

CREATE UNIQUE INDEX uq_concurrency_limits_name ON concurrency_limits (name) WHERE deleted_at IS NULL;

CREATE TABLE configuration (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT pk_configuration PRIMARY KEY (id)
)
 STRICT;

CREATE UNIQUE INDEX uq_configuration_key ON configuration ("key") WHERE deleted_at IS NULL;

CREATE TABLE event_consumers (
    name TEXT NOT NULL,
    seq INTEGER DEFAULT 0 NOT NULL,
    handled INTEGER DEFAULT 0 NOT NULL,
    quarantined INTEGER DEFAULT 0 NOT NULL,
    updated INTEGER NOT NULL,
    CONSTRAINT pk_event_consumers PRIMARY KEY (name)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE event_followers (
    consumer TEXT NOT NULL,
    seq INTEGER NOT NULL,
    id TEXT NOT NULL,
    follows TEXT NOT NULL,
    received INTEGER NOT NULL,
    occurred INTEGER NOT NULL,
    ready INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_event_followers PRIMARY KEY (consumer, seq)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_event_followers_follows ON event_followers (consumer, follows);

CREATE INDEX ix_event_followers_id ON event_followers (consumer, id);

CREATE INDEX ix_event_followers_ready ON event_followers (consumer, occurred, seq) WHERE ready;

CREATE INDEX ix_event_followers_received ON event_followers (consumer, received);

CREATE TABLE event_quarantine (
    id TEXT NOT NULL,
    quarantined_at INTEGER NOT NULL,
    consumer TEXT,
    event_id TEXT,
    event TEXT,
    seq INTEGER,
    reason TEXT NOT NULL,
    body BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    CONSTRAINT pk_event_quarantine PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_event_quarantine_consumer ON event_quarantine (consumer, quarantined_at);

CREATE INDEX ix_event_quarantine_quarantined_at ON event_quarantine (quarantined_at);

CREATE TABLE event_resources (
    resource_id TEXT NOT NULL,
    occurred INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    position INTEGER NOT NULL,
    role TEXT,
    CONSTRAINT pk_event_resources PRIMARY KEY (resource_id, occurred, seq, position)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE events (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    occurred INTEGER NOT NULL,
    received INTEGER NOT NULL,
    event TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    related TEXT DEFAULT '[]' NOT NULL,
    payload TEXT NOT NULL,
    follows TEXT
)
 STRICT;

CREATE INDEX ix_events_event ON events (event, occurred, seq);

CREATE INDEX ix_events_occurred ON events (occurred, seq);

CREATE UNIQUE INDEX uq_events_id ON events (id);

CREATE TABLE flows (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    name TEXT NOT NULL,
    tags TEXT DEFAULT '[]' NOT NULL,
    labels TEXT DEFAULT '{}',
    deleted_at INTEGER,
    deleted_by TEXT,
    CONSTRAINT pk_flows PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_flows_deleted_at ON flows (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE UNIQUE INDEX uq_flows_name ON flows (name) WHERE deleted_at IS NULL;

CREATE TABLE hidden_runs (
    id TEXT NOT NULL,
    operation_id TEXT NOT NULL,
    CONSTRAINT pk_hidden_runs PRIMARY KEY (id)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_hidden_runs_operation_id ON hidden_runs (operation_id, id);

CREATE TABLE history_changes (
    noun TEXT NOT NULL,
    span INTEGER NOT NULL
)
 STRICT;

CREATE INDEX ix_history_changes_span ON history_changes (noun, span);

CREATE TABLE history_spans (
    noun TEXT NOT NULL,
    span INTEGER NOT NULL,
    counting TEXT NOT NULL,
    is_counted INTEGER DEFAULT 0 NOT NULL,
    sums TEXT,
    CONSTRAINT pk_history_spans PRIMARY KEY (noun, span)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE history_steps (
    noun TEXT NOT NULL,
    step INTEGER NOT NULL,
    sums TEXT NOT NULL,
    CONSTRAINT pk_history_steps PRIMARY KEY (noun, step)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE log_arrivals (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    created INTEGER NOT NULL,
    lines TEXT NOT NULL
)
 STRICT;

CREATE INDEX ix_log_arrivals_created ON log_arrivals (created);

CREATE TABLE log_trims (
    log TEXT NOT NULL,
    seq INTEGER DEFAULT 0 NOT NULL,
    removed INTEGER DEFAULT 0 NOT NULL,
    updated INTEGER NOT NULL,
    CONSTRAINT pk_log_trims PRIMARY KEY (log)
)
 WITHOUT ROWID,
 STRICT;

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

CREATE TABLE operation_items (
    operation_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    noun TEXT NOT NULL,
    id TEXT NOT NULL,
    status TEXT,
    error TEXT,
    CONSTRAINT pk_operation_items PRIMARY KEY (operation_id, position)
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_operation_items_status ON operation_items (operation_id, status, position) WHERE status IS NOT NULL;

CREATE TABLE operations (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    kind TEXT NOT NULL,
    noun TEXT NOT NULL,
    status TEXT NOT NULL,
    target TEXT DEFAULT '{}' NOT NULL,
    given_ids BLOB,
    items_of TEXT,
    options TEXT DEFAULT '{}' NOT NULL,
    reason TEXT,
    created_by TEXT,
    policy TEXT,
    idempotency_key TEXT,
    fingerprint TEXT,
    undoes TEXT,
    undone_by TEXT,
    abort_requested INTEGER DEFAULT 0 NOT NULL,
    frozen INTEGER,
    started INTEGER,
    finished INTEGER,
    holder TEXT,
    held_until INTEGER,
    total INTEGER DEFAULT 0 NOT NULL,
    position INTEGER DEFAULT 0 NOT NULL,
    changed INTEGER DEFAULT 0 NOT NULL,
    skipped INTEGER DEFAULT 0 NOT NULL,
    failed INTEGER DEFAULT 0 NOT NULL,
    counts TEXT DEFAULT '{}' NOT NULL,
    error TEXT,
    purge_at INTEGER,
    purge_position INTEGER DEFAULT 0 NOT NULL,
    purged INTEGER,
    purged_rows INTEGER DEFAULT 0 NOT NULL,
    purged_bytes INTEGER DEFAULT 0 NOT NULL,
    forgotten INTEGER,
    emptied INTEGER,
    failures TEXT,
    CONSTRAINT pk_operations PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_operations_created ON operations (created, id);

CREATE INDEX ix_operations_items_of ON operations (items_of) WHERE items_of IS NOT NULL;

CREATE INDEX ix_operations_kept ON operations (finished) WHERE finished IS NOT NULL AND emptied IS NULL AND (purge_at IS NULL OR purged IS NOT NULL);

CREATE INDEX ix_operations_open ON operations (created) WHERE finished IS NULL;

CREATE INDEX ix_operations_purge_at ON operations (purge_at) WHERE purge_at IS NOT NULL AND purged IS NULL;

CREATE UNIQUE INDEX uq_operations_idempotency_key ON operations (idempotency_key);

CREATE TABLE retention_policies (
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    max_age REAL,
    keep_last INTEGER,
    last_run INTEGER,
    started INTEGER,
    passed INTEGER,
    last_removed INTEGER DEFAULT 0 NOT NULL,
    removed INTEGER DEFAULT 0 NOT NULL,
    operation_id TEXT,
    CONSTRAINT pk_retention_policies PRIMARY KEY (name)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE saved_searches (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    name TEXT NOT NULL,
    filters TEXT DEFAULT '[]' NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT pk_saved_searches PRIMARY KEY (id)
)
 STRICT;

CREATE UNIQUE INDEX uq_saved_searches_name ON saved_searches (name) WHERE deleted_at IS NULL;

CREATE TABLE services (
    name TEXT NOT NULL,
    paused INTEGER DEFAULT 0 NOT NULL,
    holder TEXT,
    held_until INTEGER,
    run_requested_at INTEGER,
    ticks INTEGER DEFAULT 0 NOT NULL,
    last_tick INTEGER,
    duration REAL,
    lag REAL,
    errors INTEGER DEFAULT 0 NOT NULL,
    failures INTEGER DEFAULT 0 NOT NULL,
    last_error TEXT,
    last_error_at INTEGER,
    updated INTEGER NOT NULL,
    CONSTRAINT pk_services PRIMARY KEY (name)
)
 WITHOUT ROWID,
 STRICT;

CREATE TABLE tallies (
    noun TEXT NOT NULL,
    slot INTEGER NOT NULL,
    total INTEGER NOT NULL,
    CONSTRAINT pk_tallies PRIMARY KEY (noun, slot)
)
 WITHOUT ROWID,
 STRICT;

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

CREATE INDEX ix_task_run_state_cache_state_id ON task_run_state_cache (task_run_state_id);

CREATE TABLE task_workers (
    id TEXT NOT NULL,
    identifier TEXT NOT NULL,
    task_keys TEXT DEFAULT '[]' NOT NULL,
    last_seen INTEGER NOT NULL,
    CONSTRAINT pk_task_workers PRIMARY KEY (id)
)
 STRICT;

CREATE TABLE variables (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT,
    tags TEXT DEFAULT '[]' NOT NULL,
    deleted_at INTEGER,
    deleted_by TEXT,
    CONSTRAINT pk_variables PRIMARY KEY (id)
)
 STRICT;

CREATE INDEX ix_variables_deleted_at ON variables (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE UNIQUE INDEX uq_variables_name ON variables (name) WHERE deleted_at IS NULL;

CREATE TABLE work_pools (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    type TEXT NOT NULL,
    base_job_template TEXT DEFAULT '{}' NOT NULL,
    is_paused INTEGER DEFAULT 0 NOT NULL,
    concurrency_limit INTEGER,
    default_queue_id TEXT,
    status TEXT,
    last_status_event_id TEXT,
    last_transitioned_status_at INTEGER,
    storage_configuration TEXT DEFAULT '{}' NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT pk_work_pools PRIMARY KEY (id)
)
 STRICT;

CREATE UNIQUE INDEX uq_work_pools_name ON work_pools (name) WHERE deleted_at IS NULL;

CREATE TABLE automation_buckets (
    automation_id TEXT NOT NULL,
    trigger_id TEXT NOT NULL,
    "key" TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    count INTEGER DEFAULT 0 NOT NULL,
    last_event TEXT,
    updated INTEGER NOT NULL,
    CONSTRAINT pk_automation_buckets PRIMARY KEY (trigger_id, "key"),
    CONSTRAINT fk_automation_buckets_automation_id FOREIGN KEY(automation_id) REFERENCES automations (id) ON DELETE CASCADE
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_automation_buckets_automation_id ON automation_buckets (automation_id);

CREATE INDEX ix_automation_buckets_until ON automation_buckets (until);

CREATE TABLE automation_child_firings (
    automation_id TEXT NOT NULL,
    parent_trigger_id TEXT NOT NULL,
    child_trigger_id TEXT NOT NULL,
    id TEXT NOT NULL,
    fired_at INTEGER NOT NULL,
    firing TEXT NOT NULL,
    CONSTRAINT pk_automation_child_firings PRIMARY KEY (parent_trigger_id, child_trigger_id),
    CONSTRAINT fk_automation_child_firings_automation_id FOREIGN KEY(automation_id) REFERENCES automations (id) ON DELETE CASCADE
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_automation_child_firings_automation_id ON automation_child_firings (automation_id);

CREATE INDEX ix_automation_child_firings_fired_at ON automation_child_firings (fired_at);

CREATE TABLE automation_resources (
    automation_id TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    owns INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT pk_automation_resources PRIMARY KEY (automation_id, resource_id),
    CONSTRAINT fk_automation_resources_automation_id FOREIGN KEY(automation_id) REFERENCES automations (id) ON DELETE CASCADE
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_automation_resources_resource_id ON automation_resources (resource_id, automation_id);

CREATE TABLE block_schemas (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    checksum TEXT NOT NULL,
    fields TEXT DEFAULT '{}' NOT NULL,
    capabilities TEXT DEFAULT '[]' NOT NULL,
    version TEXT NOT NULL,
    block_type_id TEXT NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT pk_block_schemas PRIMARY KEY (id),
    CONSTRAINT fk_block_schemas_block_type_id FOREIGN KEY(block_type_id) REFERENCES block_types (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_block_schemas_block_type_id ON block_schemas (block_type_id);

CREATE UNIQUE INDEX uq_block_schemas_checksum ON block_schemas (checksum, version) WHERE deleted_at IS NULL;

CREATE TABLE concurrency_lease_limits (
    lease_id TEXT NOT NULL,
    limit_id TEXT NOT NULL,
    CONSTRAINT pk_concurrency_lease_limits PRIMARY KEY (lease_id, limit_id),
    CONSTRAINT fk_concurrency_lease_limits_lease_id FOREIGN KEY(lease_id) REFERENCES concurrency_leases (id) ON DELETE CASCADE,
    CONSTRAINT fk_concurrency_lease_limits_limit_id FOREIGN KEY(limit_id) REFERENCES concurrency_limits (id) ON DELETE CASCADE
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_concurrency_lease_limits_limit_id ON concurrency_lease_limits (limit_id);

CREATE TABLE deployments (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    name TEXT NOT NULL,
    version TEXT,
    description TEXT,
    flow_id TEXT NOT NULL,
    paused INTEGER DEFAULT 0 NOT NULL,
    tags TEXT DEFAULT '[]' NOT NULL,
    labels TEXT DEFAULT '{}' NOT NULL,
    parameters TEXT DEFAULT '{}' NOT NULL,
    parameter_openapi_schema TEXT,
    enforce_parameter_schema INTEGER DEFAULT 1 NOT NULL,
    entrypoint TEXT,
    path TEXT,
    pull_steps TEXT,
    job_variables TEXT DEFAULT '{}' NOT NULL,
    concurrency_limit_id TEXT,
    concurrency_options TEXT,
    work_queue_id TEXT,
    work_queue_name TEXT,
    storage_document_id TEXT,
    infrastructure_document_id TEXT,
    last_polled INTEGER,
    status TEXT DEFAULT 'NOT_READY' NOT NULL,
    created_by TEXT,
    updated_by TEXT,
    version_id TEXT,
    version_info TEXT,
    deleted_at INTEGER,
    deleted_by TEXT,
    CONSTRAINT pk_deployments PRIMARY KEY (id),
    CONSTRAINT fk_deployments_flow_id FOREIGN KEY(flow_id) REFERENCES flows (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_deployments_deleted_at ON deployments (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_deployments_flow_id ON deployments (flow_id);

CREATE INDEX ix_deployments_name ON deployments (name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_deployments_work_queue_id ON deployments (work_queue_id) WHERE work_queue_id IS NOT NULL AND deleted_at IS NULL;

CREATE UNIQUE INDEX uq_deployments_name ON deployments (flow_id, name) WHERE deleted_at IS NULL;

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
    deadline INTEGER,
    lease_seconds REAL,
    lease_holder TEXT,
    deleted_at INTEGER,
    deleted_by TEXT,
    CONSTRAINT pk_flow_runs PRIMARY KEY (id),
    CONSTRAINT fk_flow_runs_flow_id FOREIGN KEY(flow_id) REFERENCES flows (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_flow_runs_deadline ON flow_runs (deadline) WHERE deadline IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_deleted_at ON flow_runs (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_flow_runs_deployment_id ON flow_runs (deployment_id, id) WHERE deployment_id IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_deployment_next_scheduled ON flow_runs (deployment_id, next_scheduled_start_time) WHERE deployment_id IS NOT NULL AND next_scheduled_start_time IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_end_time ON flow_runs (end_time, id) WHERE deleted_at IS NULL;

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

CREATE INDEX ix_flow_runs_under_way ON flow_runs (deployment_id) WHERE deployment_id IS NOT NULL AND end_time IS NULL AND (state_type <> 'SCHEDULED' OR run_count > 0) AND deleted_at IS NULL;

CREATE INDEX ix_flow_runs_work_queue_id ON flow_runs (work_queue_id, state_type, next_scheduled_start_time) WHERE work_queue_id IS NOT NULL AND deleted_at IS NULL;

CREATE UNIQUE INDEX uq_flow_runs_idempotency_key ON flow_runs (flow_id, idempotency_key) WHERE idempotency_key IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE work_queues (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    work_pool_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    is_paused INTEGER DEFAULT 0 NOT NULL,
    concurrency_limit INTEGER,
    priority INTEGER DEFAULT 1 NOT NULL,
    last_polled INTEGER,
    status TEXT,
    filter TEXT,
    deleted_at INTEGER,
    CONSTRAINT pk_work_queues PRIMARY KEY (id),
    CONSTRAINT fk_work_queues_work_pool_id FOREIGN KEY(work_pool_id) REFERENCES work_pools (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_work_queues_work_pool_id ON work_queues (work_pool_id, priority);

CREATE UNIQUE INDEX uq_work_queues_name ON work_queues (work_pool_id, name) WHERE deleted_at IS NULL;

CREATE TABLE workers (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    work_pool_id TEXT NOT NULL,
    name TEXT NOT NULL,
    last_heartbeat_time INTEGER,
    heartbeat_interval_seconds INTEGER,
    status TEXT,
    deleted_at INTEGER,
    CONSTRAINT pk_workers PRIMARY KEY (id),
    CONSTRAINT fk_workers_work_pool_id FOREIGN KEY(work_pool_id) REFERENCES work_pools (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_workers_work_pool_id ON workers (work_pool_id);

CREATE UNIQUE INDEX uq_workers_name ON workers (work_pool_id, name) WHERE deleted_at IS NULL;

CREATE TABLE block_documents (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    name TEXT NOT NULL,
    data TEXT NOT NULL,
    is_anonymous INTEGER DEFAULT 0 NOT NULL,
    block_type_id TEXT NOT NULL,
    block_type_name TEXT,
    block_schema_id TEXT NOT NULL,
    deleted_at INTEGER,
    deleted_by TEXT,
    CONSTRAINT pk_block_documents PRIMARY KEY (id),
    CONSTRAINT fk_block_documents_block_type_id FOREIGN KEY(block_type_id) REFERENCES block_types (id) ON DELETE CASCADE,
    CONSTRAINT fk_block_documents_block_schema_id FOREIGN KEY(block_schema_id) REFERENCES block_schemas (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_block_documents_block_schema_id ON block_documents (block_schema_id);

CREATE INDEX ix_block_documents_block_type_id ON block_documents (block_type_id);

CREATE INDEX ix_block_documents_deleted_at ON block_documents (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_block_documents_name ON block_documents (name, id) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_block_documents_name ON block_documents (block_type_id, name) WHERE deleted_at IS NULL;

CREATE TABLE block_schema_references (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    parent_block_schema_id TEXT NOT NULL,
    reference_block_schema_id TEXT NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_block_schema_references PRIMARY KEY (id),
    CONSTRAINT fk_block_schema_references_parent_block_schema_id FOREIGN KEY(parent_block_schema_id) REFERENCES block_schemas (id) ON DELETE CASCADE,
    CONSTRAINT fk_block_schema_references_reference_block_schema_id FOREIGN KEY(reference_block_schema_id) REFERENCES block_schemas (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_block_schema_references_reference_id ON block_schema_references (reference_block_schema_id);

CREATE UNIQUE INDEX uq_block_schema_references_name ON block_schema_references (parent_block_schema_id, name, reference_block_schema_id);

CREATE TABLE cancellations (
    flow_run_id TEXT NOT NULL,
    root_id TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    requested_by TEXT,
    deadline INTEGER,
    spread_at INTEGER,
    told_at INTEGER,
    told TEXT,
    killed_at INTEGER,
    killed TEXT,
    final_at INTEGER,
    final_by TEXT,
    infrastructure TEXT DEFAULT 'unknown' NOT NULL,
    message TEXT,
    CONSTRAINT pk_cancellations PRIMARY KEY (flow_run_id),
    CONSTRAINT fk_cancellations_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_runs (id) ON DELETE CASCADE
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_cancellations_open ON cancellations (requested_at) WHERE final_at IS NULL;

CREATE INDEX ix_cancellations_root_id ON cancellations (root_id);

CREATE TABLE deployment_schedules (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    deployment_id TEXT NOT NULL,
    active INTEGER DEFAULT 1 NOT NULL,
    schedule TEXT NOT NULL,
    parameters TEXT DEFAULT '{}' NOT NULL,
    slug TEXT,
    max_scheduled_runs INTEGER,
    catchup TEXT DEFAULT 'none' NOT NULL,
    max_queued INTEGER,
    if_running TEXT DEFAULT 'start' NOT NULL,
    scheduled_until INTEGER,
    due_at INTEGER,
    error TEXT,
    deleted_at INTEGER,
    deleted_by TEXT,
    CONSTRAINT pk_deployment_schedules PRIMARY KEY (id),
    CONSTRAINT fk_deployment_schedules_deployment_id FOREIGN KEY(deployment_id) REFERENCES deployments (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_deployment_schedules_deleted_at ON deployment_schedules (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_deployment_schedules_deployment_id ON deployment_schedules (deployment_id);

CREATE INDEX ix_deployment_schedules_due_at ON deployment_schedules (due_at) WHERE due_at IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_deployment_schedules_if_running ON deployment_schedules (deployment_id) WHERE if_running <> 'start' AND deleted_at IS NULL;

CREATE UNIQUE INDEX uq_deployment_schedules_slug ON deployment_schedules (deployment_id, slug) WHERE deleted_at IS NULL;

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
    deadline INTEGER,
    lease_id TEXT,
    deleted_at INTEGER,
    deleted_by TEXT,
    CONSTRAINT pk_task_runs PRIMARY KEY (id),
    CONSTRAINT fk_task_runs_flow_run_id FOREIGN KEY(flow_run_id) REFERENCES flow_runs (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_task_runs_deadline ON task_runs (deadline) WHERE deadline IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_task_runs_deleted_at ON task_runs (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE INDEX ix_task_runs_end_time ON task_runs (end_time, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_task_runs_expected_start_time ON task_runs (expected_start_time, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_task_runs_flow_run_id ON task_runs (flow_run_id, id);

CREATE INDEX ix_task_runs_name ON task_runs (name, id) WHERE deleted_at IS NULL;

CREATE INDEX ix_task_runs_next_scheduled_start_time ON task_runs (next_scheduled_start_time) WHERE next_scheduled_start_time IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_task_runs_start_time ON task_runs (start_time) WHERE start_time IS NOT NULL AND deleted_at IS NULL;

CREATE INDEX ix_task_runs_state_type ON task_runs (state_type, id) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_task_runs_key ON task_runs (flow_run_id, task_key, dynamic_key) WHERE deleted_at IS NULL;

CREATE UNIQUE INDEX uq_task_runs_key_outside_flows ON task_runs (task_key, dynamic_key) WHERE flow_run_id IS NULL AND deleted_at IS NULL;

CREATE TABLE block_document_references (
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    parent_block_document_id TEXT NOT NULL,
    reference_block_document_id TEXT NOT NULL,
    name TEXT NOT NULL,
    CONSTRAINT pk_block_document_references PRIMARY KEY (id),
    CONSTRAINT fk_block_document_references_parent_block_document_id FOREIGN KEY(parent_block_document_id) REFERENCES block_documents (id) ON DELETE CASCADE,
    CONSTRAINT fk_block_document_references_reference_block_document_id FOREIGN KEY(reference_block_document_id) REFERENCES block_documents (id) ON DELETE CASCADE
)
 STRICT;

CREATE INDEX ix_block_document_references_reference_id ON block_document_references (reference_block_document_id);

CREATE UNIQUE INDEX uq_block_document_references_name ON block_document_references (parent_block_document_id, name);

CREATE TABLE task_queue (
    task_run_id TEXT NOT NULL,
    task_key TEXT NOT NULL,
    place INTEGER DEFAULT 1 NOT NULL,
    available_at INTEGER NOT NULL,
    deliveries INTEGER DEFAULT 0 NOT NULL,
    delivery_id TEXT,
    CONSTRAINT pk_task_queue PRIMARY KEY (task_run_id),
    CONSTRAINT fk_task_queue_task_run_id FOREIGN KEY(task_run_id) REFERENCES task_runs (id) ON DELETE CASCADE
)
 WITHOUT ROWID,
 STRICT;

CREATE INDEX ix_task_queue_available_at ON task_queue (task_key, place, available_at);

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

CREATE TRIGGER tally_flow_runs_mark AFTER UPDATE OF deleted_at ON flow_runs WHEN (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) AND OLD.deleted_by IS NULL AND NEW.deleted_by IS NULL
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

CREATE TRIGGER tally_task_runs_mark AFTER UPDATE OF deleted_at ON task_runs WHEN (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) AND OLD.deleted_by IS NULL AND NEW.deleted_by IS NULL
BEGIN
    INSERT INTO tallies (noun, slot, total) VALUES ('task_runs', 0, CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END)
    ON CONFLICT (noun, slot) DO UPDATE SET total = total + excluded.total;
END;

CREATE TRIGGER release_flow_runs_delete AFTER DELETE ON flow_runs
BEGIN
    DELETE FROM concurrency_leases WHERE holder_id = OLD.id;
END;

CREATE TRIGGER release_flow_runs_mark AFTER UPDATE OF deleted_at ON flow_runs WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL AND NEW.deleted_by IS NULL
BEGIN
    DELETE FROM concurrency_leases WHERE holder_id = OLD.id;
END;

CREATE TRIGGER release_task_runs_delete AFTER DELETE ON task_runs
BEGIN
    DELETE FROM concurrency_leases WHERE holder_id = OLD.id;
END;

CREATE TRIGGER release_task_runs_mark AFTER UPDATE OF deleted_at ON task_runs WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL AND NEW.deleted_by IS NULL
BEGIN
    DELETE FROM concurrency_leases WHERE holder_id = OLD.id;
END;

CREATE TRIGGER history_flow_runs_insert AFTER INSERT ON flow_runs WHEN NEW.expected_start_time < (strftime('%s', 'now') - 600) * 1000000
BEGIN
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = 'flow_runs' AND span IN (NEW.expected_start_time / 900000000)
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = 'flow_runs' AND span = counted.span);
END;

CREATE TRIGGER history_flow_runs_delete AFTER DELETE ON flow_runs WHEN (OLD.expected_start_time < (strftime('%s', 'now') - 600) * 1000000) AND OLD.deleted_by IS NULL
BEGIN
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = 'flow_runs' AND span IN (OLD.expected_start_time / 900000000)
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = 'flow_runs' AND span = counted.span);
END;

CREATE TRIGGER history_flow_runs_update AFTER UPDATE OF expected_start_time, state_type, state_name, state_timestamp, start_time, total_run_time, deleted_at ON flow_runs WHEN (OLD.expected_start_time < (strftime('%s', 'now') - 600) * 1000000 OR NEW.expected_start_time < (strftime('%s', 'now') - 600) * 1000000) AND OLD.deleted_by IS NULL AND NEW.deleted_by IS NULL
BEGIN
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = 'flow_runs' AND span IN (OLD.expected_start_time / 900000000, NEW.expected_start_time / 900000000)
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = 'flow_runs' AND span = counted.span);
END;

CREATE TRIGGER history_task_runs_insert AFTER INSERT ON task_runs WHEN NEW.expected_start_time < (strftime('%s', 'now') - 600) * 1000000
BEGIN
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = 'task_runs' AND span IN (NEW.expected_start_time / 900000000)
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = 'task_runs' AND span = counted.span);
END;

CREATE TRIGGER history_task_runs_delete AFTER DELETE ON task_runs WHEN (OLD.expected_start_time < (strftime('%s', 'now') - 600) * 1000000) AND OLD.deleted_by IS NULL
BEGIN
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = 'task_runs' AND span IN (OLD.expected_start_time / 900000000)
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = 'task_runs' AND span = counted.span);
END;

CREATE TRIGGER history_task_runs_update AFTER UPDATE OF expected_start_time, state_type, state_name, state_timestamp, start_time, total_run_time, deleted_at ON task_runs WHEN (OLD.expected_start_time < (strftime('%s', 'now') - 600) * 1000000 OR NEW.expected_start_time < (strftime('%s', 'now') - 600) * 1000000) AND OLD.deleted_by IS NULL AND NEW.deleted_by IS NULL
BEGIN
    INSERT INTO history_changes (noun, span) SELECT noun, span FROM history_spans AS counted
    WHERE noun = 'task_runs' AND span IN (OLD.expected_start_time / 900000000, NEW.expected_start_time / 900000000)
    AND NOT EXISTS (SELECT 1 FROM history_changes WHERE noun = 'task_runs' AND span = counted.span);
END;

INSERT INTO alembic_version (version_num) VALUES ('0012');
