import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { afterAll } from "vitest"
import { Effect, FileSystem, PlatformError } from "effect"
import { whyUnread } from "#cli/whyUnread"

const folder = mkdtempSync(join(tmpdir(), "nimbusguard-unread-"))

afterAll(() => rmSync(folder, { recursive: true }))

describe("why a file cannot be read", () => {
  it.effect.each([
    { path: join(folder, "none.yaml"), words: /^There is no such file\. Correct the path\.$/u },
    { path: folder, words: /^This is not a file\. Of a directory, name the files in it\.$/u }
  ])("is said of $path with what to do about it", ({ path, words }) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip((yield* FileSystem.FileSystem).readFileString(path))
      assert.match(whyUnread(error), words)
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it("is said of a file of somebody else's, and of any other in the system's own words", () => {
    const failed = (_tag: "PermissionDenied" | "Busy") =>
      PlatformError.systemError({ _tag, module: "FileSystem", method: "readFile", description: "it is in use" })
    assert.include(whyUnread(failed("PermissionDenied")), "Change its permissions")
    assert.include(whyUnread(failed("Busy")), "it is in use")
  })
})
