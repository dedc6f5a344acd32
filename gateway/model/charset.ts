/**
 * Whether a body of this `Content-Type` is UTF-8, as far as that says (RFC 9110 §8.3.2). Nobody here reads any
 * other: the next reader would understand something else than was judged.
 */
export function isUtf8(contentType: string): boolean {
  return contentType
    .split(';')
    .slice(1)
    .every((parameter) => {
      const [name = '', value = ''] = parameter.split('=')
      if (name.trim().toLowerCase() !== 'charset') return true
      const charset = value.trim().replaceAll('"', '').toLowerCase()
      return charset === 'utf-8' || charset === 'utf8'
    })
}
