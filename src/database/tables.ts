import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { AccessDecision, AccessRule, CallerOptions, ClipProgress, PreviewSheet } from './json-columns.ts';

/** A column the database fills in and nobody changes. */
type CreatedAt = ColumnType<Date, Date | undefined, never>;
/** A JSON value; written as text, because drivers disagree about arrays. */
type Json<T> = ColumnType<T, string, string>;

export interface SettingsTable {
  key: string;
  value: Json<unknown>;
}

export interface ApiKeysTable {
  /** The part before the colon. */
  id: string;
  /** SHA-256 of the part after it, hex. */
  secret_hash: string;
  name: string;
  scope: 'API' | 'ADMIN';
  created_at: CreatedAt;
  revoked_at: Date | null;
}

export type RequestState = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED';

export interface RequestsTable {
  /** UUID version 7; also the id of its job in the queue. */
  id: string;
  /** Order of acceptance. */
  sequence: GeneratedAlways<string>;
  endpoint: string;
  /** Id of the API key, or `local` without authentication. */
  owner: string;
  surface: 'run' | 'queue';
  state: RequestState;
  /** Larger goes first. */
  priority: number;
  /** Null once erased. */
  input: Json<unknown> | null;
  /** What the server needs to know about the caller later. */
  caller: Json<CallerOptions>;
  webhook: string | null;
  /** The seed of its clip, if the input names none: every attempt makes the same clip. */
  drawn_seed: Generated<number>;
  /** Whether the payloads appear in the history: not with `sync_mode`, not with `X-Fal-Store-IO: 0`. */
  listed: boolean;
  accepted_at: CreatedAt;
  start_deadline: Date | null;
  /** Since when it waits, where it had to line up anew; else it waits since it was accepted. */
  requeued_at: Date | null;
  /** When the current attempt got the model; null before. */
  started_at: Date | null;
  ended_at: Date | null;
  /** Counts up each time a worker takes it; a worker may only write while its attempt is the current one. */
  attempt: Generated<number>;
  /** How often the engine crashed with it, and how often a worker's process died with it. */
  crashes: Generated<number>;
  interruptions: Generated<number>;
  /** How often it alone was too much for the disk or the device. */
  exhaustions: Generated<number>;
  /** Who has taken it, in whichever state it is. */
  worker: string | null;
  /** Last sign of life of the worker; null where nobody has it. */
  heartbeat_at: Date | null;
  /** The outcome, once COMPLETED. */
  status_code: number | null;
  /** Output or error body; null once erased. */
  output: Json<unknown> | null;
  error: string | null;
  error_type: string | null;
  /** Megapixels billed. */
  units: number | null;
  inference_seconds: number | null;
  payload_expires_at: Date | null;
  /** The film that it is a part of, and which, from 0. */
  film: string | null;
  part: number | null;
}

/** The score of a film, from when it is made on. */
export interface FilmsTable {
  request_id: string;
  score: Json<unknown>;
  /** Files of the store that all parts are made from. */
  audio_file: string;
  anchor_file: string | null;
}

/** The parts of a film, all of them. */
export interface FilmPartsTable {
  film: string;
  /** From 0. */
  part: number;
  frames: number;
  /** That makes it; null before, and where it is taken from another film. */
  request_id: string | null;
  /** Once it is made. */
  file_id: string | null;
  seconds: number | null;
  /** The prompt actually used. */
  prompt: string | null;
  /** How its request ended, where it failed. */
  failure: Json<unknown> | null;
}

export interface RequestLogsTable {
  sequence: GeneratedAlways<string>;
  request_id: string;
  at: CreatedAt;
  level: 'ERROR' | 'WARN' | 'INFO' | 'DEBUG';
  message: string;
}

/** How far a running request is; there is no row for any other. */
export interface RequestProgressTable {
  request_id: string;
  /** Counts up with every change. */
  revision: number;
  progress: Json<ClipProgress>;
  /** The newest look at the clip; null until there is one. */
  preview: Json<PreviewSheet> | null;
}

export interface UsageTable {
  request_id: string;
  owner: string;
  endpoint: string;
  units: number;
  /** US dollars. */
  cost: number;
  at: CreatedAt;
  tags: Json<Record<string, string>>;
}

export interface FilesTable {
  /** Unguessable; part of the URL and of the blob's name. */
  id: string;
  owner: string;
  name: string;
  content_type: string;
  /** Bytes; null while pending. */
  size: string | null;
  /** Of the content, without quotes; null while pending. */
  etag: string | null;
  /**
   * `pending`: the blob may or may not be there. Swept when its request or upload is over.
   * `storing`: somebody has all of it and is putting it into its place; nobody else may.
   * `removed`: gone for everybody; blob and row follow.
   */
  state: 'pending' | 'storing' | 'stored' | 'removed';
  access: AccessDecision;
  access_rules: Json<readonly AccessRule[]>;
  /** The request that made it. */
  request_id: string | null;
  /** The request that it is part of the input of: it goes with the request's payloads. */
  input_of: string | null;
  /** The blob store's name of an upload in parts. */
  upload_id: string | null;
  /** Seconds it is kept once stored; null: for ever. */
  lifetime: number | null;
  created_at: CreatedAt;
  stored_at: Date | null;
  /** When it is deleted, if ever; a pending one is swept then. */
  expires_at: Date | null;
}

export interface UploadPartsTable {
  file_id: string;
  part_number: number;
  etag: string;
  size: string;
}

/** Every table of ours; the queue's own live in the schema `pgboss`. */
export interface Tables {
  settings: SettingsTable;
  api_keys: ApiKeysTable;
  requests: RequestsTable;
  request_logs: RequestLogsTable;
  request_progress: RequestProgressTable;
  films: FilmsTable;
  film_parts: FilmPartsTable;
  usage: UsageTable;
  files: FilesTable;
  upload_parts: UploadPartsTable;
}
