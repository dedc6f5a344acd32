/** JSON Schemas of the tools and questions that the official suite looks at. */
import type { InputRequest } from '@modelcontextprotocol/server'
import { fromJsonSchema, inputRequired } from '@modelcontextprotocol/server'

type Schema = Parameters<typeof fromJsonSchema>[0]

/** An object schema of one required text. */
export function oneText<Name extends string>(name: Name) {
  const schema: Schema = {
    type: 'object',
    properties: { [name]: { type: 'string' } },
    required: [name],
  }
  return fromJsonSchema<Readonly<Record<Name, string>>>(schema)
}

/** A question to the user whose answer has the given members, all required unless they have defaults. */
export function ask(
  message: string,
  properties: Readonly<Record<string, unknown>>,
  required: readonly string[] = Object.keys(properties),
): InputRequest {
  return inputRequired.elicit({
    message,
    // The SDK's type knows fewer forms of an enumeration than the specification.
    requestedSchema: { type: 'object', properties, required: [...required] } as never,
  })
}

/** A question to the model of the client. */
export function sample(text: string, maxTokens: number): InputRequest {
  const message = { role: 'user' as const, content: { type: 'text' as const, text } }
  return inputRequired.createMessage({ messages: [message], maxTokens })
}

/** A default for every kind of member (SEP-1034). */
export const DEFAULTS = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
}

const titled = (prefix: string, title: string) =>
  ['First', 'Second', 'Third'].map((word, at) => ({
    const: `${prefix}${at + 1}`,
    title: `${word} ${title}`,
  }))

const OPTIONS = ['option1', 'option2', 'option3']

/** Every form of an enumeration (SEP-1330). */
export const ENUMERATIONS = {
  untitledSingle: { type: 'string', enum: OPTIONS },
  titledSingle: { type: 'string', oneOf: titled('value', 'Option') },
  legacyEnum: {
    type: 'string',
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
  titledMulti: { type: 'array', items: { anyOf: titled('value', 'Choice') } },
}

/** Keywords of JSON Schema 2020-12 that must reach clients as written (SEP-1613, SEP-2106). */
export const RICH_SCHEMA: Schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}
