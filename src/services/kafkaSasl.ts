/**
 * How a user proves itself to a broker: PLAIN, and SCRAM (RFC 5802) as Kafka speaks it. SCRAM's broker proves itself
 * in turn, and is not believed before it has.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto"
import { promisify } from "node:util"
import type { SaslCredentials } from "#services/Kafka"
import { KafkaFailure } from "#services/kafkaFailure"

/** Sends what is said and gives the broker's answer. */
export type Say = (message: Buffer) => Promise<Buffer>

const ITERATIONS_MIN = 4096
/** Beyond it a broker could keep our processor busy. */
const ITERATIONS_MAX = 200_000

const impostor = (what: string) =>
  new KafkaFailure(
    "Unauthorized",
    `The broker ${what}, so it may be an impostor. Check bootstrapServers, and that passwordSecret holds this user's password.`
  )

/** A comma ends an attribute and an equals sign its name. */
const escaped = (username: string) => username.replaceAll("=", "=3D").replaceAll(",", "=2C")

const attributes = (message: string): ReadonlyMap<string, string> =>
  new Map(message.split(",").map((part) => [part.slice(0, 1), part.slice(2)]))

const scram = async (hash: "sha256" | "sha512", { password, username }: SaslCredentials, say: Say, nonce: string) => {
  const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest()
  const firstBare = `n=${escaped(username)},r=${nonce}`
  const first = (await say(Buffer.from(`n,,${firstBare}`))).toString()
  const told = attributes(first)
  const theirs = told.get("r") ?? ""
  if (!theirs.startsWith(nonce) || theirs.length <= nonce.length) throw impostor("did not add to our nonce")
  const iterations = Number(told.get("i"))
  if (!Number.isInteger(iterations) || iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX) {
    throw impostor(`asks for a number of iterations outside ${ITERATIONS_MIN} to ${ITERATIONS_MAX}`)
  }
  const size = hash === "sha256" ? 32 : 64
  const salted = await promisify(pbkdf2)(password, Buffer.from(told.get("s") ?? "", "base64"), iterations, size, hash)
  const clientKey = hmac(salted, "Client Key")
  const withoutProof = `c=${Buffer.from("n,,").toString("base64")},r=${theirs}`
  const everything = `${firstBare},${first},${withoutProof}`
  const signature = hmac(createHash(hash).update(clientKey).digest(), everything)
  const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0))
  const last = attributes(
    (await say(Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString("base64")}`))).toString()
  )
  const wanted = hmac(hmac(salted, "Server Key"), everything)
  const given = Buffer.from(last.get("v") ?? "", "base64")
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw impostor("could not prove that it knows the user")
  }
}

export const authenticate = async (
  credentials: SaslCredentials,
  say: Say,
  nonce: string = randomBytes(24).toString("base64url")
): Promise<void> => {
  switch (credentials.mechanism) {
    case "PLAIN":
      await say(Buffer.from(`\0${credentials.username}\0${credentials.password}`))
      return
    case "SCRAM-SHA-256":
      return scram("sha256", credentials, say, nonce)
    case "SCRAM-SHA-512":
      return scram("sha512", credentials, say, nonce)
  }
}
