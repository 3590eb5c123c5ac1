/**
 * What a Redis server's refusal means for whoever wrote the policy. Only the code of it is told: servers repeat what
 * they did not understand, and that may have been a password.
 */
import type { MissingReason } from "#schemas/Reading"
import type { ErrorReply } from "#services/resp"
import { SourceError } from "#services/SourceError"

interface Meaning {
  readonly why: MissingReason
  readonly what: string
  readonly remedy: string
}

const credentials: Meaning = {
  why: "Unauthorized",
  what: "does not accept these credentials",
  remedy: "Give a valid user and password with username and passwordSecret."
}

const busy = (what: string): Meaning => ({
  why: "Unreachable",
  what,
  remedy: "It is asked again at the next tick; if it stays so, look at the server's own log."
})

const MEANINGS: Readonly<Record<string, Meaning>> = {
  NOAUTH: { ...credentials, what: "wants credentials" },
  WRONGPASS: credentials,
  DENIED: {
    why: "Forbidden",
    what: "is in protected mode and answers only its own machine",
    remedy: "Give it a password, and name that in passwordSecret."
  },
  NOPERM: {
    why: "Forbidden",
    what: "does not let this user ask",
    remedy:
      "Allow its user (ACL SETUSER) the key, and the commands TYPE and LLEN, SCARD, ZCARD, HLEN, or XLEN and XINFO."
  },
  LOADING: busy("is still loading its data"),
  BUSY: busy("is busy with a script"),
  MASTERDOWN: busy("has lost its primary"),
  CLUSTERDOWN: busy("says that its cluster is down"),
  TRYAGAIN: busy("is moving the key to another server"),
  WRONGTYPE: {
    why: "Malformed",
    what: "says that the key has just become something else",
    remedy: "It is asked again at the next tick; if it stays so, let nobody else use this key."
  }
}

/** Refusals without a code of their own, by what they begin with. */
const PLAIN: ReadonlyArray<readonly [RegExp, Meaning]> = [
  [
    /^ERR (?:AUTH|Client sent AUTH)/u,
    { ...credentials, what: "expects no password", remedy: "Remove password, passwordSecret and username." }
  ],
  [/^ERR invalid password/u, credentials],
  [
    /^ERR max number of clients/u,
    { why: "Throttled", what: "has no room for another client", remedy: "Raise the server's maxclients." }
  ],
  [
    /^ERR (?:DB index|invalid DB|SELECT is not allowed)/u,
    {
      why: "BadOptions",
      what: "does not have this database",
      remedy: "Correct db: servers have 16 as a rule, members of a cluster only 0."
    }
  ]
]

/** `who` begins the sentence. */
export const refusal = ({ text }: ErrorReply, who: string): SourceError => {
  const code = /^[A-Z]+(?= |$)/u.exec(text)?.[0] ?? ""
  const meaning =
    (Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined) ?? PLAIN.find(([begin]) => begin.test(text))?.[1]
  return meaning === undefined
    ? new SourceError({
        why: "Malformed",
        detail: `${who} refused the question${code === "" ? "" : ` (${code})`}. Check that it is a Redis server, 5 or later, and no proxy that knows fewer commands.`
      })
    : new SourceError({ why: meaning.why, detail: `${who} ${meaning.what}. ${meaning.remedy}` })
}
