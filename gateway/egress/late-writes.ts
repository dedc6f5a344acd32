/**
 * Writes of one turn of the event loop, made together once all that has arrived in it is dealt with. Whoever is at
 * the other end is woken once and finds more to do; a write after each message would wake it each time, and under
 * load that is a fourth of the processor time of a call.
 */

/** What has something to write, and is told when to. */
export type LateWriter = { writeNow(): void }

/** Has it written at the end of this turn; the promise is fulfilled when all of this turn have. */
export type WriteLate = (writer: LateWriter) => Promise<void>

/** For all connections of one kind, which are written to in the order in which they asked. */
export function createLateWrites(): WriteLate {
  let writers: LateWriter[] = []
  let written = Promise.withResolvers<void>()
  const writeAll = (): void => {
    const [all, { resolve }] = [writers, written]
    writers = []
    written = Promise.withResolvers()
    for (const writer of all) writer.writeNow()
    resolve()
  }
  return (writer) => {
    if (writers.length === 0) setImmediate(writeAll)
    writers.push(writer)
    return written.promise
  }
}
