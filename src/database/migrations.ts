import { type Kysely, sql } from 'kysely';
import type { Migration, MigrationProvider } from 'kysely/migration';

/** Runs forward only. A released migration is never edited; add the next one. */
const migrations: Readonly<Record<string, Migration>> = {
  '0001-first': { up: first },
  '0002-progress': { up: progress },
  '0003-drawn-seed': { up: drawnSeed },
  '0004-claims': { up: claims },
  '0005-input-files': { up: inputFiles },
  '0006-films': { up: films },
};

export const migrationProvider: MigrationProvider = { getMigrations: async () => ({ ...migrations }) };

async function first(database: Kysely<unknown>): Promise<void> {
  await sql`create table settings (key text primary key, value jsonb not null)`.execute(database);
  await sql`
    create table api_keys (
      id text primary key,
      secret_hash text not null,
      name text not null,
      scope text not null check (scope in ('API', 'ADMIN')),
      created_at timestamptz not null default now(),
      revoked_at timestamptz
    )`.execute(database);
  await sql`
    create table requests (
      id uuid primary key,
      sequence bigint generated always as identity,
      endpoint text not null,
      owner text not null,
      surface text not null check (surface in ('run', 'queue')),
      state text not null check (state in ('IN_QUEUE', 'IN_PROGRESS', 'COMPLETED')),
      priority integer not null,
      input json,
      caller jsonb not null,
      webhook text,
      listed boolean not null,
      accepted_at timestamptz not null default now(),
      start_deadline timestamptz,
      started_at timestamptz,
      ended_at timestamptz,
      attempt integer not null default 0,
      crashes integer not null default 0,
      interruptions integer not null default 0,
      worker text,
      heartbeat_at timestamptz,
      status_code integer,
      output json,
      error text,
      error_type text,
      units integer,
      inference_seconds double precision,
      payload_expires_at timestamptz,
      check ((state = 'COMPLETED') = (status_code is not null))
    )`.execute(database);
  await sql`create index requests_waiting on requests (priority desc, sequence) where state = 'IN_QUEUE'`.execute(
    database,
  );
  await sql`create index requests_running on requests (worker) where state = 'IN_PROGRESS'`.execute(database);
  await sql`create index requests_deadline on requests (start_deadline) where state = 'IN_QUEUE'`.execute(database);
  await sql`create index requests_erasable on requests (payload_expires_at) where payload_expires_at is not null`.execute(
    database,
  );
  await sql`create index requests_history on requests (owner, endpoint, sequence desc)`.execute(database);
  await sql`
    create table request_logs (
      sequence bigint generated always as identity primary key,
      request_id uuid not null references requests on delete cascade,
      at timestamptz not null default now(),
      level text not null,
      message text not null
    )`.execute(database);
  await sql`create index request_logs_of_request on request_logs (request_id, sequence)`.execute(database);
  await sql`
    create table usage (
      request_id uuid primary key,
      owner text not null,
      endpoint text not null,
      units integer not null,
      cost double precision not null,
      at timestamptz not null default now(),
      tags jsonb not null
    )`.execute(database);
  await sql`create index usage_by_time on usage (owner, at)`.execute(database);
  await sql`
    create table files (
      id text primary key,
      owner text not null,
      name text not null,
      content_type text not null,
      size bigint,
      etag text,
      state text not null check (state in ('pending', 'storing', 'stored', 'removed')),
      access text not null default 'allow' check (access in ('allow', 'forbid', 'hide')),
      access_rules jsonb not null default '[]',
      request_id uuid,
      upload_id text,
      lifetime double precision,
      created_at timestamptz not null default now(),
      stored_at timestamptz,
      expires_at timestamptz
    )`.execute(database);
  await sql`create index files_expiring on files (expires_at) where expires_at is not null`.execute(database);
  await sql`create index files_unfinished on files (state, request_id) where state <> 'stored'`.execute(database);
  await sql`create index files_of_request on files (request_id) where request_id is not null`.execute(database);
  await sql`
    create table upload_parts (
      file_id text not null references files on delete cascade,
      part_number integer not null,
      etag text not null,
      size bigint not null,
      primary key (file_id, part_number)
    )`.execute(database);
}

async function progress(database: Kysely<unknown>): Promise<void> {
  await sql`
    create table request_progress (
      request_id uuid primary key references requests on delete cascade,
      revision integer not null,
      progress json not null,
      preview json
    )`.execute(database);
}

async function drawnSeed(database: Kysely<unknown>): Promise<void> {
  // The default is for the requests that are there already.
  await sql`
    alter table requests add column drawn_seed double precision not null default floor(random() * 4294967296)
  `.execute(database);
}

async function claims(database: Kysely<unknown>): Promise<void> {
  await sql`
    alter table requests
      add column requeued_at timestamptz,
      add column exhaustions integer not null default 0
  `.execute(database);
  await sql`drop index requests_waiting`.execute(database);
  await sql`
    create index requests_waiting on requests (priority desc, coalesce(requeued_at, accepted_at), sequence)
      where state = 'IN_QUEUE'`.execute(database);
  await sql`create index requests_claimed on requests (heartbeat_at) where heartbeat_at is not null`.execute(database);
}

async function inputFiles(database: Kysely<unknown>): Promise<void> {
  await sql`alter table files add column input_of uuid`.execute(database);
  await sql`create index files_of_input on files (input_of) where input_of is not null`.execute(database);
}

async function films(database: Kysely<unknown>): Promise<void> {
  await sql`
    alter table requests
      add column film uuid references requests on delete cascade,
      add column part integer
  `.execute(database);
  await sql`create index requests_of_film on requests (film, part) where film is not null`.execute(database);
  await sql`
    create table films (
      request_id uuid primary key references requests on delete cascade,
      score json not null,
      audio_file text not null,
      anchor_file text
    )`.execute(database);
  await sql`
    create table film_parts (
      film uuid not null references films on delete cascade,
      part integer not null,
      frames integer not null,
      request_id uuid,
      file_id text,
      seconds double precision,
      prompt text,
      failure json,
      primary key (film, part)
    )`.execute(database);
  await sql`create index film_parts_of_request on film_parts (request_id) where request_id is not null`.execute(
    database,
  );
}
