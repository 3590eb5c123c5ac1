// The objects of test/fixtures/crd: what must be accepted, and what must be refused with which words. The words were
// taken from a real API server, and test/integration/crd.test.ts asks one again.
import { globSync, readFileSync } from "node:fs"
import { fromYaml } from "#manifests/yaml"
import { kindOf } from "#schemas/crd/index"
import type { CrdKind } from "#schemas/crd/index"

export const fixtures = new URL("../fixtures/crd/", import.meta.url)

export interface Fixture {
  readonly name: string
  readonly path: string
  readonly kind: CrdKind
  readonly object: unknown
  /** `reason field: message` of every cause, sorted; none where it must be accepted. */
  readonly expected: ReadonlyArray<string>
}

const read = (folder: "valid" | "invalid"): ReadonlyArray<Fixture> =>
  globSync(`${folder}/*.yaml`, { cwd: fixtures })
    .toSorted()
    .map((name) => {
      const path = new URL(name, fixtures).pathname
      const object = fromYaml(readFileSync(path, "utf8"))[0]?.value
      const kind = kindOf(object)
      if (kind === undefined) throw new Error(`${name} is of no kind of ours`)
      const expected = folder === "valid" ? "" : readFileSync(path.replace(/yaml$/u, "expected"), "utf8")
      return { name, path, kind, object, expected: expected.split("\n").filter((line) => line !== "") }
    })

export const VALID = read("valid")
export const INVALID = read("invalid")
