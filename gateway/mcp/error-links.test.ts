import assert from 'node:assert/strict'
import { test } from 'node:test'

import { filterAnswer } from './list.ts'

/** Whether an error of a server may be shown. */
function isShown(error: string): boolean {
  const text = `{"jsonrpc":"2.0","id":1,"error":${error}}`
  return filterAnswer(Buffer.from(text), { show: () => true }).ok
}

const withData = (data: string): string => `{"code":-32042,"message":"m","data":${data}}`

test('an error may send people to pages of the web', () => {
  assert.ok(isShown(withData('{"elicitations":[{"mode":"url","url":"https://a.test/x"}]}')))
  assert.ok(isShown(withData('{"elicitations":[]}')))
})

test('an error that sends people anywhere else is not shown, whatever its code', () => {
  for (const entry of [
    '{"url":"javascript:alert(1)"}',
    '{"mode":"form","url":"data:text/html,x"}',
    '{"url":7}',
    '{"URL":"https://a.test"}',
    '{"url":"https://a.test","url ":"x"}',
  ]) {
    const list = `[{"url":"https://a.test"},${entry}]`
    assert.ok(!isShown(withData(`{"elicitations":${list}}`)), entry)
  }
  const other = '{"data":{"elicitations":[{"url":"javascript:x"}]},"code":1}'
  assert.ok(!isShown(other))
  assert.ok(!isShown(withData('{"Elicitations":[{"url":"https://a.test"}]}')))
})

test('errors without links are shown as they are', () => {
  for (const error of [
    '{"code":1,"message":"javascript:alert(1)"}',
    '"text"',
    'null',
    '[]',
    withData('"x"'),
    withData('[{"url":"javascript:x"}]'),
    withData('{"elicitations":"x"}'),
    withData('{"elicitations":[1,null,"x",{}]}'),
  ]) {
    assert.ok(isShown(error), error)
  }
})
