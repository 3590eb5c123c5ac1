/**
 * How a tenant names an outside system: its URL and what to send along. Shared by every source that speaks HTTP,
 * so that headers, Secrets and their limits mean the same wherever they are written.
 */
import * as Schema from "effect/Schema"

const described = <S extends Schema.Top>(schema: S, description: string): S["Rebuild"] =>
  schema.annotate({ description })

/** Long enough for any real address, short enough for a status field. */
const URL_MAX = 2048
const HEADERS_MAX = 16

/** Says what is there; which addresses are refused is the same everywhere and said here. */
export const httpUrl = (description: string) =>
  Schema.String.annotate({
    description: `${description} Starts with http:// or https://. Link-local and cloud metadata addresses are refused, and loopback too when the operator runs inside a cluster.`
  }).check(Schema.isMaxLength(URL_MAX), Schema.isPattern(/^https?:\/\/[^\s]+$/u))

export const SecretKey = described(
  Schema.Struct({
    name: described(Schema.String, "Name of the Secret.").check(
      Schema.isMaxLength(253),
      Schema.isPattern(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/u)
    ),
    key: described(Schema.String, "Key inside the Secret.").check(
      Schema.isMaxLength(253),
      Schema.isPattern(/^[-._a-zA-Z0-9]+$/u)
    )
  }),
  "A key of a Secret in the namespace of this object."
)
export type SecretKey = typeof SecretKey.Type

/** Two spellings of one thing: the rule for the API server, and the check for everybody else. */
export const exactlyOneOf = (first: string, second: string) => ({
  rule: {
    rule: `has(self.${first}) != has(self.${second})`,
    message: `name exactly one of ${first} and ${second}`
  },
  check: Schema.makeFilter<object>((options) =>
    Object.hasOwn(options, first) !== Object.hasOwn(options, second)
      ? undefined
      : { path: [first], issue: `name exactly one of ${first} and ${second}` }
  )
})

/** What frames a message belongs to the client alone: a second opinion about it is how requests get smuggled. */
const FRAMING = new Set([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "upgrade",
  "te",
  "trailer",
  "keep-alive",
  "expect",
  "accept-encoding",
  "proxy-authorization",
  "proxy-connection"
])

/** Undefined when a header of this name may be sent, else the end of a sentence that says why not. */
export const headerNameIssue = (name: string): string | undefined => {
  if (name.length > 256 || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/u.test(name)) return "is not the name of an HTTP header"
  return FRAMING.has(name.toLowerCase()) ? "is set by the operator itself: leave it out" : undefined
}

const namesAreSendable = Schema.makeFilter<object>((headers) => {
  const bad = Object.keys(headers).find((name) => headerNameIssue(name) !== undefined)
  return bad === undefined ? undefined : { path: [bad], issue: headerNameIssue(bad) ?? "" }
})

export const Headers = described(
  Schema.Record(
    Schema.String,
    described(Schema.String, "Value of the header.").check(
      Schema.isMaxLength(8192),
      Schema.isPattern(/^[\t\x20-\x7e\xa0-\xff]*$/u)
    )
  ),
  "HTTP headers to send along, by name. Anybody who may read this object can read them: put credentials into headerSecrets."
).check(Schema.isMaxProperties(HEADERS_MAX), namesAreSendable)
export type Headers = typeof Headers.Type

export const HeaderSecrets = described(
  Schema.Record(Schema.String, SecretKey),
  "HTTP headers whose whole value is in a Secret, by header name. They win over headers of the same name."
).check(Schema.isMaxProperties(HEADERS_MAX), namesAreSendable)
export type HeaderSecrets = typeof HeaderSecrets.Type

export const BasicAuth = described(
  Schema.Struct({
    username: described(Schema.String, "Name of the user.").check(
      Schema.isMaxLength(256),
      Schema.isPattern(/^[^:\p{Cc}]*$/u)
    ),
    passwordSecret: described(SecretKey, "Where the password is.")
  }),
  "User and password, sent as HTTP Basic authentication."
)
export type BasicAuth = typeof BasicAuth.Type

export const BearerSecret = described(SecretKey, "Where the token is that is sent as `Authorization: Bearer`.")

/** The fields of every HTTP source's options that say what to send along. */
export const httpAuthFields = {
  headers: Schema.optionalKey(Headers),
  headerSecrets: Schema.optionalKey(HeaderSecrets),
  basicAuth: Schema.optionalKey(BasicAuth),
  bearerSecret: Schema.optionalKey(BearerSecret)
}

export const HttpAuth = Schema.Struct(httpAuthFields)
export type HttpAuth = typeof HttpAuth.Type

/** The fields of every source's options that say whom to trust over TLS, and who to be. */
export const tlsFields = {
  caSecret: Schema.optionalKey(
    described(
      SecretKey,
      "Where the certificates (PEM) of the authorities are that the server's certificate must come from. Absent: those of the operator's image."
    )
  ),
  certSecret: Schema.optionalKey(
    described(SecretKey, "Where the client certificate (PEM) is, for servers that ask for one. Needs keySecret.")
  ),
  keySecret: Schema.optionalKey(
    described(SecretKey, "Where the private key (PEM) of the client certificate is. Needs certSecret.")
  )
}

export const TlsAuth = Schema.Struct(tlsFields)
export type TlsAuth = typeof TlsAuth.Type

/** Half a client certificate is none. */
export const certWithKey = {
  rule: { rule: "has(self.certSecret) == has(self.keySecret)", message: "name certSecret and keySecret together" },
  check: Schema.makeFilter<object>((options) =>
    Object.hasOwn(options, "certSecret") === Object.hasOwn(options, "keySecret")
      ? undefined
      : { path: ["certSecret"], issue: "name certSecret and keySecret together" }
  )
}
