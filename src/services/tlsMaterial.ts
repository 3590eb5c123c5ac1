/** What a source's options say of TLS, with the Secrets in their places: whom to trust, and who to be. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { SecretKey, TlsAuth } from "#schemas/Endpoint"
import { Secrets } from "#services/Secrets"
import { SourceError } from "#services/SourceError"

/** As PEM. Without an authority, those that the operator's image trusts. */
export interface TlsMaterial {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** A block of the kind, from its first line to its last. */
const holds = (pem: string, kind: RegExp): boolean => {
  const begin = /-----BEGIN ([A-Z0-9 ]+)-----/u.exec(pem)?.[1]
  return begin !== undefined && kind.test(begin) && pem.includes(`-----END ${begin}-----`)
}

const read = Effect.fnUntraced(function* (namespace: string, secret: SecretKey, what: string, kind: RegExp) {
  const secrets = yield* Secrets
  const pem = Redacted.value(yield* secrets.get(namespace, secret))
  if (holds(pem, kind)) return pem
  return yield* new SourceError({
    why: "BadOptions",
    detail: `The key ${secret.key} of the Secret ${namespace}/${secret.name} holds no ${what} in PEM. Store it with its BEGIN and END lines.`
  })
})

/** Undefined where the options say nothing, so that the connections of those are shared by all. */
export const tlsMaterial = Effect.fnUntraced(function* (namespace: string, options: TlsAuth) {
  const { caSecret, certSecret, keySecret } = options
  if (caSecret === undefined && (certSecret === undefined || keySecret === undefined)) return undefined
  const ca = caSecret === undefined ? undefined : yield* read(namespace, caSecret, "certificate", /^CERTIFICATE$/u)
  const cert =
    certSecret === undefined ? undefined : yield* read(namespace, certSecret, "certificate", /^CERTIFICATE$/u)
  const key = keySecret === undefined ? undefined : yield* read(namespace, keySecret, "private key", /PRIVATE KEY$/u)
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key })
  } satisfies TlsMaterial
})
