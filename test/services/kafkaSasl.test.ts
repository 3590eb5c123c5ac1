import { createHmac, createHash, pbkdf2Sync } from "node:crypto"
import { assert, describe, it } from "vitest"
import { KafkaFailure } from "#services/kafkaFailure"
import { authenticate } from "#services/kafkaSasl"

/** Answers in order and remembers what was said. */
const broker = (...answers: ReadonlyArray<string>) => {
  const heard: Array<string> = []
  const say = (message: Buffer) => {
    heard.push(message.toString())
    return Promise.resolve(Buffer.from(answers[heard.length - 1] ?? ""))
  }
  return { heard, say }
}

const refused = async (attempt: Promise<void>): Promise<KafkaFailure> => {
  try {
    await attempt
  } catch (error) {
    if (error instanceof KafkaFailure) return error
    throw error
  }
  throw new Error("was believed")
}

// The example of RFC 7677.
const NONCE = "rOprNGfwEbeRWgbNEkqO"
const FIRST = `r=${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`
const LAST = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
const PENCIL = { mechanism: "SCRAM-SHA-256", username: "user", password: "pencil" } as const

describe("SCRAM", () => {
  it("says what the RFC's example says", async () => {
    const { heard, say } = broker(FIRST, LAST)
    await authenticate(PENCIL, say, NONCE)
    assert.deepStrictEqual(heard, [
      `n,,n=user,r=${NONCE}`,
      `c=biws,r=${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`
    ])
  })

  it("proves itself with SHA-512 to who can check it", async () => {
    const salt = Buffer.from("salt")
    const salted = pbkdf2Sync("p=,w", salt, 5000, 64, "sha512")
    const hmac = (key: Buffer, text: string) => createHmac("sha512", key).update(text).digest()
    const heard: Array<string> = []
    await authenticate({ mechanism: "SCRAM-SHA-512", username: "a=b,c", password: "p=,w" }, (message) => {
      heard.push(message.toString())
      const [first = "", last = ""] = heard
      if (heard.length === 1)
        return Promise.resolve(Buffer.from(`r=${first.split("r=")[1]}more,s=${salt.toString("base64")},i=5000`))
      const nonce = first.split("r=")[1] ?? ""
      const all = `${first.slice(3)},r=${nonce}more,s=${salt.toString("base64")},i=5000,${last.slice(0, last.lastIndexOf(",p="))}`
      const clientKey = hmac(salted, "Client Key")
      const signature = hmac(createHash("sha512").update(clientKey).digest(), all)
      const proof = Buffer.from(last.slice(last.lastIndexOf(",p=") + 3), "base64")
      assert.deepStrictEqual(Buffer.from(proof.map((byte, at) => byte ^ (signature[at] ?? 0))), clientKey)
      return Promise.resolve(Buffer.from(`v=${hmac(hmac(salted, "Server Key"), all).toString("base64")}`))
    })
    assert.include(heard[0], "n=a=3Db=2Cc,")
  })

  it.each([
    ["has another nonce", FIRST.replace(NONCE, "other")],
    ["adds nothing to our nonce", FIRST.replace(/%[^,]*/u, "")],
    ["asks for too little work", FIRST.replace("4096", "1")],
    ["asks for too much work", FIRST.replace("4096", "100000000")],
    ["asks for no number", FIRST.replace("4096", "many")],
    ["says nothing", ""]
  ])("does not go on with a broker that %s", async (_, first) => {
    const { heard, say } = broker(first, LAST)
    const failure = await refused(authenticate(PENCIL, say, NONCE))
    assert.strictEqual(failure.why, "Unauthorized")
    assert.strictEqual(heard.length, 1, "nothing is proven to an impostor")
  })

  it.each(["v=AAAA", "e=other-error", "", LAST.replace("6r", "7r")])(
    "does not believe a broker that ends with %j",
    async (last) => {
      const failure = await refused(authenticate(PENCIL, broker(FIRST, last).say, NONCE))
      assert.strictEqual(failure.why, "Unauthorized")
      assert.include(failure.message, "impostor")
    }
  )

  it("uses a nonce only once", async () => {
    const said = [broker(), broker()]
    for (const { say } of said) await refused(authenticate(PENCIL, say))
    assert.notStrictEqual(said[0]?.heard[0], said[1]?.heard[0])
  })
})

describe("PLAIN", () => {
  it("says user and password, once", async () => {
    const { heard, say } = broker("")
    await authenticate({ mechanism: "PLAIN", username: "alice", password: "secret" }, say)
    assert.deepStrictEqual(heard, ["\0alice\0secret"])
  })
})
