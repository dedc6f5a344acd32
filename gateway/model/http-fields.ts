/** What a field of HTTP/1.1 looks like where we read and write heads ourselves. */

/** The end of a head. */
export const HEAD_END = Buffer.from('\r\n\r\n')

/** RFC 9110 §5.6.2, one colon and one space, and a value without space at either end (§5.5), in ASCII. */
export const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ([!-~](?:[\t -~]*[!-~])?)$/

/** What no field may hold: it could begin another one (RFC 9110 §5.5). */
export const NOT_IN_A_FIELD = /[^\t\x20-\x7e\x80-\xff]/
