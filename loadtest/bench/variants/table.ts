/** Every variant, in the order of the printed table. */
import { DIRECT } from './direct.ts'
import { GATEHOUSE, GATEHOUSE_NODE } from './gatehouse.ts'
import { HAPROXY_JWT } from './haproxy-jwt.ts'
import { HTTP_PROXY_3_JOSE } from './http-proxy-3-jose.ts'
import { HTTP_PROXY_3 } from './http-proxy-3.ts'
import { NGINX_AUTH_REQUEST } from './nginx-auth-request.ts'
import { NGINX } from './nginx.ts'
import { PASS_THROUGH } from './pass-through.ts'
import type { Variant } from './variant.ts'

/** Names are unique: results go by them. */
export const VARIANTS: readonly Variant[] = [
  DIRECT,
  NGINX,
  NGINX_AUTH_REQUEST,
  HAPROXY_JWT,
  HTTP_PROXY_3,
  HTTP_PROXY_3_JOSE,
  PASS_THROUGH,
  GATEHOUSE,
  GATEHOUSE_NODE,
]
