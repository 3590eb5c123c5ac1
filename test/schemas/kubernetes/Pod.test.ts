import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { Pod } from "#schemas/kubernetes/Pod"

const decode = Schema.decodeUnknownOption(Pod)
const metadata = { name: "a", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" }

describe("a pod on the wire", () => {
  it("may lack everything that is not known yet, or have it as null", () => {
    assert.isTrue(Option.isSome(decode({ metadata, spec: {} })))
    const conditions = [{ type: "Ready", status: "False", lastTransitionTime: null }]
    const status = { startTime: null, conditions, containerStatuses: null, initContainerStatuses: null }
    assert.isTrue(Option.isSome(decode({ metadata, spec: { containers: null, initContainers: null }, status })))
  })

  it("keeps only what is used", () => {
    const spec = { nodeName: "n", containers: [{ name: "main", image: "i", resources: { limits: { cpu: "1" } } }] }
    const pod = Option.getOrThrow(decode({ kind: "Pod", metadata, spec, status: { hostIP: "x" } }))
    assert.deepStrictEqual(pod, { metadata, spec: { containers: [{ name: "main", resources: {} }] }, status: {} })
  })

  it("is none without a name or with text for a number", () => {
    assert.isTrue(Option.isNone(decode({ metadata: { ...metadata, name: undefined }, spec: {} })))
    const containerStatuses = [{ name: "main", restartCount: "3" }]
    assert.isTrue(Option.isNone(decode({ metadata, spec: {}, status: { containerStatuses } })))
  })
})
