/**
 * What can go wrong between us and a Kafka cluster: the reason, a sentence with its remedy, and whether asking again
 * can help, because leaders and coordinators move. The numbers are the protocol's own.
 */
import type { MissingReason } from "#schemas/Reading"
import { EgressError } from "#services/Egress"
import { ExchangeFailure } from "#services/httpExchange"
import { SourceError } from "#services/SourceError"

/** Thrown inside Node's callbacks too; `sourceError` is what leaves the service. */
export class KafkaFailure extends Error {
  readonly why: MissingReason
  /** True: somebody else may answer, or the same one a moment later. */
  readonly again: boolean

  constructor(why: MissingReason, detail: string, again = false) {
    super(detail)
    this.why = why
    this.again = again
  }

  get sourceError(): SourceError {
    return new SourceError({ why: this.why, detail: this.message })
  }
}

interface Meaning {
  readonly why: MissingReason
  readonly what: string
  readonly remedy: string
  readonly again?: true
}

const moved = (what: string): Meaning => ({
  why: "NotLeader",
  what,
  remedy: "It is asked again at the next tick; if it stays so, look at the brokers' health.",
  again: true
})

const coordinator = moved("has no coordinator for the consumer group at the moment")
const leader = moved("has no leader for a partition at the moment")

const MEANINGS: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [
    3,
    {
      why: "NotFound",
      what: "does not know the topic, or not that partition of it",
      remedy: "Correct the topic, or let the user describe it."
    }
  ],
  [5, leader],
  [6, leader],
  [7, { ...moved("did not get an answer from its own brokers in time"), why: "Timeout" }],
  [8, leader],
  [9, leader],
  [13, leader],
  [14, moved("is still loading the offsets of the consumer group")],
  [15, coordinator],
  [16, coordinator],
  [17, { why: "BadOptions", what: "says that this is no name of a topic", remedy: "Correct the topic." }],
  [
    24,
    { why: "BadOptions", what: "says that this is no name of a consumer group", remedy: "Correct the consumerGroup." }
  ],
  [
    29,
    {
      why: "Forbidden",
      what: "does not let this user describe the topic",
      remedy: "Allow Describe on the topic to the user."
    }
  ],
  [
    30,
    {
      why: "Forbidden",
      what: "does not let this user describe the consumer group",
      remedy: "Allow Describe on the group to the user."
    }
  ],
  [
    31,
    {
      why: "Forbidden",
      what: "does not let this user ask",
      remedy: "Allow Describe on the topic and the group to the user."
    }
  ],
  [
    33,
    {
      why: "BadOptions",
      what: "does not offer this SASL mechanism on that port",
      remedy: "Correct saslMechanism, or name another listener."
    }
  ],
  [
    34,
    { why: "BadOptions", what: "expects no credentials on that port", remedy: "Remove username and passwordSecret." }
  ],
  [35, { why: "BadOptions", what: "is too old or too new to be asked", remedy: "Use Kafka 2.1 or later." }],
  [
    58,
    {
      why: "Unauthorized",
      what: "refuses these credentials",
      remedy: "Correct username, passwordSecret or saslMechanism."
    }
  ],
  [74, leader],
  [75, leader],
  [78, leader],
  [89, { why: "Throttled", what: "is asked too often", remedy: "Choose a longer interval, or raise the user's quota." }]
])

/** The failure that an error code is; `who` begins the sentence. */
export const failureOfCode = (code: number, who: string): KafkaFailure => {
  const meaning = MEANINGS.get(code)
  return meaning === undefined
    ? new KafkaFailure(
        "Malformed",
        `${who} answered with its error ${code}, which says nothing about the lag. Look at the broker's log for the cause.`,
        // Whatever a broker could not do once, it may do a moment later.
        code === -1
      )
    : new KafkaFailure(meaning.why, `${who} ${meaning.what}. ${meaning.remedy}`, meaning.again === true)
}

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : ""

/** The failure of a connection: codes only, since messages of libraries may quote what was sent. */
export const failureOfSocket = (error: unknown, who: string): KafkaFailure => {
  if (error instanceof KafkaFailure) return error
  if (error instanceof ExchangeFailure) {
    const { message, reason } = new EgressError({ reason: error.reason, url: who, detail: error.message })
    return new KafkaFailure(reason._tag, message, reason._tag === "Unreachable")
  }
  if (error instanceof AggregateError && error.errors.length > 0) return failureOfSocket(error.errors[0], who)
  const code = codeOf(error)
  const told = code === "" ? "" : ` (${code})`
  if (code === "ETIMEDOUT") {
    return new KafkaFailure("Timeout", `${who} did not accept a connection in time${told}. ${OVERLOADED}`, true)
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") {
    return new KafkaFailure(
      "Unreachable",
      `${who} has a name that cannot be resolved${told}. Correct bootstrapServers, or the names that the brokers advertise.`,
      true
    )
  }
  if (code.startsWith("ERR_OSSL_") || code.startsWith("ERR_TLS_PFX")) {
    return new KafkaFailure(
      "BadOptions",
      `The certificates for ${who} cannot be used${told}. Write them as PEM into the Secret, the key beside its certificate.`
    )
  }
  if (/CERT|SSL|TLS|SIGNATURE|ISSUER/u.test(code)) {
    return new KafkaFailure(
      "Unreachable",
      `${who} showed a certificate that is not trusted, refused ours, or spoke no TLS${told}. Check tls, caSecret and the names in the certificate.`
    )
  }
  return new KafkaFailure("Unreachable", `${who} could not be asked: the connection failed${told}. ${REACH}`, true)
}

export const REACH = "Check the address, that the server runs, and that a NetworkPolicy lets the operator reach it."
export const OVERLOADED =
  "Check that the server is up and not overloaded, and that a NetworkPolicy lets the operator reach it."

/** Silence where an answer was due. */
export const silence = (who: string, millis: number): KafkaFailure =>
  new KafkaFailure("Timeout", `${who} did not answer within ${millis} ms. ${OVERLOADED}`)
