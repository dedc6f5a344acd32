import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renameTasks, type Rename } from './task-ids.ts'

const RELATED = '"io.modelcontextprotocol/related-task"'

const respond = (result: string): string => `{"jsonrpc":"2.0","id":1,"result":${result}}`

function renamed(result: string, rename: Rename): string {
  const bytes = renameTasks(Buffer.from(respond(result)), rename)
  return Buffer.from(bytes).toString()
}

const mark: Rename = (id, place) => `${place}:${id}`

test('ids are replaced where they stand and nothing else changes', () => {
  const cases = [
    [
      `{ "task" :{"ttl":1.0,"taskId": "a"} , "é":"a"}`,
      `{ "task" :{"ttl":1.0,"taskId": "result:a"} , "é":"a"}`,
    ],
    [
      `{"resultType":"task","taskId":"a","status":"working"}`,
      `{"resultType":"task","taskId":"result:a","status":"working"}`,
    ],
    [
      `{"content":[],"_meta":{"x":{"taskId":"a"},${RELATED}:{"taskId":"a"}}}`,
      `{"content":[],"_meta":{"x":{"taskId":"a"},${RELATED}:{"taskId":"related:a"}}}`,
    ],
    [`{"taskId":"\\u0061"}`, `{"taskId":"result:a"}`],
  ] as const
  for (const [result, expected] of cases) assert.equal(renamed(result, mark), respond(expected))
})

test('what is no id of a task stays', () => {
  for (const result of [
    '{"content":[{"taskId":"a"}],"structuredContent":{"taskId":"a","tasks":[{"taskId":"a"}]}}',
    '{"taskId":7,"task":"a","tasks":{"taskId":"a"},"_meta":["taskId"]}',
    '{"result":{"taskId":"a"}}',
    '"taskId"',
  ]) {
    assert.equal(renamed(result, mark), respond(result))
  }
  const request = '{"jsonrpc":"2.0","id":1,"method":"m","params":{"taskId":"a"}}'
  assert.equal(Buffer.from(renameTasks(Buffer.from(request), mark)).toString(), request)
})

test('an id that is not renamed stays, and an entry of a list goes', () => {
  const result = '{"taskId":"a","tasks":[{"taskId":"a"}]}'
  assert.equal(
    renamed(result, () => undefined),
    respond('{"taskId":"a","tasks":[]}'),
  )
})

test('whichever entries go, the list stays one of the others in order', () => {
  const entries = ['{"taskId":"a"}', ' {"ttl":null,"taskId":"b"}', '{"taskId":"c"} ', '7', '{}']
  for (let kept = 0; kept < 8; kept++) {
    const rename: Rename = (id) => ((kept >> 'abc'.indexOf(id)) & 1 ? `${id}!` : undefined)
    for (const list of [entries, entries.toReversed(), entries.slice(0, 3)]) {
      const text = renamed(`{"tasks":[ ${list.join(' , ')} ],"nextCursor":""}`, rename)
      const { result } = JSON.parse(text) as { result: { tasks: { taskId: string }[] } }
      const expected = list
        .map((entry) => (JSON.parse(entry) as { taskId?: string }).taskId)
        .filter((id) => id !== undefined && rename(id, 'list') !== undefined)
        .map((id) => `${id}!`)
      assert.deepEqual(
        result.tasks.map(({ taskId }) => taskId),
        expected,
        text,
      )
      assert.match(text, /"nextCursor":""/)
    }
  }
})
