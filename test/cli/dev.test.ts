/** `nimbusguard dev` as a process: it comes up, it ends by itself, and wrong arguments say what to give instead. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { parseDuration } from "#cli/dev"
import { cli } from "#cli/index"
import { nimbusguard } from "#test/cli/nimbusguard"

const inFolder = <A, E, R>(use: (trace: string) => Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "nimbusguard-test-"))),
    (folder) => {
      const trace = join(folder, "trace.csv")
      writeFileSync(trace, "0,200\n60,1500\n120,1500\n")
      return use(trace)
    },
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

describe("nimbusguard dev", () => {
  it.each([
    ["90s", 90_000],
    ["1.5m", 90_000],
    ["24h", 86_400_000],
    ["250ms", 250]
  ])("takes %s for a duration", (text, millis) => {
    assert.deepStrictEqual(parseDuration(text), Result.succeed(millis))
  })

  it.each(["", "10", "s", "-5s", "0s", "ten minutes"])("takes %j for none, and says what one looks like", (text) => {
    const parsed = parseDuration(text)
    assert.isTrue(Result.isFailure(parsed) && parsed.failure.includes("such as 90s, 10m or 24h"))
  })

  it.live("replays a trace, shows what happens, stops by itself, and leaves nothing behind", () =>
    inFolder((trace) =>
      Effect.sync(() => {
        const { code, stderr, stdout } = nimbusguard(["dev", "--speed", "60", "--duration", "4m", "--trace", trace])
        assert.strictEqual(code, 0, stderr)
        assert.match(stdout, /^NimbusGuard dev: .*Ready in \d+\.\d s\./u)
        const kubeconfig = /export KUBECONFIG=(\S+)/u.exec(stdout)?.[1] ?? ""
        assert.isFalse(existsSync(dirname(kubeconfig)), kubeconfig)
        assert.match(stdout, /gscaler\/my-app-scaler: my-app \d+ -> \d+: metric \d+/u)
        assert.notInclude(stdout, "\u001b")
        assert.strictEqual(stderr, "")
      })
    )
  )

  it.live("replays a trace only where there is something to replay it on", () =>
    inFolder((trace) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(cli(["dev", "--trace", trace, "--scenario", "every-engine"]))
        assert.match(String(error), /replayed on my-app.*choose another --scenario/u)
      }).pipe(Effect.provide(NodeServices.layer))
    )
  )

  it.live.each([
    { args: ["--speed", "6000"], words: /--speed 6000: give 0\.1 to 600/u },
    { args: ["--api-port", "-1"], words: /--api-port -1: give 0 to 65535, where 0 is any that is free/u },
    { args: ["--load-port", "99999"], words: /--load-port 99999: give 0 to 65535/u },
    { args: ["--prometheus-port", "65536"], words: /--prometheus-port 65536: give 0 to 65535/u },
    { args: ["--duration", "soon"], words: /--duration soon: give a time/u },
    {
      args: ["--trace", "/nonexistent.csv"],
      words: /--trace \/nonexistent\.csv cannot be read: There is no such file/u
    },
    { args: ["--trace", "src"], words: /--trace src cannot be read: .* Of a directory, name the files in it/u },
    { args: ["--trace", "package.json"], words: /--trace package\.json: /u }
  ])("refuses $args with a sentence, as other wrong arguments are refused", ({ args, words }) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(cli(["dev", ...args]))
      assert.strictEqual(error._tag, "SettingsError")
      assert.match(error.message, words)
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
