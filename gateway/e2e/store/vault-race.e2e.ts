/** The race for one connection, as in `vault-race.e2e.ts`, on the stores that machines share. */
import { test } from 'node:test'

import { Secret } from '../../model/secret.ts'
import { openPostgresStore } from '../../state/postgres.ts'
import { openRedisStore } from '../../state/redis.ts'
import { startPostgres } from '../../testkit/postgres.ts'
import { startRedis } from '../../testkit/redis.ts'
import { raceForConnection } from '../../testkit/vault-race.ts'

const HOST = '127.0.0.1'
const PASSWORD = '${env:STATE_PASSWORD}'

test('Three processes with twenty callers each refresh once for each expiry on Redis, and no call fails', async () => {
  const redis = await startRedis()
  const { port, password } = redis
  const where = { host: HOST, port, database: 0, prefix: 'race', tls: undefined, user: undefined }
  try {
    await raceForConnection({
      runMs: 3_500,
      state: {
        driver: 'redis',
        redis: { url: `redis://${HOST}:${port}`, password: PASSWORD, prefix: 'race' },
      },
      env: { STATE_PASSWORD: password },
      open: () => openRedisStore({ ...where, password: new Secret(password) }),
    })
  } finally {
    await redis.stop()
  }
})

test('Three processes with twenty callers each refresh once for each expiry on PostgreSQL, and no call fails', async () => {
  const postgres = await startPostgres()
  const { port, password, user, database } = postgres
  const where = { host: HOST, port, database, schema: 'race', tls: undefined, user }
  try {
    await raceForConnection({
      runMs: 3_500,
      state: {
        driver: 'postgres',
        postgres: {
          url: `postgres://${HOST}:${port}/${database}`,
          user,
          password: PASSWORD,
          schema: 'race',
        },
      },
      env: { STATE_PASSWORD: password },
      open: () => openPostgresStore({ ...where, password: new Secret(password) }),
    })
  } finally {
    await postgres.stop()
  }
})
