/** The headers that a source's options ask to send, with the Secrets in their places. */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import type { HttpAuth, SecretKey } from "#schemas/Endpoint"
import { Secrets } from "#services/Secrets"
import { SourceError } from "#services/SourceError"

/** A value that would end its header would start another one of its own choosing. */
const SENDABLE = /^[\t\x20-\x7e\xa0-\xff]*$/u

const reveal = Effect.fnUntraced(function* (namespace: string, secret: SecretKey) {
  const secrets = yield* Secrets
  return Redacted.value(yield* secrets.get(namespace, secret))
})

const sendable = Effect.fnUntraced(function* (namespace: string, secret: SecretKey) {
  const value = yield* reveal(namespace, secret)
  if (SENDABLE.test(value)) return value
  return yield* new SourceError({
    why: "BadOptions",
    detail: `The key ${secret.key} of the Secret ${namespace}/${secret.name} holds what no header can carry (a line break, or other than Latin text). Store the value alone, on one line.`
  })
})

/** Names in lower case. A Secret wins over a header of the same name, and basicAuth or bearerSecret over both. */
export const requestHeaders = Effect.fnUntraced(function* (namespace: string, auth: HttpAuth) {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(auth.headers ?? {})) headers[name.toLowerCase()] = value
  for (const [name, secret] of Object.entries(auth.headerSecrets ?? {})) {
    headers[name.toLowerCase()] = yield* sendable(namespace, secret)
  }
  if (auth.basicAuth !== undefined) {
    const { passwordSecret, username } = auth.basicAuth
    const password = yield* reveal(namespace, passwordSecret)
    headers["authorization"] = `Basic ${Base64.encode(`${username}:${password}`)}`
  }
  if (auth.bearerSecret !== undefined) {
    headers["authorization"] = `Bearer ${yield* sendable(namespace, auth.bearerSecret)}`
  }
  return headers as Readonly<Record<string, string>>
})
