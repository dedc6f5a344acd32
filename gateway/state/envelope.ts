/**
 * A message on its way to other processes: who sent it, the topic, the text. Nothing is escaped, so that
 * the largest message with the longest topic has a known size.
 */

/** What arrived. `from` is the process that sent it, which has told its own subscribers already. */
export type Envelope = { readonly from: string; readonly topic: string; readonly message: string }

/** `from` must hold no blank. */
export function sealEnvelope({ from, topic, message }: Envelope): string {
  return `${from} ${topic.length} ${topic}${message}`
}

/** Undefined for what no process of ours has sent. */
export function openEnvelope(text: string): Envelope | undefined {
  const head = /^(\S+) (\d{1,4}) /.exec(text)
  if (head === null) return undefined
  const [all, from = '', length = '0'] = head
  const end = all.length + Number(length)
  if (end > text.length) return undefined
  return { from, topic: text.slice(all.length, end), message: text.slice(end) }
}
