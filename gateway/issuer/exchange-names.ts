/** The grant, as clients name it (RFC 8693 §2.1). */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** The same, as `gty` says it in the token. */
export const EXCHANGED = 'token_exchange'
