/**
 * The tables in PostgreSQL, and how older ones are brought up to date.
 *
 * Migrations only go forward, and follow expand and contract: one adds what the next release needs, and a
 * later one drops what no release in use reads any more. `oldest` says which schema version a release must
 * know to run on the tables, so that while processes are being replaced, and some started anew, the release
 * before goes on working.
 */
import { StoreError } from './store-error.ts'

/** Runs statements with `$1`, `$2` for values; resolves with the rows. */
export type Query = (
  sql: string,
  values?: readonly (string | number)[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>

export type Migration = {
  /** Leads from the version before to this one. Never change one that was released. */
  readonly sql: (schema: string) => string
  /** The oldest schema version whose release still runs on the result. */
  readonly oldest: number
}

/**
 * The migration to version n + 1 at index n. `COLLATE "C"` orders keys by their bytes. Columns named
 * `ends_at` hold epoch milliseconds; a NULL one stays until deleted.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    sql: (schema) => `
      CREATE TABLE ${schema}.entries (
        key text COLLATE "C" PRIMARY KEY,
        value text NOT NULL,
        version bigint NOT NULL,
        ends_at bigint
      );
      CREATE INDEX entries_by_end ON ${schema}.entries (ends_at) WHERE ends_at IS NOT NULL;
      CREATE TABLE ${schema}.leases (
        key text COLLATE "C" PRIMARY KEY,
        holder text NOT NULL,
        ends_at bigint NOT NULL
      );
      CREATE INDEX leases_by_end ON ${schema}.leases (ends_at);
      CREATE TABLE ${schema}.counters (
        key text COLLATE "C" PRIMARY KEY,
        total bigint NOT NULL,
        ends_at bigint NOT NULL
      );
      CREATE INDEX counters_by_end ON ${schema}.counters (ends_at);
      CREATE SEQUENCE ${schema}.versions;
    `,
    oldest: 1,
  },
]

/** Any number, the same in every release: who migrates holds this lock. */
const MIGRATION_LOCK = 0x47415445

/**
 * Makes the schema and its tables, or brings them up to date. Run it inside one transaction.
 *
 * @param schema A quoted identifier.
 * @param migrations Those of this release; a test passes later ones.
 * @throws {StoreError} `failed` when a newer release wrote them and this one can no longer run on them.
 */
export async function migrate(
  query: Query,
  schema: string,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  await query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
  // Asked first: a role that may use the schema but make none can run on tables that are there.
  const [there] = await query(`SELECT to_regclass($1) AS name`, [`${schema}.schema`])
  if (there?.['name'] === null) {
    await query(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
    await query(`CREATE TABLE ${schema}.schema (version integer NOT NULL, oldest integer NOT NULL)`)
    await query(`INSERT INTO ${schema}.schema (version, oldest) VALUES (0, 0)`)
  }
  const [row] = await query(`SELECT version, oldest FROM ${schema}.schema`)
  const version = Number(row?.['version'])
  if (Number(row?.['oldest']) > migrations.length) {
    const known = `this release knows ${migrations.length}`
    const what = `the tables in ${schema} have schema version ${version}, ${known}`
    throw new StoreError('failed', `${what}: run the newer release, or restore an older copy`)
  }
  for (const [at, { sql, oldest }] of migrations.entries()) {
    if (at < version) continue
    await query(sql(schema))
    await query(`UPDATE ${schema}.schema SET version = $1, oldest = $2`, [at + 1, oldest])
  }
}
