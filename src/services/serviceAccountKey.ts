/**
 * The JSON key of a Google service account, and the assertion that is signed with it: a JWT by RS256, which the token
 * endpoint exchanges for a token that may read metrics and nothing else.
 */
import { createPrivateKey, sign } from "node:crypto"
import type { KeyObject } from "node:crypto"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Millis } from "#schemas/Reading"
import { parseJson } from "#services/jsonBody"

export const MONITORING_SCOPE = "https://www.googleapis.com/auth/monitoring.read"
const TOKEN_URI = "https://oauth2.googleapis.com/token"
const LIFETIME_SECONDS = 3600
/** Signing takes the cube of it, on the thread that all policies share. Google's own keys have 2048. */
const KEY_BITS_MAX = 4096

const KeyFile = Schema.Struct({
  type: Schema.String,
  client_email: Schema.optionalKey(Schema.String),
  private_key: Schema.optionalKey(Schema.String),
  private_key_id: Schema.optionalKey(Schema.String),
  token_uri: Schema.optionalKey(Schema.String)
})

export interface ServiceAccountKey {
  readonly email: string
  readonly keyId: string | undefined
  readonly tokenUri: string
  readonly privateKey: KeyObject
}

const readPrivateKey = (pem: string): Result.Result<KeyObject, string> => {
  const key = Result.try(() => createPrivateKey(pem))
  if (Result.isFailure(key)) return Result.fail("its private_key is no key in PEM")
  const { asymmetricKeyDetails, asymmetricKeyType } = key.success
  if (asymmetricKeyType !== "rsa") return Result.fail("its private_key is not an RSA key")
  return (asymmetricKeyDetails?.modulusLength ?? 0) <= KEY_BITS_MAX
    ? Result.succeed(key.success)
    : Result.fail(`its private_key has more than ${KEY_BITS_MAX} bits`)
}

/** The failure ends a sentence about the Secret, and quotes nothing of it. */
export const readServiceAccountKey = (text: string): Result.Result<ServiceAccountKey, string> => {
  const decoded = Schema.decodeUnknownResult(KeyFile)(Result.getOrUndefined(parseJson(text)))
  if (Result.isFailure(decoded)) return Result.fail("it is not the JSON of a key")
  const { client_email, private_key, private_key_id, token_uri, type } = decoded.success
  if (type !== "service_account") return Result.fail("its type is not service_account")
  if (client_email === undefined || private_key === undefined) {
    return Result.fail("it has no client_email or no private_key")
  }
  return Result.map(readPrivateKey(private_key), (privateKey) => ({
    email: client_email,
    keyId: private_key_id,
    tokenUri: token_uri ?? TOKEN_URI,
    privateKey
  }))
}

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url")

export const signedAssertion = (key: ServiceAccountKey, at: Millis): string => {
  const iat = Math.floor(at / 1000)
  const header = { alg: "RS256", typ: "JWT", ...(key.keyId === undefined ? {} : { kid: key.keyId }) }
  const claims = { iss: key.email, scope: MONITORING_SCOPE, aud: key.tokenUri, iat, exp: iat + LIFETIME_SECONDS }
  const content = `${encoded(header)}.${encoded(claims)}`
  return `${content}.${sign("RSA-SHA256", Buffer.from(content), key.privateKey).toString("base64url")}`
}
