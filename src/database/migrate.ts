import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { SoundstageError } from '../shared/errors.ts';
import { migrationProvider } from './migrations.ts';
import type { Tables } from './tables.ts';

/**
 * Brings the tables up to date: all or nothing, and one process at a time.
 *
 * @throws SoundstageError `device` for a database of a newer version
 */
export async function migrate(kysely: Kysely<Tables>): Promise<void> {
  const { error } = await new Migrator({ db: kysely, provider: migrationProvider }).migrateToLatest();
  if (error === undefined) return;
  const unknown = await unknownMigration(kysely);
  if (unknown === undefined) throw error;
  throw new SoundstageError(
    'device',
    `the database was made by a newer version of Soundstage (it has the migration ${unknown}): update Soundstage, or use another --data folder or DATABASE_URL`,
    { cause: error },
  );
}

async function unknownMigration(kysely: Kysely<Tables>): Promise<string | undefined> {
  const known = await migrationProvider.getMigrations();
  const executed = await kysely
    .withTables<{ kysely_migration: { name: string } }>()
    .selectFrom('kysely_migration')
    .select('name')
    .execute();
  return executed.find(({ name }) => !(name in known))?.name;
}
