/**
 * A real gateway process for tests, made from plain data: configuration and policy are written as
 * files (JSON is YAML), a throw-away key signs its tokens, and everything is on loopback.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import type { Child } from './child.ts'
import { findLeaks, secretsOf } from './canaries.ts'
import { NODE, ROOT, startChild } from './child.ts'
import { freePort } from './free-port.ts'
import type { Signer } from './signer.ts'
import { createSigner } from './signer.ts'
import { takeTurns } from './turns.ts'

/** Issuer of the tokens the test gateway trusts. */
export const ISSUER = 'https://issuer.test'

/** How often and how long it is looked whether a gateway has written its records, in milliseconds each. */
const MAX_AUDIT_LOOKS = 50
const AUDIT_LOOK_MS = 20
const AUDIT_ANSWER_MS = 1_000

export type TokenOptions = {
  readonly subject?: string
  readonly client?: string
  readonly scope?: string
  readonly groups?: readonly string[]
  readonly audience?: string | readonly string[]
  readonly expiresInSeconds?: number
  readonly claims?: Readonly<Record<string, unknown>>
}

/** What is known of a gateway before its configuration is written. */
export type Place = {
  /** Public origin unless the configuration names another. */
  readonly origin: string
  readonly port: number
  /** Configuration, policy, audit log and `files` are in here. */
  readonly directory: string
}

export type TestGatehouse = {
  /** Public origin. */
  readonly origin: string
  readonly ops: string
  readonly adminToken: string
  readonly directory: string
  readonly configFile: string
  readonly policyFile: string
  readonly auditFile: string
  /** The running process; another one after `restart`. */
  readonly child: Child
  readonly signer: Signer
  /** Public URL of a server. */
  url(server: string): string
  token(server: string, options?: TokenOptions): Promise<string>
  /** Audit records written so far; what a killed process left of a line is no record. */
  audit(): Promise<readonly AuditRecord[]>
  metrics(): Promise<string>
  /** Asks the admin API with the right token, or with another one. */
  admin(method: string, path: string, options?: AdminOptions): Promise<AdminReply>
  /** `/readyz`. */
  ready(): Promise<AdminReply>
  writePolicy(rules: TestGatehouseOptions['rules']): Promise<void>
  /** Writes the configuration as it was started with, with these top-level sections in place of its own. */
  writeConfig(changes: Readonly<Record<string, unknown>>): Promise<void>
  /** Starts a new process on the same files, once the old one has ended. */
  restart(): Promise<void>
  /** Ends it, and rejects when what it has written holds a secret that it was given, or a token. */
  stop(): Promise<number>
}

export type AuditRecord = Readonly<Record<string, unknown>>

export type AdminOptions = { readonly body?: unknown; readonly token?: string }

