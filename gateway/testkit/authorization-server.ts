/** A gateway that is its own authorization server, with one user, for end-to-end tests. */
import { cheapHash } from './cheap-hash.ts'
import type { TestGatehouse, TestGatehouseOptions } from './gatehouse.ts'
import { startGatehouse } from './gatehouse.ts'
import { ALICE } from './oauth-agent.ts'

export type OwnIssuerOptions = Omit<TestGatehouseOptions, 'config'> & {
  /** Of the section `authorization_server`, besides the users. */
  readonly section?: Readonly<Record<string, unknown>>
  readonly config?: Readonly<Record<string, unknown>>
  /** Of the entry of the user, besides the password. */
  readonly user?: Readonly<Record<string, unknown>>
}

export async function startOwnIssuer(options: OwnIssuerOptions): Promise<TestGatehouse> {
  const { section, config, user, ...rest } = options
  const password = cheapHash(ALICE.password)
  const alice = { password, name: 'Alice', groups: ['analysts'], ...user }
  return await startGatehouse({
    ...rest,
    files: { 'users.yaml': JSON.stringify({ version: 1, users: { alice } }), ...rest.files },
    config: { issuers: [], authorization_server: { users: 'users.yaml', ...section }, ...config },
  })
}
