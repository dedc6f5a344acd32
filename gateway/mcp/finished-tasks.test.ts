import assert from 'node:assert/strict'
import { test } from 'node:test'
import { finishedTasks } from './finished-tasks.ts'

function finishedIn(result: string): readonly string[] {
  return finishedTasks(Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${result}}`))
}

test('a task is over when it is completed, failed or cancelled, and in no other state', () => {
  for (const [status, isOver] of [
    ['completed', true],
    ['failed', true],
    ['cancelled', true],
    ['working', false],
    ['input_required', false],
    ['Completed', false],
    ['', false],
  ] as const) {
    const expected = isOver ? ['a'] : []
    assert.deepEqual(finishedIn(`{"taskId":"a","status":"${status}"}`), expected, status)
    assert.deepEqual(finishedIn(`{"status":"${status}","taskId":"a"}`), expected, status)
  }
})

test('the state of a task is read wherever a message tells it', () => {
  assert.deepEqual(finishedIn('{"task":{"ttl":1,"taskId":"\\u0061","status":"failed"}}'), ['a'])
  const list = '[{"taskId":"a","status":"working"},{"taskId":"b","status":"completed"},7]'
  assert.deepEqual(finishedIn(`{"tasks":${list},"nextCursor":""}`), ['b'])
  const params = '{"taskId":"c","status":"cancelled","result":{"content":[]}}'
  const told = `{"jsonrpc":"2.0","method":"notifications/tasks/status","params":${params}}`
  assert.deepEqual(finishedTasks(Buffer.from(told)), ['c'])
})

test('what only looks like the state of a task ends nothing', () => {
  for (const result of [
    '{"taskId":"a"}',
    '{"status":"completed"}',
    '{"taskId":7,"status":"completed"}',
    '{"taskId":"a","status":["completed"]}',
    '{"structuredContent":{"taskId":"a","status":"completed"}}',
    '{"taskId":"a","status":"working","result":{"status":"completed"}}',
    '"completed"',
  ]) {
    assert.deepEqual(finishedIn(result), [], result)
  }
  const error =
    '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"","data":{"status":"failed"}}}'
  assert.deepEqual(finishedTasks(Buffer.from(error)), [])
})
