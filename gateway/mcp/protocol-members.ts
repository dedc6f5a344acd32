/**
 * Every member name the specification gives a meaning to, in any revision, by the object it stands in.
 * Objects that are not listed here (`arguments`, capabilities, results of tools) may hold any names.
 */
import { nameTable } from './member-names.ts'

/** Keys of `_meta` that this room reads. */
export const META_RELATED_TASK = 'io.modelcontextprotocol/related-task'
export const META_PROTOCOL_VERSION = 'io.modelcontextprotocol/protocolVersion'
export const META_CLIENT_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'

/** JSON-RPC 2.0 §4 and §5. */
export const ENVELOPE = nameTable(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])

/** `params` of every request and notification. */
export const PARAMS = nameTable([
  '_meta',
  'argument',
  'arguments',
  'capabilities',
  'clientInfo',
  'context',
  'cursor',
  'data',
  'elicitationId',
  'includeContext',
  'inputRequests',
  'inputResponses',
  'level',
  'logger',
  'maxTokens',
  'message',
  'messages',
  'metadata',
  'mode',
  'modelPreferences',
  'name',
  'notifications',
  'progress',
  'progressToken',
  'protocolVersion',
  'reason',
  'ref',
  'requestId',
  'requestState',
  'requestedSchema',
  'result',
  'status',
  'statusMessage',
  'stopSequences',
  'systemPrompt',
  'task',
  'taskId',
  'temperature',
  'toolChoice',
  'tools',
  'total',
  'ttl',
  'uri',
  'url',
])

/** `params._meta`. */
export const META = nameTable([
  META_PROTOCOL_VERSION,
  META_CLIENT_CAPABILITIES,
  'io.modelcontextprotocol/clientInfo',
  'io.modelcontextprotocol/logLevel',
  META_RELATED_TASK,
  'io.modelcontextprotocol/subscriptionId',
  'baggage',
  'progressToken',
  'traceparent',
  'tracestate',
])

/** What holds the id of a task: `_meta["io.modelcontextprotocol/related-task"]`, `result.task`. */
export const TASK = nameTable(['taskId'])

/** `params.ref` of `completion/complete`. */
export const REF = nameTable(['type', 'name', 'uri', 'title'])

/** `params.notifications` of `subscriptions/listen` and of its acknowledgement. */
export const LISTENING = nameTable([
  'promptsListChanged',
  'resourceSubscriptions',
  'resourcesListChanged',
  'taskIds',
  'toolsListChanged',
])
