/** The file of local users. */
import type { Path } from '../model/problem.ts'
import type { Reading } from './reading.ts'
import type { LocalUser } from '../model/authorization-rules.ts'
import { validate, withDefaults } from './validate.ts'
import { readYaml } from './yaml.ts'

const AT: Path = ['authorization_server', 'users']

/** As written, after the schema has accepted it and filled in its defaults. */
type UsersFile = {
  readonly users: Readonly<
    Record<
      string,
      {
        readonly password: string
        readonly name?: string
        readonly groups: readonly string[]
        readonly scopes?: readonly string[]
      }
    >
  >
}

/** The users by name; none when anything about the file is reported. */
export async function readUsers(
  reading: Reading,
  file: string,
): Promise<ReadonlyMap<string, LocalUser>> {
  const text = await reading.readText(AT, file)
  if (text === undefined) return new Map()
  const document = readYaml(reading.absolute(file), text)
  const problems = document.ok ? validate('users', document) : document.problems
  reading.problems.push(...problems)
  if (!document.ok || problems.length > 0) return new Map()
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema has just been applied
  const { users } = withDefaults('users', structuredClone(document.data)) as UsersFile
  const entries = Object.entries(users).map(([name, user]): [string, LocalUser] => [
    name,
    {
      passwordHash: user.password,
      name: user.name ?? name,
      groups: user.groups,
      scopes: user.scopes,
    },
  ])
  return new Map(entries)
}
