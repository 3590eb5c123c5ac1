// The pubsub source against the stand-in for Google Cloud, beyond the contract: tokens, pages, workload identity, and what
// a tenant could try with an endpoint or a key of its own making.
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { GoogleCloud, OLDEST_AGE } from "#test/controlplane/GoogleCloud"
import { signal } from "#test/sources/sourceWorld"
import { outcome, SourceRuntime } from "./sourceRuntime.ts"

const project = "my-project"
const email = "reader@my-project.iam.gserviceaccount.com"

describe("Google Cloud, as far as a stand-in can show it", () => {
  let cloud: GoogleCloud
  const runtimes: Array<SourceRuntime> = []

  const start = (...options: ConstructorParameters<typeof SourceRuntime>): SourceRuntime => {
    const running = new SourceRuntime(...options)
    runtimes.push(running)
    return running
  }

  const withKey = (key: string) => start({ secrets: { gcp: { key } } })

  beforeAll(async () => {
    cloud = await GoogleCloud.start()
    const minutes = Array.from({ length: 1200 }, (_, at) => ({ agoMillis: 30_000 + at * 60_000, value: at + 1 }))
    cloud.setSubscriptions(
      { project, subscription: "jobs", points: minutes },
      { project, subscription: "jobs", metric: OLDEST_AGE, points: [{ agoMillis: 30_000, value: 350 }] },
      { project: "another", subscription: "jobs", points: [{ agoMillis: 30_000, value: 999 }] },
      { project, subscription: "split", points: minutes.slice(0, 1), labels: { region: "a" } },
      { project, subscription: "split", points: minutes.slice(0, 1), labels: { region: "b" } }
    )
  })

  afterAll(async () => {
    for (const running of runtimes) await running.dispose()
    await cloud?.close()
  })

  const read = (running: SourceRuntime, options: object = {}, more: Parameters<typeof signal>[2] = {}) =>
    running.read(
      signal(
        "pubsub",
        {
          projectId: project,
          subscriptionId: "jobs",
          credentialsSecret: { name: "gcp", key: "key" },
          endpoint: cloud.url,
          ...options
        },
        more
      )
    )

  it("takes the signed key for a token once, and the token for every question", async () => {
    const running = withKey(cloud.createKey(email, [project]))
    const before = cloud.asked("/token")
    assert.strictEqual(outcome(await read(running)), "Measured 1")
    assert.strictEqual(outcome(await read(running, { mode: "OldestUnackedMessageAge" })), "Measured 350")
    assert.strictEqual(outcome(await read(running, {}, { maxSampleAgeMillis: 3_600_000 })), "Measured 1")
    assert.strictEqual(cloud.asked("/token") - before, 1)
    assert.strictEqual(outcome(await read(running, { subscriptionId: "split" })), "TooManySeries")
  })

  it("reads all pages of a long time", async () => {
    const running = withKey(cloud.createKey(email, [project]))
    const before = cloud.asked("/timeSeries")
    const reading = await read(running, {}, { maxSampleAgeMillis: 72_000_000 })
    assert.strictEqual(outcome(reading), "Measured 1")
    assert.strictEqual(cloud.asked("/timeSeries") - before, 3)
  })

  it("takes another token when the one it has is revoked, and says so when the key is gone", async () => {
    const running = withKey(cloud.createKey("short@my-project.iam.gserviceaccount.com", [project]))
    assert.strictEqual(outcome(await read(running)), "Measured 1")
    cloud.revokeTokens()
    assert.strictEqual(outcome(await read(running, {}, { maxSampleAgeMillis: 200_000 })), "Measured 1")
    cloud.deleteKeys("short@my-project.iam.gserviceaccount.com")
    const gone = await read(running, {}, { maxSampleAgeMillis: 210_000 })
    assert.strictEqual(outcome(gone), "Unauthorized")
    assert.match(gone._tag === "Missing" ? gone.detail : "", /account not found.*JSON key of a service account/u)
  })

  it("is refused with a key that was signed by somebody else, and where the account has no role", async () => {
    const genuine = JSON.parse(cloud.createKey(email, [project])) as object
    const forged = { ...(JSON.parse(cloud.createKey("thief@p.iam", [])) as object), client_email: email }
    const { private_key_id } = genuine as { readonly private_key_id: string }
    const reading = await read(withKey(JSON.stringify({ ...forged, private_key_id })))
    assert.strictEqual(outcome(reading), "Unauthorized")
    assert.match(reading._tag === "Missing" ? reading.detail : "", /Invalid JWT Signature/u)
    const elsewhere = await read(withKey(cloud.createKey("stranger@my-project.iam.gserviceaccount.com", ["elsewhere"])))
    assert.strictEqual(outcome(elsewhere), "Forbidden")
    assert.match(elsewhere._tag === "Missing" ? elsewhere.detail : "", /Grant the role Monitoring Viewer/u)
  })

  it("is not believed when Google says that it may be incomplete", async () => {
    const running = withKey(cloud.createKey(email, [project]))
    cloud.executionErrors = [{ code: 4, message: "Deadline exceeded in us-east1" }]
    try {
      const reading = await read(running)
      assert.strictEqual(outcome(reading), "Unreachable")
      assert.match(reading._tag === "Missing" ? reading.detail : "", /incomplete: Deadline exceeded in us-east1/u)
    } finally {
      cloud.executionErrors = []
    }
  })

  describe("with workload identity", () => {
    const lending = () =>
      start({
        settings: {
          inCluster: true,
          googleWorkloadIdentity: true,
          googleMetadataHost: `127.0.0.1:${cloud.port}`,
          googleMonitoringUrl: cloud.url
        }
      })
    const own = { projectId: project, subscriptionId: "jobs" }

    beforeAll(() => cloud.bindWorkloadIdentity("operator@my-project.iam.gserviceaccount.com", [project]))

    it("reads with the operator's own token, inside a cluster too", async () => {
      const running = lending()
      assert.strictEqual(outcome(await running.read(signal("pubsub", own))), "Measured 1")
      assert.notInclude(running.everythingTold, "ya29")
    })

    it("lends it to nobody where the operator does not say so", async () => {
      const running = start({
        settings: { googleMonitoringUrl: cloud.url, googleMetadataHost: `127.0.0.1:${cloud.port}` }
      })
      const before = cloud.asked("/computeMetadata")
      assert.strictEqual(outcome(await running.read(signal("pubsub", own))), "BadOptions")
      assert.strictEqual(cloud.asked("/computeMetadata"), before)
    })

    it("brings it to no endpoint of a tenant's choice", async () => {
      const tenants = start({
        settings: {
          googleWorkloadIdentity: true,
          googleMetadataHost: `127.0.0.1:${cloud.port}`,
          googleMonitoringUrl: "http://127.0.0.1:1"
        }
      })
      const before = cloud.asked("/computeMetadata")
      const reading = await tenants.read(signal("pubsub", { ...own, endpoint: cloud.url }))
      assert.strictEqual(outcome(reading), "Unauthorized", "it came there without any credentials")
      assert.strictEqual(cloud.asked("/computeMetadata"), before)
    })

    it.each([
      "http://metadata.google.internal",
      "http://169.254.169.254",
      "http://[fd20:ce::254]",
      "http://127.0.0.1:1"
    ])("leaves %s as forbidden as ever, as an endpoint and inside a key", async (address) => {
      const running = lending()
      const reading = await running.read(signal("pubsub", { ...own, endpoint: address }))
      assert.strictEqual(outcome(reading), "Blocked")
      const key = cloud.createKey(email, [project], `${address}/computeMetadata/v1/token`)
      const keyed = start({ secrets: { gcp: { key } }, settings: { inCluster: true, googleMonitoringUrl: cloud.url } })
      assert.strictEqual(outcome(await read(keyed, { endpoint: "https://monitoring.googleapis.com" })), "Blocked")
    })
  })
})