export type AdminReply = {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

export type TestGatehouseOptions = {
  /** By name: an upstream URL, or the whole server entry. */
  readonly servers: Readonly<Record<string, string | Readonly<Record<string, unknown>>>>
  /** Rules of the one policy file. */
  readonly rules: readonly Readonly<Record<string, unknown>>[]
  /** Merged over the top level of the configuration. Relative paths in it start at the directory. */
  readonly config?:
    | Readonly<Record<string, unknown>>
    | ((place: Place) => Readonly<Record<string, unknown>>)
  /** Further files of the directory by name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>
  readonly env?: Readonly<Record<string, string>>
  /** Extra arguments for Node itself. */
  readonly nodeArgs?: readonly string[]
  /** Algorithm of the signing key. */
  readonly algorithm?: string
}

/** With `GATEHOUSE_TEST_FRONT=node make e2e` node:http reads all requests to the gateways of tests. */
const FRONT = process.env['GATEHOUSE_TEST_FRONT'] === 'node' ? { front: 'node' } : {}

/** With `GATEHOUSE_TEST_WORKERS=2 make e2e` they have so many workers, which take each request in turns. */
const WORKERS = Number(process.env['GATEHOUSE_TEST_WORKERS'] ?? 1)

const ADMIN_TOKEN = randomBytes(32).toString('base64url')

export async function startGatehouse(options: TestGatehouseOptions): Promise<TestGatehouse> {
  if (WORKERS > 1) takeTurns()
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-'))
  const [port, opsPort] = [await freePort(), await freePort()]
  const signer = await createSigner(options.algorithm ?? 'RS256')
  const files = {
    config: join(directory, 'gatehouse.yaml'),
    policy: join(directory, 'policy.yaml'),
    audit: join(directory, 'audit.jsonl'),
  }
  const place: Place = { origin: `http://127.0.0.1:${port}`, port, directory }
  const config = {
    version: 1,
    public_url: place.origin,
    listen: { port, ...FRONT },
    ops: { port: opsPort, admin_token: '${env:GATEHOUSE_ADMIN_TOKEN}' },
    issuers: [{ issuer: ISSUER, jwks: { keys: [signer.jwk] }, kind: 'agent' }],
    servers: serverEntries(options.servers),
    policies: ['policy.yaml'],
    audit: { sink: files.audit },
    state: { driver: 'memory' },
    ...(WORKERS > 1 && { workers: WORKERS }),
    ...(typeof options.config === 'function' ? options.config(place) : options.config),
  }
  const origin = config.public_url
  const ops = `http://127.0.0.1:${opsPort}`
  const writePolicy: TestGatehouse['writePolicy'] = (rules) =>
    replaceFile(files.policy, policyText(rules))
  const writeConfig: TestGatehouse['writeConfig'] = (changes) =>
    replaceFile(files.config, JSON.stringify({ ...config, ...changes }, undefined, 2))
  for (const [name, content] of Object.entries(options.files ?? {})) {
    await writeFile(join(directory, name), content)
  }
  await writePolicy(options.rules)
  await writeConfig({})
  const serve = async (): Promise<Child> => {
    const main = join(ROOT, 'gateway/cli/main.ts')
    const started = startChild({
      command: NODE,
      args: [...(options.nodeArgs ?? []), main, 'serve', '-c', files.config],
      env: { GATEHOUSE_ADMIN_TOKEN: ADMIN_TOKEN, ...options.env },
    })
    try {
      await started.waitFor(/gatehouse listens/)
    } catch (error) {
      // Left behind it would hold the test's own output open for ever.
      started.signal('SIGKILL')
      throw error
    }
    return started
  }
  let child = await serve()
  let stopping: Promise<number> | undefined
  const stop = async (): Promise<number> => {
    const code = await child.stop()
    const leaks = await findLeaks({ directory, log: printed + child.output() }, secrets)
    await rm(directory, { recursive: true, force: true })
    assert.deepEqual(leaks, [], 'a secret or a token of a caller is where others can read it')
    return code
  }
  /** Whatever was printed, of processes that have ended too. */
  let printed = ''
  const secrets = new Set(secretsOf({ ADMIN: ADMIN_TOKEN, ...options.env }))
  const sole = Object.keys(options.servers).length === 1
  const url = (server: string): string => origin + (sole ? '/mcp' : `/mcp/${server}`)
  return {
    origin,
    ops,
    adminToken: ADMIN_TOKEN,
    directory,
    configFile: files.config,
    policyFile: files.policy,
    auditFile: files.audit,
    get child() {
      return child
    },
    signer,
    url,
    token: async (server, token = {}) => {
      const signed = await sign(signer, url(server), token)
      secrets.add(signed)
      return signed
    },
    audit: async () => {
      await auditWritten(ops)
      return await readRecords(files.audit)
    },
    metrics: async () => await (await fetch(`${ops}/metrics`)).text(),
    admin: (method, path, { body, token: adminToken = ADMIN_TOKEN } = {}) =>
      askOps(`${ops}${path}`, {
        method,
        headers: { authorization: `Bearer ${adminToken}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    ready: () => askOps(`${ops}/readyz`),
    writePolicy,
    writeConfig,
    restart: async () => {
      await child.exited
      printed += child.output()
      child = await serve()
    },
    stop: () => (stopping ??= stop()),
  }
}

/** Written beside it and put in its place, so that nobody reads half of it. */
async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}

/** Records of a moment are written together, a little later; a gateway that is down writes none. */
async function auditWritten(ops: string): Promise<void> {
  for (let looks = 0; looks < MAX_AUDIT_LOOKS; looks += 1) {
    const signal = AbortSignal.timeout(AUDIT_ANSWER_MS)
    const asked = fetch(`${ops}/metrics`, { signal }).then(async (response) => response.text())
    if (!/^gatehouse_audit_buffered_records [1-9]/m.test(await asked.catch(() => ''))) return
    await pause(AUDIT_LOOK_MS)
  }
}

/** Of each worker, where there are several; in the order of time. */
async function readRecords(file: string): Promise<readonly AuditRecord[]> {
  const directory = dirname(file)
  const names = (await readdir(directory)).filter((name) => /^audit(?:\.\d+)?\.jsonl$/.test(name))
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))
  const records = texts.flatMap(parseLines)
  if (names.length < 2) return records
  return records.toSorted((one, other) => String(one['time']).localeCompare(String(other['time'])))
}

/** The text of a policy file with these rules. */
export function policyText(rules: readonly Readonly<Record<string, unknown>>[]): string {
  return JSON.stringify({ version: 1, default: 'deny', rules }, undefined, 2)
}

/** A rule that lets every authenticated caller do everything on a server. */
export function allowAll(server: string): Readonly<Record<string, unknown>> {
  return { id: `all-of-${server}`, effect: 'allow', subjects: [{ any: true }], servers: [server] }
}

async function askOps(url: string, init: RequestInit = {}): Promise<AdminReply> {
  const response = await fetch(url, init)
  return { status: response.status, json: (await response.json()) as AdminReply['json'] }
}

/** Servers are not asked for their eras unless an entry says so: what they see is what callers send. */
function serverEntries(servers: TestGatehouseOptions['servers']): Record<string, unknown> {
  const entries = Object.entries(servers).map(([name, entry]): [string, unknown] => {
    const { upstream, ...rest } = typeof entry === 'string' ? { upstream: entry } : entry
    const { url, transport } = Object(typeof upstream === 'string' ? { url: upstream } : upstream)
    const isHttp = String(url).startsWith('http') && transport !== 'sse'
    return [name, { ...(isHttp && { eras: 'both' }), upstream, ...rest }]
  })
  return Object.fromEntries(entries)
}

async function sign(signer: Signer, audience: string, options: TokenOptions): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1000)
  const subject = options.subject ?? 'agent-1'
  return await signer.sign({
    iss: ISSUER,
    aud: options.audience ?? audience,
    sub: subject,
    client_id: options.client ?? subject,
    iat: nowSeconds,
    exp: nowSeconds + (options.expiresInSeconds ?? 300),
    jti: crypto.randomUUID(),
    ...(options.scope === undefined ? {} : { scope: options.scope }),
    ...(options.groups === undefined ? {} : { groups: options.groups }),
    ...options.claims,
  })
}

function parseLines(text: string): readonly AuditRecord[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as AuditRecord]
    } catch {
      return []
    }
  })
}
