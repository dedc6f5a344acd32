/**
 * A bag of what is under way. A `Set` would do, but V8 moves a set that things come to and go from into a
 * new table every few dozen of them, and the old tables, once in the old generation, keep all they named
 * alive until a full collection: short-lived objects then cost as much as long-lived ones.
 */

/** What can be in a roster; `place` is the roster's own, -1 while it is in none. */
export type Listed = { place: number }

export type Roster<Member extends Listed> = {
  add(member: Member): void
  /** Nothing happens when it is not in it. */
  remove(member: Member): void
  /** In no order; do not add or remove meanwhile. */
  readonly members: readonly Member[]
}

/** An empty roster; adding and removing take constant time. */
export function createRoster<Member extends Listed>(): Roster<Member> {
  const members: Member[] = []
  return {
    add(member) {
      member.place = members.length
      members.push(member)
    },
    remove(member) {
      const { place } = member
      if (place === -1) return
      const last = members.pop()
      if (last !== undefined && last !== member) {
        members[place] = last
        last.place = place
      }
      member.place = -1
    },
    members,
  }
}
