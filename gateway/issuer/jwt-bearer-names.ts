/** The grant, as clients name it (RFC 7523 §2.1). */
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** What metadata says of an authorization server that takes identity assertions (MCP, enterprise-managed authorization). */
export const ID_JAG_PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag'

/** The `typ` of an identity assertion, which tells it from everything else with a signature. */
export const ID_JAG_TYPE = 'oauth-id-jag+jwt'

/** What `gty` says in tokens for a person whom an identity provider spoke for. */
export const BY_IDENTITY = 'id_jag'

/** The same for a program that a platform spoke for. */
export const BY_WORKLOAD = 'workload'
