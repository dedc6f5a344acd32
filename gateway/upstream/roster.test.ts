import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createRoster, type Listed } from './roster.ts'

type Member = Listed & { readonly name: number }

test('it holds what was added and not removed, like a set', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 12 })), (names) => {
      const all: Member[] = Array.from({ length: 13 }, (_, name) => ({ name, place: -1 }))
      const roster = createRoster<Member>()
      const model = new Set<Member>()
      for (const name of names) {
        const member = all[name]!
        if (model.has(member)) {
          roster.remove(member)
          model.delete(member)
        } else {
          roster.add(member)
          model.add(member)
        }
        assert.deepEqual(new Set(roster.members), model)
        assert.equal(roster.members.length, model.size)
      }
    }),
  )
})

test('removing what is not in it changes nothing', () => {
  const roster = createRoster<Member>()
  const [one, other] = [1, 2].map((name): Member => ({ name, place: -1 }))
  roster.add(one!)
  roster.remove(other!)
  roster.remove(one!)
  roster.remove(one!)
  assert.deepEqual(roster.members, [])
})
