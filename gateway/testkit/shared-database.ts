/** The databases that machines share, each a real one of the test's own, with the configuration to use it. */
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'

export type SharedDatabase = {
  readonly port: number
  readonly password: string
  /** The section `state` of the configuration. */
  readonly state: Readonly<Record<string, unknown>>
  /** What that section takes from the environment. */
  readonly env: Readonly<Record<string, string>>
  /** Ends it as a crash does. */
  kill(): Promise<void>
  /** Starts it again on the same port and directory. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** How each is started, by the name of its driver. */
export const SHARED_DATABASES = {
  redis: async () => {
    const redis = await startRedis()
    const section = { url: `redis://127.0.0.1:${redis.port}`, password: '${env:STATE_PASSWORD}' }
    const env = { STATE_PASSWORD: redis.password }
    return { ...redis, env, state: { driver: 'redis', redis: section } }
  },
  postgres: async () => {
    const postgres = await startPostgres()
    const { port, user, database } = postgres
    const url = `postgres://127.0.0.1:${port}/${database}`
    const section = { url, user, password: '${env:STATE_PASSWORD}' }
    const env = { STATE_PASSWORD: postgres.password }
    return { ...postgres, env, state: { driver: 'postgres', postgres: section } }
  },
} as const satisfies Readonly<Record<string, () => Promise<SharedDatabase>>>
