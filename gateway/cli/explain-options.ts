/** What `gatehouse policy explain` can be told. */
import type { ValuesOf } from './usage.ts'

/** What `--help` prints. */
export const HELP = `Usage: gatehouse policy explain (--policy FILE… | -c FILE) --server S TARGET CALLER
       gatehouse policy explain (--policy FILE… | -c FILE) --record ID [--audit FILE…]

Says what the rules decide about one call, which rule decides, and which came near.

Rules:
      --policy FILE     policy file; may be given more than once
  -c, --config FILE     configuration file, whose policies, servers and "scope_includes" are used
      --server NAME     the server asked

What is asked for, one of:
      --tool NAME       a tool to call
      --prompt NAME     a prompt to get
      --resource URI    a resource to read
      --template URI    a URI template to complete
      --method METHOD   a call that names no target, such as sampling/createMessage

Who asks:
      --subject S       subject of the token or API key
      --kind KIND       human, agent (default) or service
      --group G         a group; may be given more than once
      --scope S         a scope; may be given more than once
      --client C        OAuth client, or client name of an API key
      --issuer I        issuer of the token
      --tenant T        tenant (default: default)
      --interactive     a person stands behind the token, who could consent to more scopes and sign in anew
      --claims JSON     claims of the token, a JSON object: {"acr":"gold","auth_time":1795000000}
      --idp NAME        who signed the person in, the claim idp
      --chain S         an actor of the delegation chain, the current one first; may be given more than once
      --spiffe ID       SPIFFE ID of a workload, in place of --subject

When and with what:
      --args JSON       arguments of the tool or prompt, a JSON object
      --at TIME         when it is asked (2026-11-23T08:00:00Z); now, when left out
      --granted RULE    a rule the caller has a live grant for; may be given more than once
      --address IP      address the caller comes from

From a record, in place of who asks for what:
      --record ID       a decision of the audit log, by the id of its call, visit or trace: the same caller asks
                        the same server for the same, as of then, under these rules. Group, scope, claims, idp,
                        args, at, granted and address add what the record does not know.
      --audit FILE      an audit log to look in; may be given more than once, - is standard input. Those of the
                        configuration (audit.sink), when left out

  -h, --help            show this text

Exit code: 0 allowed, 1 denied or a file is wrong, 2 used wrongly.`

/** As `util.parseArgs` takes them. */
export const OPTIONS = {
  policy: { type: 'string', multiple: true },
  config: { type: 'string', short: 'c' },
  server: { type: 'string' },
  tool: { type: 'string' },
  prompt: { type: 'string' },
  resource: { type: 'string' },
  template: { type: 'string' },
  method: { type: 'string' },
  subject: { type: 'string' },
  kind: { type: 'string' },
  group: { type: 'string', multiple: true },
  scope: { type: 'string', multiple: true },
  client: { type: 'string' },
  issuer: { type: 'string' },
  tenant: { type: 'string' },
  interactive: { type: 'boolean' },
  claims: { type: 'string' },
  idp: { type: 'string' },
  chain: { type: 'string', multiple: true },
  spiffe: { type: 'string' },
  args: { type: 'string' },
  at: { type: 'string' },
  granted: { type: 'string', multiple: true },
  address: { type: 'string' },
  record: { type: 'string' },
  audit: { type: 'string', multiple: true },
} as const

/** What was told. */
export type Values = ValuesOf<typeof OPTIONS>

/** An object in JSON; undefined for anything else. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined
  } catch {
    return undefined
  }
}

/** Epoch milliseconds of `--at`, or what is wrong with it. */
export function readAt(text: string): number | string {
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? '--at must be a time such as 2026-11-23T08:00:00Z' : atMs
}

/** The claims said with `--claims` and `--idp`, or what is wrong with them. */
export function readClaims({
  claims: text,
  idp,
}: Pick<Values, 'claims' | 'idp'>): Readonly<Record<string, unknown>> | string {
  const claims = text === undefined ? {} : parseObject(text)
  if (claims === undefined) return '--claims must be a JSON object'
  return idp === undefined ? claims : { ...claims, idp }
}
