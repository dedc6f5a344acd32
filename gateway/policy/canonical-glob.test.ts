import assert from 'node:assert/strict'
import { test } from 'node:test'
import { neverCanonical } from './canonical-glob.ts'

const NEVER = [
  'FILE:///a',
  'file',
  'reports/q3',
  'a/b',
  '1x:y',
  'file:///a/../b',
  'file:///a/./b',
  'file:///..',
  'file:///a//b',
  'file:////a',
  'file:///a\\b',
  'file:///a b',
  'file:///a ',
  'file:///ä',
  'file:///a#b',
  'file:///%2e%2e/a',
  'file:///%2E',
  'file:///a%2fb',
  'file:///a%2Fb',
  'file:///a%5Cb',
  'file:///a%00',
  'file:///a%41',
  'file:///a%zz',
  'file:///a%2',
  'file:///a%',
  'https://user@host/a',
  'https://HOST/a',
  'https://host:443/a',
  'http://host:80/a',
  'http://host:/a',
] as const

const MAYBE = [
  '**',
  '*',
  'file:**',
  '*://host/a',
  'file:///',
  'file:///a',
  'file:///a/',
  'file:///a/**',
  'file:///a/*.md',
  'file:///a%20b',
  'file:///a%2*',
  'file:///a%?0',
  'https://host:8443/a',
  'https://host/a?b=c',
  'https://*.host/a',
  'demo://resource/static/document/features.md',
  'urn:isbn:123',
  'x+y.z-1:a',
] as const

test('a resource glob that no canonical URI can match is known', () => {
  for (const glob of NEVER) assert.notEqual(neverCanonical(glob), undefined, glob)
})

test('a resource glob that some canonical URI can match is left alone', () => {
  for (const glob of MAYBE) assert.equal(neverCanonical(glob), undefined, glob)
})
