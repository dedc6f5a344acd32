/**
 * A reader of event streams (WHATWG HTML, "Server-sent events") to hold others against: the whole stream
 * at once, written after the standard's grammar rather than its algorithm.
 */

/** Events and comments of a stream, members that an event does not have left out. */
export function readSse(bytes: Uint8Array): readonly object[] {
  const text = new TextDecoder('utf-8').decode(bytes)
  const lines = text.split(/\r\n|\r|\n/)
  // What follows the last line end is no line yet.
  lines.pop()
  const items: object[] = []
  let fields: (readonly [string, string])[] = []
  for (const line of lines) {
    if (line === '') {
      const item = toEvent(fields)
      if (item !== undefined) items.push(item)
      fields = []
    } else if (line.startsWith(':')) {
      items.push({ kind: 'comment', text: line.slice(1) })
    } else {
      const [, name = '', value = ''] = /^([^:]*)(?:: ?([^]*))?$/.exec(line) ?? []
      fields.push([name, value])
    }
  }
  return items
}

function toEvent(fields: readonly (readonly [string, string])[]): object | undefined {
  const all = (wanted: string) =>
    fields.flatMap(([name, value]) => (name === wanted ? [value] : []))
  const data = all('data')
  const id = all('id').findLast((value) => !value.includes('\0'))
  const retry = all('retry').findLast((value) => /^\d{1,15}$/.test(value))
  const event = all('event').at(-1)
  const item = {
    ...(event === undefined ? {} : { event }),
    ...(id === undefined ? {} : { id }),
    ...(retry === undefined ? {} : { retry: Number(retry) }),
    ...(data.length === 0 ? {} : { data: data.join('\n') }),
  }
  return Object.keys(item).length === 0 ? undefined : { kind: 'event', ...item }
}
