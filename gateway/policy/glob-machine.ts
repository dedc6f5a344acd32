/**
 * The general glob matcher: a bit-parallel automaton (Baeza-Yates and Gonnet, "A new approach to text
 * searching", 1992). State `j` means that the first `j` characters of the glob have been matched; all
 * states advance together, 32 to a word, so a text of n characters costs n times the words of the glob
 * whatever the two look like. Nothing is ever tried twice.
 */

/** A glob as bit masks over its states; bit `j` of a mask speaks of state `j`. */
export type Machine = {
  readonly words: number
  /** Bits to set on entering by this character (code point), `?` included where it applies. */
  readonly entering: ReadonlyMap<number, Uint32Array>
  /** Bits to set on entering by any character not in `entering`, except `/`. */
  readonly enteringByOther: Uint32Array
  /** States followed by `*` or `**`: they stay on any character but `/`. */
  readonly staying: Uint32Array
  /** States followed by `**`: they stay on `/` too. */
  readonly stayingAcross: Uint32Array
  readonly accepting: number
}

const SLASH = 0x2f

type Token = { readonly char: string | undefined; readonly stars: 0 | 1 | 2 }

/** The automaton of a glob, in time and space that grow with the glob alone. */
export function buildMachine(glob: string): Machine {
  const { tokens, leading } = tokenize(glob)
  const words = (tokens.length >>> 5) + 1
  const mask = (): Uint32Array => new Uint32Array(words)
  const machine = {
    words,
    entering: new Map<number, Uint32Array>(),
    enteringByOther: mask(),
    staying: mask(),
    stayingAcross: mask(),
    accepting: tokens.length,
  }
  const setStars = (state: number, stars: Token['stars']): void => {
    if (stars > 0) setBit(machine.staying, state)
    if (stars > 1) setBit(machine.stayingAcross, state)
  }
  setStars(0, leading)
  for (const [index, { char, stars }] of tokens.entries()) {
    if (char === undefined) setBit(machine.enteringByOther, index + 1)
    setStars(index + 1, stars)
  }
  machine.entering.set(SLASH, mask())
  for (const [index, { char }] of tokens.entries()) {
    if (char === undefined) continue
    const code = char.codePointAt(0) ?? 0
    const entry = machine.entering.get(code) ?? machine.enteringByOther.slice()
    setBit(entry, index + 1)
    machine.entering.set(code, entry)
  }
  return machine
}

/** Whether the whole text takes the machine to its accepting state. */
export function runMachine(machine: Machine, text: string): boolean {
  const states = consume(machine, text)
  return states !== undefined && hasBit(states, machine.accepting)
}

/** Whether some continuation of the text could be accepted: every state leads to the accepting one. */
export function survives(machine: Machine, text: string): boolean {
  return consume(machine, text) !== undefined
}

/**
 * Whether the machine accepts every text the glob `inner` stands for: its wildcards are read as
 * unknown characters, and only states that survive whatever they stand for are kept.
 */
export function runSymbolic(machine: Machine, inner: string): boolean {
  const { tokens, leading } = tokenize(inner)
  const states = initial(machine)
  keepThroughStars(machine, states, leading)
  for (const { char, stars } of tokens) {
    const code = char?.codePointAt(0)
    if (code === undefined) step(states, machine.enteringByOther, machine.staying)
    else advance(machine, states, code)
    keepThroughStars(machine, states, stars)
  }
  return hasBit(states, machine.accepting)
}

function keepThroughStars(machine: Machine, states: Uint32Array, stars: Token['stars']): void {
  if (stars === 0) return
  const kept = stars === 1 ? machine.staying : machine.stayingAcross
  for (const [index, word] of kept.entries()) states[index] = (states[index] ?? 0) & word
}

function initial(machine: Machine): Uint32Array {
  const states = new Uint32Array(machine.words)
  states[0] = 1
  return states
}

/** The states alive after the text; undefined as soon as there is none. */
function consume(machine: Machine, text: string): Uint32Array | undefined {
  const states = initial(machine)
  for (let index = 0; index < text.length; index += 1) {
    const code = text.codePointAt(index) ?? 0
    if (code > 0xffff) index += 1
    if (!advance(machine, states, code)) return undefined
  }
  return states
}

function advance(machine: Machine, states: Uint32Array, code: number): boolean {
  const entering = machine.entering.get(code) ?? machine.enteringByOther
  return step(states, entering, code === SLASH ? machine.stayingAcross : machine.staying)
}

/** One character: every state moves on where `entering` lets it, and stays where `staying` says so. */
function step(states: Uint32Array, entering: Uint32Array, staying: Uint32Array): boolean {
  let carry = 0
  let alive = 0
  for (let word = 0; word < states.length; word += 1) {
    const before = states[word] ?? 0
    const moved = ((before << 1) | carry) & (entering[word] ?? 0)
    const after = moved | (before & (staying[word] ?? 0))
    carry = before >>> 31
    states[word] = after
    alive |= after
  }
  return alive !== 0
}

/** The characters of a glob (`?` as undefined), each with the stars after it; a run of stars is `**`. */
function tokenize(glob: string): {
  readonly tokens: readonly Token[]
  readonly leading: Token['stars']
} {
  const tokens: Token[] = []
  let leading: Token['stars'] = 0
  for (const char of glob) {
    if (char !== '*') {
      tokens.push({ char: char === '?' ? undefined : char, stars: 0 })
      continue
    }
    const last = tokens.pop()
    if (last === undefined) leading = leading === 0 ? 1 : 2
    else tokens.push({ ...last, stars: last.stars === 0 ? 1 : 2 })
  }
  return { tokens, leading }
}

function setBit(mask: Uint32Array, bit: number): void {
  mask[bit >>> 5] = (mask[bit >>> 5] ?? 0) | (1 << (bit & 31))
}

function hasBit(mask: Uint32Array, bit: number): boolean {
  return ((mask[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0
}
