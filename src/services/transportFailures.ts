/** What a failed connection says about the request that was to go over it. */

/** Before the first byte could leave: names, routes, refusals, handshakes. */
const NOT_SENT: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_FAIL",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "ENOENT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_INVALID_ARG",
  "UND_ERR_PRX_TLS",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"
])

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : ""

/** True unless it is certain that the server has seen nothing of the request. */
export const wasSent = (error: unknown): boolean => {
  // One failure per address that was tried.
  if (error instanceof AggregateError) return error.errors.some(wasSent)
  const code = codeOf(error)
  if (NOT_SENT.has(code) || code.startsWith("ERR_TLS_") || code.startsWith("ERR_SSL_") || code.startsWith("CERT_")) {
    // TLS 1.3 may report a refused client certificate after the request: but then it was refused unread.
    return false
  }
  return !(error instanceof Error && error.cause !== undefined) || wasSent(error.cause)
}
