import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import * as readers from "#services/settingReaders"

const accepted = (result: Result.Result<unknown, string>) => Result.getOrUndefined(result)

describe("readers of settings", () => {
  it.effect.prop("take every port and no other number", [Schema.Int], ([number]) =>
    Effect.sync(() => {
      const fits = number >= 0 && number <= 65535
      assert.strictEqual(accepted(readers.port(String(number))), fits ? number : undefined)
    })
  )

  it.effect.prop("answer any text with a value or with what to write, and never throw", [Schema.String], ([text]) =>
    Effect.sync(() => {
      const all: ReadonlyArray<readers.Reader<unknown>> = [
        readers.port,
        readers.boolean,
        readers.httpUrl,
        readers.hostAndPort,
        readers.proxyUrl,
        readers.logLevel,
        readers.listenAddress,
        readers.namespace,
        readers.namespaces,
        readers.secret,
        readers.count,
        readers.amount,
        readers.oneOf("json", "pretty")
      ]
      for (const read of all) {
        const result = read(text)
        if (Result.isFailure(result)) assert.isNotEmpty(result.failure)
      }
    })
  )

  it("take whole numbers for counts, and amounts with a point", () => {
    const texts = ["0", "60", "0.15", "-1", "1e9", "12,5", ""]
    assert.deepStrictEqual(
      texts.map((text) => accepted(readers.count(text))),
      [0, 60, undefined, undefined, undefined, undefined, undefined]
    )
    assert.deepStrictEqual(
      texts.map((text) => accepted(readers.amount(text))),
      [0, 60, 0.15, undefined, undefined, undefined, undefined]
    )
  })

  const addresses: ReadonlyArray<[string, string | undefined]> = [
    ["127.0.0.1", "127.0.0.1"],
    ["localhost", "127.0.0.1"],
    ["::1", "::1"],
    ["::", "::"],
    ["0.0.0.0", "0.0.0.0"],
    ["256.0.0.1", undefined],
    ["1.2.3", undefined],
    ["example.com", undefined],
    ["::1]/evil", undefined]
  ]
  it.each(addresses)("listen address %s is %s", (text, expected) =>
    assert.strictEqual(accepted(readers.listenAddress(text)), expected)
  )

  const urls: ReadonlyArray<[string, string | undefined]> = [
    ["http://prometheus:9090/", "http://prometheus:9090"],
    ["https://p.example/prefix/", "https://p.example/prefix"],
    ["ftp://p.example", undefined],
    ["http://user:secret@p.example", undefined],
    ["prometheus:9090", undefined]
  ]
  it.each(urls)("URL %s is %s", (text, expected) => assert.strictEqual(accepted(readers.httpUrl(text)), expected))

  const hosts: ReadonlyArray<[string, boolean]> = [
    ["metadata.google.internal", true],
    ["169.254.169.254:80", true],
    ["[fd20:ce::254]:80", true],
    ["http://169.254.169.254", false],
    ["169.254.169.254/path", false],
    ["user@host", false],
    ["host:port", false],
    ["", false]
  ]
  it.each(hosts)("host %s is taken: %s", (text, expected) =>
    assert.strictEqual(accepted(readers.hostAndPort(text)), expected ? text : undefined)
  )
})
